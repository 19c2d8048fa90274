"""Series of a window, beside what they were before."""

import numpy as np
import pytest

from afteraction.v1 import series_pb2
from afteraction.v1.evidence_pb2 import SeriesWindow
from afteraction.v1.ingestion_service_pb2 import TailResponse
from services.ingestion import evidence_series
from services.ingestion.columns import encode_points
from services.ingestion.evidence_series import Points
from services.ingestion.evidence_series import Span as Interval

SECOND, MINUTE = 1_000_000_000, 60_000_000_000
INTERVAL = Interval(before=0, until=10 * MINUTE, start=10 * MINUTE, end=20 * MINUTE)
TYPES = {1: series_pb2.SERIES_TYPE_GAUGE, 2: series_pb2.SERIES_TYPE_CUMULATIVE, 3: series_pb2.SERIES_TYPE_DELTA}


def windows(*points: tuple[int, float, float], most: int = 50, starts: float = 0.0, **names: str) -> list[SeriesWindow]:
    """points: series, minute, value."""
    ids, minutes, values = zip(*points, strict=True)
    columns = encode_points(np.array(ids, "u8"), (np.array(minutes) * MINUTE).astype("i8"),
                            np.full(len(ids), int(starts * MINUTE), "i8"), np.array(values, "f8"))
    definitions = {number: series_pb2.Series(id=number, service="web", type=TYPES.get(number, TYPES[1]),
                                             metric_name=names.get(f"m{number}", f"m{number}")) for number in set(ids)}
    return [each.series for each in evidence_series.windows(
        Points([TailResponse(points=columns)]), definitions, INTERVAL, most)]


def test_a_gauge_is_its_mean_in_each_minute() -> None:
    found, = windows((1, 11.1, 1.0), (1, 11.9, 3.0), (1, 12.5, 7.0))

    assert list(found.values) == [2.0, 7.0]
    assert [each.ToNanoseconds() for each in found.times] == [int(11.9 * MINUTE), int(12.5 * MINUTE)]


def test_a_counter_is_its_rate_and_what_it_gained() -> None:
    found, = windows(*((2, minute, minute * 60.0) for minute in range(1, 15)))

    assert list(found.values) == pytest.approx([1.0] * 5)
    assert list(found.counts) == pytest.approx([60.0] * 5)
    assert list(found.baseline_values) == pytest.approx([1.0] * 8)


def test_a_counter_that_began_anew_counts_from_nothing() -> None:
    found, = windows((2, 11, 600.0), (2, 12, 660.0), (2, 13, 30.0))

    assert list(found.counts) == [60.0, 30.0]


def test_a_delta_is_its_sum_in_each_minute() -> None:
    found, = windows((3, 11.1, 30.0), (3, 11.9, 30.0))

    assert (list(found.values), list(found.counts)) == ([1.0], [60.0])


def test_the_furthest_value_and_the_first_departure_are_told() -> None:
    found, = windows(*((1, minute, 10.0 + minute % 2) for minute in range(10)), (1, 11, 10.0), (1, 12, 40.0),
                     (1, 13, 90.0))

    assert (found.baseline_median, found.baseline_points) == (10.5, 10)
    assert (found.extreme_value, found.extreme_at.ToNanoseconds()) == (90.0, 13 * MINUTE)
    assert found.extreme_z > 4
    assert found.departed_at.ToNanoseconds() == 12 * MINUTE


def test_a_series_without_a_baseline_is_told_without_judgement() -> None:
    found, = windows((1, 11, 5.0))

    assert (found.baseline_points, found.extreme_z, found.HasField("extreme_at")) == (0, 0.0, False)


def test_a_series_that_fell_silent_is_told_with_its_baseline() -> None:
    found, = windows((1, 3, 5.0))

    assert (list(found.values), found.baseline_median) == ([], 5.0)


def test_what_lies_outside_of_both_is_left_out() -> None:
    assert windows((1, 25, 5.0)) == []


def test_those_that_went_furthest_are_kept_and_whatever_counts_requests() -> None:
    quiet = [(4, minute, 1.0) for minute in (1, 2, 3, 11)]
    far = [(5, minute, value) for minute, value in ((1, 1.0), (2, 1.1), (11, 99.0))]
    asked = [(6, minute, 1.0) for minute in (1, 2, 3, 11)]

    found = windows(*quiet, *far, *asked, most=1, m6="http.server.request.count")

    assert [each.series.id for each in found] == [5, 6]
