"""Exponential histograms as explicit ones."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import ExponentialHistogramDataPoint as Point

from services.ingestion.exponential import MOST_BUCKETS, explicit, problem


def test_buckets_of_both_signs_have_their_upper_bounds_in_order() -> None:
    point = Point(scale=0, zero_count=5, zero_threshold=0.5, count=5 + 3 + 7,
                  positive=Point.Buckets(offset=1, bucket_counts=[3]),
                  negative=Point.Buckets(offset=0, bucket_counts=[3, 4]))

    assert problem(point) == ""
    # (-4, -2] 4, (-2, -1] 3, around zero 5 up to 2, (2, 4] 3.
    assert explicit(point) == ([-2.0, -1.0, 2.0, 4.0, math.inf], [4, 3, 5, 3, 0])


@given(st.integers(-10, 20), st.integers(-2**31, 2**31 - 161), st.lists(st.integers(0, 9), max_size=160),
       st.lists(st.integers(0, 9), max_size=160))
def test_bounds_never_fall_and_nothing_is_lost(scale: int, offset: int, positive: list[int],
                                               negative: list[int]) -> None:
    point = Point(scale=scale, zero_count=1, positive=Point.Buckets(offset=offset, bucket_counts=positive),
                  negative=Point.Buckets(offset=offset, bucket_counts=negative))

    bounds, counts = explicit(point)

    assert bounds == sorted(bounds)
    assert not any(math.isnan(bound) for bound in bounds)
    assert len(bounds) == len(counts)
    assert sum(counts) == 1 + sum(positive) + sum(negative)


@pytest.mark.parametrize(("point", "reason"), [
    (Point(scale=21), "scale 21"), (Point(scale=-11), "scale -11"), (Point(count=1), "add up"),
    (Point(positive=Point.Buckets(bucket_counts=[0] * (MOST_BUCKETS + 1))), "buckets")])
def test_what_cannot_be_taken_says_why(point: Point, reason: str) -> None:
    assert reason in problem(point)
