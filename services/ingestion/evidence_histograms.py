"""The median of each step of histograms: all series at once, since a call for each costs more than its numbers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from afteraction.v1 import series_pb2
from services.ingestion.blocks import joined_histograms
from services.ingestion.columns import Floats, Ids, Times

_Indexes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Buckets of points in order of series and time, one after the other.

    rows: the point that a bucket belongs to; starts: where the buckets of each point begin.
    """

    ids: Ids
    times: Times
    totals: NDArray[np.uint64]
    starts: _Indexes
    rows: _Indexes
    bounds: Floats
    counts: Floats


def read(parts: Iterable[series_pb2.HistogramColumns]) -> Buckets | None:
    """The points of some columns; None where there are none."""
    columns = joined_histograms(parts)
    if not columns.series_ids:
        return None
    ids, times = np.frombuffer(columns.series_ids, "<u8"), np.frombuffer(columns.times, "<i8")
    offsets = np.frombuffer(columns.bucket_offsets, "<u4").astype("i8")
    order = np.lexsort((times, ids))
    sizes = np.diff(offsets)[order]
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype("i8")
    rows = np.repeat(np.arange(len(order)), sizes)
    places = np.repeat(offsets[:-1][order] - starts, sizes) + np.arange(len(rows))
    return Buckets(ids[order], times[order], np.frombuffer(columns.counts, "<u8")[order], starts, rows,
                   np.frombuffer(columns.bucket_bounds, "<f8")[places],
                   np.frombuffer(columns.bucket_counts, "<u8")[places].astype("f8"))


def medians(found: Buckets, types: Mapping[int, int], start: int, step_ns: int
            ) -> dict[int, tuple[Times, Floats, Floats]]:
    """By series, for each step in which anything was recorded: time of its last point, the median, how many there were.

    types: of the series that are wanted. start: from which steps are counted.
    """
    firsts = _changes(found.ids)
    of_series = np.cumsum(firsts) - 1
    names = found.ids[firsts]
    kinds = np.array([types.get(int(name), -1) for name in names], np.int64)
    is_cumulative = (kinds == series_pb2.SERIES_TYPE_CUMULATIVE_HISTOGRAM)[of_series]
    # The first point of a counter says nothing of what was recorded since the one before.
    is_used = (kinds >= 0)[of_series] & ~(is_cumulative & firsts)
    counts = np.where(is_cumulative[found.rows], _increases(found, firsts), found.counts)
    steps = (found.times - start) // step_ns
    buckets = np.flatnonzero(is_used[found.rows])
    rows = found.rows[buckets]
    order = np.lexsort((found.bounds[buckets], steps[rows], of_series[rows]))
    buckets, rows = buckets[order], rows[order]
    if not len(buckets):
        return {}
    series, step, bounds = of_series[rows], steps[rows], found.bounds[buckets]
    is_group = _changes(series) | _changes(step)
    is_bound = is_group | _changes(bounds)
    merged = np.add.reduceat(counts[buckets], np.flatnonzero(is_bound))
    values, totals = _quantile(merged, bounds[is_bound], np.flatnonzero(is_group[is_bound]), 0.5)
    groups = np.flatnonzero(is_group)
    last = np.maximum.reduceat(found.times[rows], groups)
    good = totals > 0
    series, last, values, totals = series[groups][good], last[good], values[good], totals[good]
    begins = np.flatnonzero(_changes(series))
    return {int(names[series[begin]]): (last[begin:end], values[begin:end], totals[begin:end])
            for begin, end in pairwise([*begins.tolist(), len(series)])}


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """True where a value differs from the one before it, and at the first."""
    found = np.ones(len(values), bool)
    found[1:] = values[1:] != values[:-1]
    return found


def _increases(found: Buckets, firsts: NDArray[np.bool_]) -> Floats:
    """What each bucket has gained since the point before; all of it after a reset, or when that had other bounds."""
    sizes = np.diff(np.append(found.starts, len(found.rows)))
    before = np.roll(sizes, 1)
    is_alike = ~firsts & (sizes == before) & (found.totals >= np.roll(found.totals, 1))
    place = np.maximum(np.arange(len(found.rows)) - before[found.rows], 0)
    differs = is_alike[found.rows] & (found.bounds != found.bounds[place])
    is_alike[found.rows[differs]] = False
    return np.where(is_alike[found.rows], np.maximum(found.counts - found.counts[place], 0), found.counts)


def _quantile(counts: Floats, bounds: Floats, groups: _Indexes, q: float) -> tuple[Floats, Floats]:
    """The quantile of each group of buckets and their sum; linear within a bucket, in the last, open one its lower
    bound. groups: where each begins; bounds rise within one."""
    reached = np.cumsum(counts)
    totals = np.add.reduceat(counts, groups)
    base = reached[groups] - counts[groups]
    target = base + q * totals
    last = np.append(groups[1:], len(counts)) - 1
    place = np.clip(np.searchsorted(reached, target, side="left"), groups, last)
    low = np.where(place > groups, bounds[np.maximum(place - 1, 0)], 0.0)
    high, count = bounds[place], counts[place]
    share = np.divide(target - (reached[place] - count), count, out=np.zeros_like(low), where=count > 0)
    return np.where(np.isfinite(high), low + np.where(np.isfinite(high), high - low, 0.0) * share, low), totals
