"""Durations out of the parts of Prometheus' histograms."""

from dataclasses import replace

import pytest

from services.drafting.hypotheses.ladders import durations, is_part
from services.drafting.observations import SeriesWindow
from tests.services.drafting.hypotheses.observed import series

NAME = "http_request_duration_seconds"


def bucket(le: str, *, before: float, now: float, name: str = NAME) -> SeriesWindow:
    return series("shop", f"{name}_bucket", before=before, now=now, noise=0.0, le=le)


def test_mean_is_the_sum_beside_the_count() -> None:
    parts = [series("shop", f"{NAME}_sum", before=5.0, now=60.0, noise=0.0),
             series("shop", f"{NAME}_count", before=50.0, now=50.0, noise=0.0)]

    (told,) = durations(parts)

    assert (told.metric_name, told.unit) == (NAME, "s")
    assert told.baseline_median == pytest.approx(0.1)
    assert told.values == pytest.approx((1.2,) * 5)
    assert told.key != parts[0].key


def test_quantile_is_read_off_the_rungs_where_there_is_no_sum() -> None:
    parts = [bucket("0.1", before=80, now=10), bucket("0.5", before=100, now=20), bucket("1", before=100, now=100),
             bucket("+Inf", before=100, now=100)]

    (told,) = durations(parts)

    assert told.baseline_median == pytest.approx(0.3)  # nine tenths lie half way between 0.1 and 0.5
    assert told.values[0] == pytest.approx(0.9375)


def test_unit_is_that_of_the_name() -> None:
    parts = [bucket(le, before=100, now=100, name="istio_request_duration_milliseconds") for le in ("50", "+Inf")]

    (told,) = durations(parts)

    assert told.unit == "ms"


def test_ladder_without_its_top_or_with_holes_says_nothing() -> None:
    top = bucket("+Inf", before=100, now=100)

    assert list(durations([bucket("0.1", before=80, now=10), bucket("0.5", before=100, now=20)])) == []
    assert list(durations([replace(bucket("0.1", before=80, now=10), values=(1.0,)), top])) == []
    assert list(durations([bucket("0.1", before=0, now=0), bucket("+Inf", before=0, now=0)])) == []


def test_only_parts_of_durations_are_parts() -> None:
    assert is_part(bucket("0.1", before=1, now=1))
    assert not is_part(series("shop", "jvm_threads_count", before=1, now=1))
    assert not is_part(series("shop", "request_size_bytes_sum", before=1, now=1))
