"""Every kind of OTLP metric, both temporalities, and that a request that repeats is read as if it were the first."""

import math
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from services.ingestion.columns import PointBuilder
from services.ingestion.otlp_metrics import MetricReader
from services.ingestion.rejections import Rejections
from services.ingestion.series import Registry, Series, Type
from tests.services.ingestion.senders import SECOND, T0, gauge

DELTA, CUMULATIVE = 1, 2
Row = tuple[str, int, int, float]


class Reader:
    """A MetricReader whose answers are told by the names of the series."""

    def __init__(self, per_service: int = 1000) -> None:
        self.registry = Registry(per_service=per_service, in_all=1000)
        self.reader = MetricReader(self.registry, lambda name, value: value)
        self.rejections = Rejections()
        self.series: dict[int, Series] = {}

    def read(self, request: ExportMetricsServiceRequest | bytes) -> dict[str, PointBuilder]:
        body = request if isinstance(request, bytes) else request.SerializeToString()
        found = self.reader.read(body, self.rejections)
        for points in found.values():
            self.series |= self.registry.fresh([*points.arrays()[0].tolist(),
                                                *(point.series_id for point in points.histograms)])
        return found

    def rows(self, request: ExportMetricsServiceRequest | bytes) -> list[Row]:
        """Name, time and start in seconds after T0, value; in order."""
        return sorted((self.series[identifier].metric_name, at, start, value)
                      for points in self.read(request).values()
                      for identifier, at, start, value in zip(*(column.tolist() for column in points.arrays()),
                                                              strict=True))


def one(**kind: Any) -> tuple[ExportMetricsServiceRequest, Any]:
    """A request with one metric `m` of service `shop`, and the metric."""
    request = gauge("shop", "m", [])
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.ClearField("gauge")
    return request, metric


def test_gauge_of_whole_numbers_and_of_fractions() -> None:
    request = gauge("shop", "m", [(0, 1.5)])
    request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points.add(
        time_unix_nano=T0 + SECOND, as_int=-(2**53))

    assert Reader().rows(request) == [("m", T0, 0, 1.5), ("m", T0 + SECOND, 0, -(2.0**53))]


@pytest.mark.parametrize(("temporality", "is_monotonic", "type_"), [
    (DELTA, True, Type.DELTA), (DELTA, False, Type.DELTA), (CUMULATIVE, True, Type.CUMULATIVE),
    (CUMULATIVE, False, Type.GAUGE)])
def test_sum_says_how_its_values_are_to_be_read(temporality: int, is_monotonic: bool, type_: Type) -> None:
    request, metric = one()
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = temporality, is_monotonic
    metric.sum.data_points.add(start_time_unix_nano=T0, time_unix_nano=T0 + SECOND, as_int=7)

    reader = Reader()

    assert reader.rows(request) == [("m", T0 + SECOND, T0, 7.0)]
    assert [each.type for each in reader.series.values()] == [type_]


def test_sum_without_temporality_is_rejected_by_the_point() -> None:
    request, metric = one()
    metric.sum.data_points.add(time_unix_nano=T0, as_int=7)
    metric.sum.data_points.add(time_unix_nano=T0, as_int=8)

    reader = Reader()

    assert reader.rows(request) == []
    assert len(reader.rejections) == 2
    assert "aggregation_temporality" in reader.rejections.message


def test_point_without_recorded_value_is_neither_taken_nor_rejected() -> None:
    request = gauge("shop", "m", [(0, 1.0), (1, 2.0)])
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[1]
    point.flags = 1
    point.ClearField("as_double")

    reader = Reader()

    assert reader.rows(request) == [("m", T0, 0, 1.0)]
    assert not reader.rejections


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_value_that_is_no_number_is_rejected_alone(value: float) -> None:
    reader = Reader()

    assert reader.rows(gauge("shop", "m", [(0, 1.0), (1, value)])) == [("m", T0, 0, 1.0)]
    assert len(reader.rejections) == 1


def test_exemplars_and_flags_do_not_make_a_series() -> None:
    request = gauge("shop", "m", [(0, 1.0), (1, 2.0), (2, 3.0)], pod="a")
    points = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    points[1].exemplars.add(time_unix_nano=T0, as_double=9.0)
    points[2].flags = 2

    reader = Reader()

    assert [row[3] for row in reader.rows(request)] == [1.0, 2.0, 3.0]
    assert len(reader.registry) == 1


def test_histogram_keeps_its_buckets_and_a_bad_one_costs_the_others_nothing() -> None:
    request, metric = one()
    metric.histogram.aggregation_temporality = DELTA
    metric.histogram.data_points.add(time_unix_nano=T0, start_time_unix_nano=T0 - SECOND, count=3, sum=2.5,
                                     explicit_bounds=[0.1, 1.0], bucket_counts=[1, 0, 2])
    metric.histogram.data_points.add(time_unix_nano=T0, count=3, explicit_bounds=[1.0], bucket_counts=[1])
    metric.histogram.data_points.add(time_unix_nano=T0, count=4, explicit_bounds=[1.0, 0.5], bucket_counts=[1, 1, 2])
    metric.histogram.data_points.add(time_unix_nano=T0, count=9, explicit_bounds=[1.0], bucket_counts=[1, 1])

    reader = Reader()
    point, = reader.read(request)["shop"].histograms

    assert point[1:] == (T0, T0 - SECOND, 3, 2.5, [0.1, 1.0, math.inf], [1, 0, 2])
    assert len(reader.rejections) == 3


