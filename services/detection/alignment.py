"""Points of any rhythm to one value of each measure in each interval of event time.

`Alignment` takes points as they come and gives an interval out once the watermark has passed its end; cutting the
input otherwise changes nothing. Counters become differences (a smaller value than before is a restart), histograms are
merged over instances and then read for quantiles, and where nothing was reported there is nothing: gaps are not zeros.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.detection.histograms import quantile, rungs, slower
from services.detection.meanings import RULES, Rule
from services.detection.series import Measure, Reading, Role, Series
from services.detection.signals import as_named, contributions, upper_bound

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval, complete: what each measure that reported was. Arrays have shape (measures that reported,).

    rows: index of the measure. values: in the measure's unit; rates are counts in the interval. counts: how many
    requests stand behind it; NaN where that is not known. begins: Unix seconds at which what the value covers began, at
    most one resolution before `ends`; for gauges, which cover nothing, the time of the value. ends: time of the value.
    """

    index: int
    rows: Ints
    values: Floats
    counts: Floats
    begins: Floats
    ends: Floats


@dataclass(slots=True)
class _Pending:
    """What has been added up for an interval so far, by measure."""

    total: dict[int, float] = field(default_factory=dict)
    failed: dict[int, float] = field(default_factory=dict)
    values: dict[int, list[float]] = field(default_factory=dict)
    buckets: dict[int, dict[float, float]] = field(default_factory=dict)
    # Prometheus' buckets, each of which holds all below it too.
    ladders: dict[int, dict[float, float]] = field(default_factory=dict)
    begins: dict[int, float] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Follow:
    """What must be kept of one series: its last total and its rhythm."""

    series: Series
    feeds: tuple[tuple[int, Role, float], ...]
    le: float = math.inf
    last_ns: int = 0
    last_value: float = math.nan
    last_buckets: dict[float, float] = field(default_factory=dict)
    last_count: float = math.nan


