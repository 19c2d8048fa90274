"""Requests and failures, counted from histograms of durations.

A request metric of OpenTelemetry is a histogram for each outcome: how long requests took is in its values, how many
there were in its counts, and whether they failed in its attributes. The counts become series of their own here, under
the key of the histogram that they come from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from services.drafting.hypotheses.measures import COUNTED, FAILED, Measure, meaning
from services.drafting.observations import SeriesSource, SeriesWindow

_HTTP_STATUS = ("http.response.status_code", "http.status_code", "status_code", "status", "code")
_GRPC_STATUS = ("rpc.grpc.status_code", "grpc_code")
_GRPC_FINE = frozenset({"0", "OK", "1", "CANCELLED", "3", "INVALID_ARGUMENT", "5", "NOT_FOUND", "6", "ALREADY_EXISTS"})
# A series that appears with the incident had nothing before; so many steps of it stand for that.
NOTHING_BEFORE = 30


def with_counts(series: Iterable[SeriesWindow]) -> tuple[SeriesWindow, ...]:
    """`series`, and for every histogram of durations the number of requests in it, as traffic or as errors."""
    known = tuple(series)
    return (*known, *(counted for one in known if one.counts and one.source is SeriesSource.METRIC
                      and meaning(one.metric_name, one.unit).measure is Measure.LATENCY
                      and (counted := _counted(one)) is not None))


def _counted(one: SeriesWindow) -> SeriesWindow | None:
    before = one.baseline_counts
    is_failed = is_failure(one.attributes)
    if not before:
        if not is_failed:
            return None
        before = (0.0,) * NOTHING_BEFORE
    middle = float(np.median(before))
    spread = float(1.4826 * np.median(np.abs(np.asarray(before) - middle)))
    return replace(one, unit=FAILED if is_failed else COUNTED, values=one.counts, baseline_values=before,
                   baseline_points=len(before), baseline_median=middle, baseline_spread=spread,
                   counts=(), baseline_counts=())


def is_failure(attributes: Mapping[str, str]) -> bool:
    """Whether attributes say that the requests which they describe failed on the side of the service."""
    if attributes.get("error.type"):
        return not attributes["error.type"].startswith("4")
    for name in _HTTP_STATUS:
        if attributes.get(name, "").startswith("5") and len(attributes[name]) == 3:
            return True
    return any(attributes.get(name, "OK").upper() not in _GRPC_FINE for name in _GRPC_STATUS)