def test_histogram_without_buckets_is_one_that_holds_everything() -> None:
    request, metric = one()
    metric.histogram.aggregation_temporality = CUMULATIVE
    metric.histogram.data_points.add(time_unix_nano=T0, count=3)

    point, = Reader().read(request)["shop"].histograms

    assert (list(point.bounds), list(point.counts)) == ([math.inf], [3])
    assert math.isnan(point.sum)


def test_summary_becomes_quantiles_count_and_sum() -> None:
    request, metric = one()
    point = metric.summary.data_points.add(time_unix_nano=T0, count=4, sum=8.0)
    point.quantile_values.add(quantile=0.5, value=1.5)
    point.quantile_values.add(quantile=0.99, value=math.nan)

    reader = Reader()

    assert [(name, value) for name, _, _, value in reader.rows(request)] == [("m", 1.5), ("m_count", 4.0),
                                                                             ("m_sum", 8.0)]
    assert {each.attributes.get("quantile") for each in reader.series.values()} == {None, "0.5"}


def test_series_beyond_the_limit_are_dropped_and_the_rest_goes_on() -> None:
    reader = Reader(per_service=1)
    for pod in ("a", "b"):
        reader.read(gauge("shop", "m", [(0, 1.0)], pod=pod))
    reader.read(gauge("other", "m", [(0, 1.0)]))

    assert reader.registry.dropped == {"shop": 1}
    assert "as many series as it may" in reader.rejections.message
    assert [row[3] for row in reader.rows(gauge("shop", "m", [(1, 2.0)], pod="a"))] == [2.0]


def test_request_that_is_none_is_told_so() -> None:
    with pytest.raises(DecodeError):
        Reader().read(b"\x0a\xff\xff")


def test_instance_that_starts_again_keeps_its_series() -> None:
    reader = Reader()
    reader.read(gauge("shop", "m", [(0, 1.0)], pod="a"))
    request = gauge("shop", "m", [(1, 1.0)], pod="a")
    for key in ("process.pid", "telemetry.sdk.version", "service.version"):
        request.resource_metrics[0].resource.attributes.add(key=key).value.string_value = "2"
    reader.read(request)

    assert len(reader.registry) == 1


numbers = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**62), 2**62)
points = st.tuples(st.sampled_from(["a", "b", "é", ""]), st.sampled_from([0, 5]), st.integers(0, 3), numbers,
                   st.booleans())
metrics = st.lists(st.tuples(st.sampled_from(["m", "n"]), st.booleans(), st.lists(points, max_size=4)), max_size=4)


def built(parts: list[tuple[str, bool, list[Any]]], shift: int) -> ExportMetricsServiceRequest:
    request = gauge("shop", "first", [(0, 0.0)])
    for name, is_sum, found in parts:
        metric = request.resource_metrics[0].scope_metrics[0].metrics.add(name=name)
        if is_sum:
            metric.sum.is_monotonic = True
            metric.sum.aggregation_temporality = CUMULATIVE  # type: ignore[assignment]
        for pod, start, at, value, has_flags in found:
            point = (metric.sum if is_sum else metric.gauge).data_points.add(
                start_time_unix_nano=start and T0 + start, time_unix_nano=T0 + (at + shift) * SECOND,
                flags=2 * has_flags)
            if isinstance(value, int):
                point.as_int = value - shift
            else:
                point.as_double = value
            if pod:
                point.attributes.add(key="pod").value.string_value = pod
    return request


@settings(max_examples=150)
@given(metrics)
def test_request_that_repeats_is_read_as_if_it_were_the_first(parts: list[tuple[str, bool, list[Any]]]) -> None:
    warm = Reader()
    for shift in range(4):
        request = built(parts, shift)
        cold = Reader()

        assert warm.rows(request) == cold.rows(request)
        assert (len(warm.rejections), warm.rejections.message) == (len(cold.rejections), cold.rejections.message)
        warm.rejections = Rejections()


def test_request_that_repeats_is_not_parsed_again() -> None:
    reader = Reader()
    for second in range(3):
        reader.read(gauge("shop", "m", [(second, 1.0)], pod="a"))

    assert len(reader.reader._shapes) == 1
    assert reader.rows(gauge("shop", "m", [(9, 2.0)], pod="a")) == [("m", T0 + 9 * SECOND, 0, 2.0)]
    assert reader.rows(gauge("shop", "m", [(9, 2.0)], pod="b")) == [("m", T0 + 9 * SECOND, 0, 2.0)]
    assert len(reader.registry) == 2


def test_what_retention_forgot_is_admitted_again() -> None:
    reader = Reader()
    for second in range(3):
        reader.read(gauge("shop", "m", [(second, 1.0)], pod="a"))
    identifier, = reader.series

    reader.registry.forget([identifier])
    reader.registry.stored([identifier])
    reader.series.clear()
    points = reader.read(gauge("shop", "m", [(9, 1.0)], pod="a"))["shop"]

    assert list(reader.series) == points.arrays()[0].tolist() == [identifier]
    assert np.array_equal(points.arrays()[3], [1.0])