class Alignment:
    """Brings the series of one stream to intervals. Deterministic in the order of calls; no clock.

    resolution_s: length of an interval. The point stamped t belongs to the interval (t − resolution, t] on the grid.
    """

    def __init__(self, *, resolution_s: int = 60, table: tuple[Rule, ...] = RULES,
                 limits: Mapping[str, tuple[float, ...]] | None = None) -> None:
        self.resolution_s = resolution_s
        self.measures: list[Measure] = []
        self.points = 0
        self.late_points = 0
        self._table = table
        self._limits = limits or {}
        self._rows: dict[Measure, int] = {}
        self._follows: dict[int, _Follow] = {}
        self._pending: dict[int, _Pending] = {}
        # First interval in which a service's metric was seen: a counter born later in sight began at zero.
        self._first_seen: dict[tuple[str, str], int] = {}
        self._complete_until = -(2 ** 62)

    @property
    def series_count(self) -> int:
        return len(self._follows)

    def knows(self, identity: int) -> bool:
        """Whether a series has been defined."""
        return identity in self._follows

    def define(self, series: Series) -> None:
        """Makes a series known; again is no harm."""
        if series.id in self._follows:
            return
        series = as_named(series)
        feeds = tuple((self._row(each.measure), each.role, each.scale)
                      for each in contributions(series, self._table, self._limits))
        le = upper_bound(series.attributes.get("le", "+Inf"))
        self._follows[series.id] = _Follow(series, feeds, le)

    def watch(self, measure: Measure) -> int:
        """The row of a measure that no series feeds: somebody derives it from others."""
        return self._row(measure)

    def _row(self, measure: Measure) -> int:
        row = self._rows.get(measure)
        if row is None:
            row = self._rows[measure] = len(self.measures)
            self.measures.append(measure)
        return row

    def add(self, ids: Ints, times: Ints, starts: Ints, values: Floats) -> None:
        """Points of scalar series: ids and Unix nanoseconds int64, values float64, all of shape (points,)."""
        for identity, at, start, value in zip(ids.tolist(), times.tolist(), starts.tolist(), values.tolist(),
                                              strict=True):
            follow = self._follows.get(identity)
            self.points += 1
            if follow is None or not math.isfinite(value):
                continue
            since = self._since(follow, at, start)
            if follow.series.is_cumulative:
                value = self._increase(follow, at, start, value)
            follow.last_ns = max(at, follow.last_ns)
            if math.isnan(value):
                continue
            pending = self._interval(at)
            if pending is None:
                continue
            for row, role, scale in follow.feeds:
                self._put(pending, row, role, value, scale, follow.le)
                self._span(pending, row, since, at, is_sum=follow.series.is_sum)

    def add_histogram(self, identity: int, at: int, start: int, count: float, bounds: list[float],
                      bucket_counts: list[float]) -> None:
        """One point of a histogram series; counts are those of each bucket alone."""
        follow = self._follows.get(identity)
        self.points += 1
        if follow is None:
            return
        buckets = dict(zip(bounds, bucket_counts, strict=True))
        since = self._since(follow, at, start)
        if follow.series.is_cumulative:
            before, before_count = follow.last_buckets, follow.last_count
            follow.last_buckets, follow.last_count = buckets, count
            if math.isnan(before_count):
                if not self._born_in_sight(follow.series, at, start):
                    follow.last_ns = at
                    return
            elif count >= before_count:
                buckets = {bound: max(n - before.get(bound, 0.0), 0.0) for bound, n in buckets.items()}
                count -= before_count
        follow.last_ns = max(at, follow.last_ns)
        self._note_seen(follow.series, at)
        pending = self._interval(at)
        if pending is None:
            return
        for row, role, scale in follow.feeds:
            if role is Role.HISTOGRAM:
                merged = pending.buckets.setdefault(row, {})
                for bound, n in buckets.items():
                    merged[bound * scale] = merged.get(bound * scale, 0.0) + n
            elif role is Role.COUNT:
                pending.values.setdefault(row, []).append(count)
            elif role is Role.FAILED:
                pending.failed[row] = pending.failed.get(row, 0.0) + count
            elif role is Role.SLOW:
                late = slower(buckets, self.measures[row].limit_s / scale)
                pending.failed[row] = pending.failed.get(row, 0.0) + late
                pending.total[row] = pending.total.get(row, 0.0) + count
            else:
                pending.total[row] = pending.total.get(row, 0.0) + count
            self._span(pending, row, since, at, is_sum=True)

    def complete(self, until_s: float) -> Iterator[Interval]:
        """The intervals that end at or before `until_s` and have not been given out, in order."""
        last = math.floor(until_s / self.resolution_s)
        for index in sorted(index for index in self._pending if index < last):
            yield self._close(index, self._pending.pop(index))
        self._complete_until = max(self._complete_until, last)

    def flush(self) -> Iterator[Interval]:
        """Whatever is left: nothing more will come."""
        for index in sorted(self._pending):
            yield self._close(index, self._pending.pop(index))

    def last_pending_s(self) -> float:
        """End of the newest interval that has anything, Unix seconds; -inf when there is none."""
        return (max(self._pending) + 1) * self.resolution_s if self._pending else -math.inf

    def _interval(self, at: int) -> _Pending | None:
        index = -(-at // (self.resolution_s * _NS)) - 1
        if index < self._complete_until:
            self.late_points += 1
            return None
        return self._pending.setdefault(index, _Pending())

    def _since(self, follow: _Follow, at: int, start: int) -> int:
        """When what the point covers began: what the sender says, else the point before."""
        if follow.series.is_cumulative or not start or start >= at:
            return follow.last_ns if 0 < follow.last_ns < at else at - self.resolution_s * _NS
        return start

    def _increase(self, follow: _Follow, at: int, start: int, value: float) -> float:
        before, follow.last_value = follow.last_value, value
        if math.isnan(before):
            is_new = self._born_in_sight(follow.series, at, start)
            self._note_seen(follow.series, at)
            return value if is_new else math.nan
        return value - before if value >= before else value

    def _born_in_sight(self, series: Series, at: int, start: int) -> bool:
        """Whether a counter seen for the first time began at zero after the last look: its own start says so, or the
        service has been reporting this metric for longer than one interval (the first failed request makes the
        series of failed requests)."""
        first = self._first_seen.get((series.service, series.name))
        index = at // (self.resolution_s * _NS)
        known = first is not None and first < index - 1
        self._note_seen(series, at)
        return known or (start > 0 and at - start <= 2 * self.resolution_s * _NS)

    def _note_seen(self, series: Series, at: int) -> None:
        self._first_seen.setdefault((series.service, series.name), at // (self.resolution_s * _NS))

    def _put(self, pending: _Pending, row: int, role: Role, value: float, scale: float, le: float) -> None:
        if role is Role.VALUE:
            pending.values.setdefault(row, []).append(1.0 + scale * value if scale < 0 else scale * value)
        elif role is Role.BUCKET:
            ladder = pending.ladders.setdefault(row, {})
            ladder[le * scale] = ladder.get(le * scale, 0.0) + value
        elif role is Role.WITHIN:
            pending.failed[row] = pending.failed.get(row, 0.0) - value
        else:
            if role in (Role.TOTAL, Role.TOTAL_AND_FAILED):
                pending.total[row] = pending.total.get(row, 0.0) + value
            if role in (Role.FAILED, Role.TOTAL_AND_FAILED):
                pending.failed[row] = pending.failed.get(row, 0.0) + value

    def _span(self, pending: _Pending, row: int, since: int, at: int, *, is_sum: bool) -> None:
        # A value that covers five minutes does not tell when in them it began; the last minute is what is claimed.
        begins = max(since, at - self.resolution_s * _NS) / _NS if is_sum else at / _NS
        pending.begins[row] = min(pending.begins.get(row, math.inf), begins)
        pending.ends[row] = max(pending.ends.get(row, -math.inf), at / _NS)

    def _close(self, index: int, pending: _Pending) -> Interval:
        rows: list[int] = []
        values: list[float] = []
        counts: list[float] = []
        for row in sorted(pending.ends):
            value, count = self._read(self.measures[row], row, pending)
            if not math.isnan(value):
                rows.append(row)
                values.append(value)
                counts.append(count)
        return Interval(index, np.array(rows, np.int64), np.array(values, np.float64), np.array(counts, np.float64),
                        np.array([pending.begins[row] for row in rows], np.float64),
                        np.array([pending.ends[row] for row in rows], np.float64))

    def _read(self, measure: Measure, row: int, pending: _Pending) -> tuple[float, float]:
        """The measure's value in the interval and how many requests stand behind it."""
        match measure.reading:
            case Reading.GAUGE:
                values = pending.values.get(row, [])
                return (math.fsum(values) / len(values), math.nan) if values else (math.nan, math.nan)
            case Reading.RATE:
                values = pending.values.get(row, [])
                total = math.fsum(values)
                return (total, total) if values else (math.nan, math.nan)
            case Reading.SHARE:
                total = pending.total.get(row, 0.0)
                failed = min(max(pending.failed.get(row, 0.0), 0.0), total)
                return (failed / total, total) if total > 0 else (math.nan, math.nan)
            case Reading.FAILED_COUNT:
                total = pending.total.get(row, 0.0)
                return (pending.failed.get(row, 0.0), total) if total > 0 else (math.nan, math.nan)
            case Reading.QUANTILE:
                ladder = pending.ladders.get(row)
                return quantile(rungs(ladder) if ladder else pending.buckets.get(row, {}), measure.quantile)
