"""What Prometheus sends is what detection watches: rates, error shares and quantiles out of counters.

The one test that looks across the seam of two services; between them stand columns and definitions of series.
"""

import numpy as np

from services.detection.alignment import Alignment
from services.detection.series import Series, SeriesSource, SeriesType
from services.ingestion.chunks import unpacked
from services.ingestion.columns import decode_points
from services.ingestion.intake import Intake
from services.ingestion.settings import Settings
from shared.redaction import Redactor
from tests.services.ingestion.prometheus_requests import write_1
from tests.services.ingestion.senders import SECOND, T0

OF = {"job": "shop/checkout", "instance": "10.0.0.7:8080"}


def minute(number: int) -> list[list[tuple[dict[str, str], float]]]:
    """A hundred requests a minute, five of them failed; half of them took up to 0.1 s, 95 % up to 0.5 s. As three
    requests: a sender spreads the buckets of one histogram over its shards."""
    name = "http_request_duration_seconds_bucket"
    buckets: list[tuple[dict[str, str], float]] = [
        (OF | {"__name__": name, "le": le}, float(count * number))
        for le, count in (("0.1", 50), ("0.5", 95), ("1.0", 100), ("+Inf", 100))]
    requests: list[tuple[dict[str, str], float]] = [
        (OF | {"__name__": "http_requests_total", "http_response_status_code": code}, float(count * number))
        for code, count in (("200", 95), ("500", 5))]
    return [buckets[:2], buckets[2:], requests]


def signed(identifier: int) -> int:
    return identifier - 2**64 if identifier >= 2**63 else identifier


def test_rates_errors_and_quantiles_come_out_of_counters() -> None:
    intake, alignment = Intake(Settings(), Redactor().attribute), Alignment()
    for number in range(6):
        for part in minute(number):
            body = write_1([(labels, [(number * 60 + 30, value)]) for labels, value in part]).SerializeToString()
            decoded = intake.remote_write_1("live", body, T0)
            for identifier, series in decoded.series:
                alignment.define(Series(signed(identifier), series.service, series.metric_name, series.unit,
                                        SeriesType(int(series.type)), SeriesSource(int(series.source)),
                                        dict(series.attributes)))
            for chunk in decoded.chunks:
                ids, times, starts, values = decode_points(unpacked(chunk.columns).points)
                alignment.add(ids.astype(np.int64), times, starts, values)

    *_, last = alignment.complete(T0 / SECOND + 360)

    found = {alignment.measures[row].name: float(value)
             for row, value in zip(last.rows.tolist(), last.values.tolist(), strict=True)
             if not alignment.measures[row].operation}
    assert found["error share of http_requests_total"] == 0.05
    assert found["rate of http_requests_total"] == 100.0
    assert 0.05 <= found["http_request_duration_seconds p50"] <= 0.1
    assert 0.1 < found["http_request_duration_seconds p95"] <= 0.5
