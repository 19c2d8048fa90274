"""The medians of all series at once are those that one reads off each alone."""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from afteraction.v1.series_pb2 import SERIES_TYPE_CUMULATIVE_HISTOGRAM, SERIES_TYPE_DELTA_HISTOGRAM
from services.ingestion import evidence_histograms
from services.ingestion.columns import Histogram, encode_histograms

STEP = 60
TYPES = {1: SERIES_TYPE_DELTA_HISTOGRAM, 2: SERIES_TYPE_CUMULATIVE_HISTOGRAM, 3: SERIES_TYPE_CUMULATIVE_HISTOGRAM}
Found = dict[int, list[tuple[int, float, float]]]


def point(series: int, at: int, counts: Sequence[int], bounds: Sequence[float] = (1.0, 2.0, math.inf)) -> Histogram:
    return Histogram(series, at, 0, sum(counts), math.nan, bounds, counts)


def medians(*parts: Sequence[Histogram], types: dict[int, int] | None = None) -> Found:
    found = evidence_histograms.read([encode_histograms(part) for part in parts])
    assert found
    return {series: list(zip(*(column.tolist() for column in columns), strict=True)) for series, columns in
            evidence_histograms.medians(found, types or {key: int(each) for key, each in TYPES.items()}, 0,
                                        STEP).items()}


def test_buckets_of_a_step_are_added_up_and_read_off_within_the_bucket() -> None:
    (at, median, count), = medians([point(1, 10, [1, 2, 0]), point(1, 20, [0, 5, 0])])[1]

    assert (at, count) == (20, 8.0)
    assert median == pytest.approx(1 + 3 / 7)


def test_a_cumulative_one_counts_what_was_added_since_the_point_before() -> None:
    assert medians([point(2, 10, [100, 0, 0]), point(2, 70, [100, 4, 0])]) == {2: [(70, 1.5, 4.0)]}


def test_after_a_reset_everything_counts() -> None:
    assert medians([point(2, 10, [100, 0, 0]), point(2, 70, [2, 0, 0])]) == {2: [(70, 0.5, 2.0)]}


def test_the_open_bucket_says_its_lower_bound() -> None:
    assert medians([point(1, 10, [0, 0, 3])]) == {1: [(10, 2.0, 3.0)]}


def test_a_step_without_recordings_is_left_out() -> None:
    assert medians([point(1, 10, [0, 0, 0]), point(1, 70, [1, 0, 0])]) == {1: [(70, 0.5, 1.0)]}


def test_series_that_are_not_known_are_left_out() -> None:
    assert medians([point(1, 10, [1, 0, 0]), point(9, 10, [1, 0, 0])]).keys() == {1}


def plainly(points: Sequence[Histogram], is_cumulative: bool) -> list[tuple[int, float, float]]:
    """The same for one series, step by step and bucket by bucket."""
    points = sorted(points, key=lambda each: each.time)
    counted = [(each.time, each.bounds, each.counts) for each in points]
    if is_cumulative:
        counted = [(after.time, after.bounds, [max(right - left, 0) for left, right in zip(
            before.counts, after.counts, strict=True)] if before.bounds == after.bounds and after.total >= before.total
            else after.counts) for before, after in pairwise(points)]
    steps: dict[int, dict[float, int]] = defaultdict(lambda: defaultdict(int))
    last: dict[int, int] = {}
    for at, bounds, counts in counted:
        last[at // STEP] = at
        for bound, count in zip(bounds, counts, strict=True):
            steps[at // STEP][bound] += count
    return [(last[step], quantile(steps[step]), float(sum(steps[step].values())))
            for step in sorted(steps) if sum(steps[step].values())]


def quantile(buckets: dict[float, int]) -> float:
    wanted, seen, low = sum(buckets.values()) / 2, 0, 0.0
    for bound in sorted(buckets):
        if buckets[bound] and seen + buckets[bound] >= wanted:
            return low if math.isinf(bound) else low + (bound - low) * (wanted - seen) / buckets[bound]
        seen, low = seen + buckets[bound], bound
    return low


@st.composite
def histograms(draw: st.DrawFn) -> list[Histogram]:
    found = []
    for at in draw(st.lists(st.integers(0, 400), max_size=12, unique=True)):
        bounds = draw(st.sampled_from([(1.0, 2.0, math.inf), (0.5, 2.0, 8.0, math.inf), (math.inf,)]))
        found.append(point(draw(st.sampled_from([1, 2, 3])), at, draw(st.lists(
            st.integers(0, 9), min_size=len(bounds), max_size=len(bounds))), bounds))
    return found


@given(st.lists(histograms(), min_size=1, max_size=3).filter(any))
@settings(max_examples=200, deadline=None)
def test_all_at_once_is_one_by_one(parts: list[list[Histogram]]) -> None:
    every: dict[tuple[int, int], Histogram] = {(each.series_id, each.time): each for part in parts for each in part}
    found = medians(list(every.values()))

    for series, type_ in TYPES.items():
        own = [each for (name, _), each in every.items() if name == series]
        wanted = plainly(own, type_ == SERIES_TYPE_CUMULATIVE_HISTOGRAM)
        assert [pytest.approx(each) for each in wanted] == found.get(series, [])
