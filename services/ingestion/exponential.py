"""Exponential histograms as explicit ones: every bucket with its upper bound."""

from typing import Any

import numpy as np

MOST_BUCKETS = 2048
_SCALES = range(-10, 21)
_LARGEST = float(np.finfo(np.float64).max)


def problem(point: Any) -> str:
    """Why a point cannot be taken; empty when it can."""
    if point.scale not in _SCALES:
        return f"scale {point.scale} of an exponential histogram is not within -10 and 20"
    buckets = len(point.negative.bucket_counts) + len(point.positive.bucket_counts)
    if buckets > MOST_BUCKETS:
        return f"an exponential histogram has {buckets} buckets, more than {MOST_BUCKETS}"
    counted = sum(point.negative.bucket_counts) + point.zero_count + sum(point.positive.bucket_counts)
    return "" if counted == point.count else "bucket counts do not add up to count"


def explicit(point: Any) -> tuple[list[float], list[int]]:
    """The upper bounds of the buckets, from the lowest to +inf, and how many lie in each."""
    # Of two: the base itself is beyond what a float holds at the lowest scales.
    step = 2.0 ** -point.scale
    negative, positive = point.negative, point.positive
    bounds: list[float] = []
    counts: list[int] = []
    for index in reversed(range(len(negative.bucket_counts))):
        bounds.append(-_power(step * (negative.offset + index)))
        counts.append(negative.bucket_counts[index])
    low = _power(step * positive.offset) if positive.bucket_counts else 0.0
    bounds.append(low if low > point.zero_threshold else point.zero_threshold)
    counts.append(point.zero_count)
    for index, count in enumerate(positive.bucket_counts):
        bounds.append(_power(step * (positive.offset + index + 1)))
        counts.append(count)
    return [*bounds, float("inf")], [*counts, 0]


def _power(exponent: float) -> float:
    try:
        return float(2.0 ** exponent)
    except OverflowError:
        return _LARGEST
