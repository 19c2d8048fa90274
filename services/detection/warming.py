"""Has the detector's functions compiled before the first data comes.

Where no earlier run left them on disk this takes some seconds, which would otherwise be those of the first incident.
"""

from datetime import UTC, datetime, timedelta

import numpy as np

from services.detection.detector import StreamDetector
from services.detection.series import Series, SeriesSource, SeriesType

_START = datetime(2026, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000
# The reading of counts and of values, out of its normal and back: every function is called at least once.
_KINDS: tuple[tuple[SeriesType, str, str, dict[str, str], tuple[float, float]], ...] = (
    (SeriesType.DELTA, "http.server.requests", "", {"code": "200"}, (600.0, 300.0)),
    (SeriesType.DELTA, "http.server.requests", "", {"code": "500"}, (1.0, 300.0)),
    (SeriesType.GAUGE, "latency.p95", "s", {}, (0.08, 0.9)))
_MINUTES, _OUT = 45, range(30, 36)


def warm() -> None:
    """Lives through three quarters of an hour of one service, in which it fails for some minutes."""
    detector = StreamDetector("warming")
    for identity, (kind, name, unit, attributes, _) in enumerate(_KINDS, 1):
        detector.define(Series(identity, "web", name, unit, kind, SeriesSource.METRIC, attributes))
    ids = np.arange(1, len(_KINDS) + 1)
    for minute in range(_MINUTES):
        at = _START + timedelta(minutes=minute + 1)
        end = np.full(len(ids), round(at.timestamp()) * _NS)
        values = np.array([each[-1][minute in _OUT] for each in _KINDS]) * (1 + minute % 3 / 100)
        detector.add(ids, end, end - 60 * _NS, values)
        detector.advance(at.timestamp(), at)
