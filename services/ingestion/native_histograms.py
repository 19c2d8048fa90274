"""Prometheus' native histograms, which are sparse and exponential, with explicit upper bounds."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from afteraction.wire.v1 import remote_write_pb2 as wire
from services.ingestion.columns import Histogram

_CUSTOM_BUCKETS = -53
# A sender limits itself to 160 or so; what a request spells out in eight bytes must not become a billion bounds.
_MOST_BUCKETS = 2_000
_GREATEST = 1.7976931348623157e308
Buckets = Sequence[tuple[int, int]]


class NotReadable(Exception):
    """A histogram that contradicts itself or is of a kind unknown, and why."""


def histogram(native: "wire.NativeHistogram", series_id: int, time: int, start: int) -> Histogram:
    """The same with bounds that rise to +inf and a count for each. Raises NotReadable."""
    is_float = native.WhichOneof("count") == "count_float"
    total = _whole(native.count_float) if is_float else native.count_int
    positive = _buckets(native.positive_spans, native.positive_counts if is_float else _sums(native.positive_deltas))
    if native.schema == _CUSTOM_BUCKETS:
        bounds, counts = _custom(native.custom_values, positive)
    elif -4 <= native.schema <= 8:
        negative = _buckets(native.negative_spans,
                            native.negative_counts if is_float else _sums(native.negative_deltas))
        zero = _whole(native.zero_count_float) if is_float else native.zero_count_int
        bounds, counts = _exponential(native.schema, native.zero_threshold, negative, zero, positive)
    else:
        raise NotReadable(f"schema {native.schema} of a native histogram is neither -53 nor within -4 and 8")
    if not is_float and sum(counts) != total:
        raise NotReadable("the buckets of a native histogram do not add up to its count")
    if not all(left < right for left, right in pairwise(bounds)):
        raise NotReadable("the bounds of a native histogram do not rise")
    sum_ = native.sum if math.isfinite(native.sum) else math.nan
    return Histogram(series_id, time, start, sum(counts) if is_float else total, sum_, bounds, counts)


def _sums(deltas: Sequence[int]) -> list[int]:
    return list(accumulate(deltas))


def _buckets(spans: Sequence["wire.BucketSpan"], counts: Sequence[float]) -> Buckets:
    """Place and count of each bucket, in order."""
    if len(counts) > _MOST_BUCKETS:
        raise NotReadable(f"a native histogram has {len(counts)} buckets, more than {_MOST_BUCKETS}")
    if sum(span.length for span in spans) != len(counts):
        raise NotReadable("the spans of a native histogram do not fit its buckets")
    return list(zip(_places(spans), map(_whole, counts), strict=True))


def _places(spans: Sequence["wire.BucketSpan"]) -> Iterator[int]:
    place = 0
    for number, span in enumerate(spans):
        if number and span.offset < 0:
            raise NotReadable("the spans of a native histogram overlap")
        place += span.offset
        yield from range(place, place + span.length)
        place += span.length


def _whole(count: float) -> int:
    """A count, of which histograms of floats may have a part."""
    if not 0 <= count < 2**63:
        raise NotReadable("a count of a native histogram is negative, or no number")
    return round(count)


def _custom(values: Sequence[float], buckets: Buckets) -> tuple[list[float], list[int]]:
    if any(place > len(values) or place < 0 for place, _ in buckets) or len(values) > _MOST_BUCKETS:
        raise NotReadable("a bucket of a native histogram is beyond its custom_values")
    if not all(map(math.isfinite, values)):
        raise NotReadable("custom_values of a native histogram are not finite")
    counts = [0] * (len(values) + 1)
    for place, count in buckets:
        counts[place] = count
    return [*values, math.inf], counts


def _exponential(schema: int, zero_threshold: float, negative: Buckets, zero: int,
                 positive: Buckets) -> tuple[list[float], list[int]]:
    """A bucket at place i reaches from base^(i-1), exclusive, to base^i; the negative ones mirror that."""
    if not 0 <= zero_threshold < _GREATEST:
        raise NotReadable("zero_threshold of a native histogram is negative, or no number")
    found = _Bounds()
    for place, count in reversed(negative):
        found.add(-_power(schema, place), -_power(schema, place - 1), count)
    found.add(-zero_threshold, zero_threshold, zero)
    for place, count in positive:
        found.add(_power(schema, place - 1), _power(schema, place), count)
    return [*found.bounds, math.inf], [*found.counts, 0]


class _Bounds:
    """Buckets from the lowest to the highest, with an empty one for each gap."""

    def __init__(self) -> None:
        self.bounds: list[float] = []
        self.counts: list[int] = []

    def add(self, low: float, high: float, count: int) -> None:
        if self.bounds and low > self.bounds[-1]:
            self.bounds.append(low)
            self.counts.append(0)
        if self.bounds and high <= self.bounds[-1]:
            # The zero bucket reaches into its neighbours, or bounds beyond what a number can say fall together.
            self.counts[-1] += count
            return
        self.bounds.append(high)
        self.counts.append(count)


def _power(schema: int, place: int) -> float:
    exponent = place * 2.0 ** -schema
    return _GREATEST if exponent >= 1024 else 2.0 ** exponent if exponent > -1074 else 0.0
