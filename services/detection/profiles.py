"""The day of each measure: what is usual at a time of day, and how far values stray from that there.

Bins of five minutes; one profile of values for working days and one for weekends, and one of the largest residuals for
all days, so that a nightly job that is never quite on time, or an hour that is always restless, is part of the normal.
Values are kept in half precision and residuals in a byte each (their logarithm), both relative to a unit of a measure.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BINS = 288
DAY_S = 86400.0
BIN_S = DAY_S / BINS
WARM_UP = 10
PROFILE_PER_DAY = 0.3  # a bin of the profile moves this part of the way towards each new day
# The largest residual of a bin is believed by half when it grows, and forgotten slowly.
BUSY_UP, BUSY_DOWN = 0.5, 0.25
# A residual counts for at most so many times what was the largest there, and so many spreads.
BUSY_TIMES, BUSY_SPREADS = 2.0, 8.0
# Neighbouring bins further apart than this many spreads are an edge, which may come a bin early or late.
_EDGE = 3.0
_DECODE = np.concatenate([[0.0], 2.0 ** ((np.arange(1, 256) - 128) / 8.0)])


@dataclass(frozen=True, slots=True)
class Season:
    """What the season says at some values, shape (values,). kind: of day; here: bin; known: whether there is one;
    low, high: of the neighbouring bins; busy: largest usual residual near; quick, steady: expected by either offset."""

    kind: Ints
    here: Ints
    known: Bools
    expected: Floats
    low: Floats
    high: Floats
    busy: Floats
    quick: Floats
    steady: Floats

    def moved(self, is_steady: Bools) -> "Season":
        """By the calm offset where that serves better."""
        shift = np.where(is_steady, self.steady - self.quick, 0.0)
        return replace(self, expected=self.quick + shift, low=self.low + shift, high=self.high + shift)

    def between(self, x: Floats, spread: Floats) -> "Season":
        """On an edge anything between the two sides is expected; elsewhere neighbours steady each other."""
        is_edge = self.high - self.low > _EDGE * spread
        if not is_edge.any():
            return self
        return replace(self, expected=np.where(is_edge, np.clip(x, self.low, self.high), self.expected))


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is to be learnt from values. bound: how far an error counts; quick, steady: what either offset moves; rate:
    part of the ordinary speed; residual: absolute; period: seconds between values; unit: in which to keep the profile,
    where it begins."""

    bound: Floats
    quick: Floats
    steady: Floats
    rate: Floats
    residual: Floats
    period: Floats
    unit: Floats


class Profiles:
    """State of `size` measures."""

    _FIELDS = ("born_at", "zero", "unit", "values", "days", "bin", "in_bin", "offset", "steady", "busy", "peak")

    def __init__(self, size: int = 0) -> None:
        self.born_at = np.full(size, np.nan)
        # The profile is kept as (value − zero) / unit; NaN where nothing was seen yet.
        self.zero = np.zeros(size, np.float64)
        self.unit = np.ones(size, np.float32)
        self.values = np.full((size, 2, BINS), np.nan, np.float16)
        self.days = np.zeros((size, 2), np.uint8)  # days of each kind that were seen
        self.bin = np.full(size, -1, np.int16)  # where in the day the last value stood
        self.in_bin = np.zeros(size, np.int16)  # values in that bin so far, today
        self.offset = np.zeros(size, np.float32)
        self.steady = np.zeros(size, np.float32)
        self.busy = np.zeros((size, BINS), np.uint8)
        self.peak = np.zeros(size, np.float32)  # largest residual in the bin so far, today

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.bin.shape[0]
        if size <= before:
            return
        fresh = Profiles(size - before)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        return float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))

    def season(self, rows: Ints, at_s: Floats, period: Floats) -> Season:
        """What the same time on other days, moved by the recent offset, leads one to expect."""
        day, into = np.divmod(at_s, DAY_S)
        kind = ((day + 3.0) % 7.0 >= 5.0).astype(np.int64)  # 1970-01-01 was a Thursday
        place = into / BIN_S
        here = place.astype(np.int64)
        before, after = here - 1, here + 1
        after[after == BINS] = 0
        low, mid, high = (self.values[rows, kind, each].astype(np.float64) for each in (before, here, after))
        missing = np.isnan(mid)
        if missing.any():
            gone = np.flatnonzero(missing)
            for part, each in ((low, before), (mid, here), (high, after)):
                part[gone] = self.values[rows[gone], 1 - kind[gone], each[gone]]
        known = ~np.isnan(mid) & (at_s - self.born_at[rows] > DAY_S)
        low, high = np.where(np.isnan(low), mid, low), np.where(np.isnan(high), mid, high)
        unit, moved = self.unit[rows], self.zero[rows] + self.offset[rows]
        # Within a bin the profile goes on as its neighbours do, as far as the values stand apart in it.
        fine = np.maximum(1.0 - period / BIN_S, 0.0)
        along = (place - here - 0.5 * fine) * fine
        smooth = 0.25 * low + 0.5 * mid + 0.25 * high + 0.5 * along * (high - low)
        least, most = np.minimum(np.minimum(low, mid), high), np.maximum(np.maximum(low, mid), high)
        busy = np.maximum(np.maximum(self.busy[rows, before], self.busy[rows, here]), self.busy[rows, after])
        base = np.nan_to_num(smooth * unit)
        calm = base + self.zero[rows] + self.steady[rows]
        return Season(kind, here, known, base + moved, least * unit + moved, most * unit + moved, _DECODE[busy] * unit,
                      base + moved, calm)

    def learn(self, rows: Ints, at_s: Floats, x: Floats, season: Season, count: npt.NDArray[np.int32],
              lesson: Lesson) -> None:
        """Learns from values. count: of values before this one."""
        if (count == 0).any():
            self.born_at[rows] = np.where(count == 0, at_s, self.born_at[rows])
        settling = count == WARM_UP - 1
        if settling.any():
            which = rows[settling]
            self.zero[which] = x[settling]
            self.unit[which] = np.maximum(lesson.unit[settling], 1e-12)
        self.offset[rows] += np.where(season.known, lesson.quick, 0.0)
        self.steady[rows] += np.where(season.known, lesson.steady, 0.0)
        last = self.bin[rows]
        is_same = last == season.here
        self._learn_busy(rows, last, is_same, lesson.residual, count)
        self._learn_values(rows, x, season, lesson, last, is_same, count)
        self.bin[rows] = season.here

    def _learn_busy(self, rows: Ints, last: npt.NDArray[np.int16], is_same: Bools, residual: Floats,
                    count: npt.NDArray[np.int32]) -> None:
        peak = self.peak[rows].astype(np.float64)
        ended = np.flatnonzero(~is_same & (last >= 0) & (count >= WARM_UP))
        if ended.size:
            which, bins = rows[ended], last[ended]
            unit = self.unit[which]
            before = _DECODE[self.busy[which, bins]]
            now = peak[ended] / unit
            now = np.minimum(now, BUSY_TIMES * before + BUSY_SPREADS)
            after = before + np.where(now > before, BUSY_UP, BUSY_DOWN) * (now - before)
            code = np.rint(8.0 * np.log2(np.maximum(after, 1e-9)) + 128.0)
            self.busy[which, bins] = np.clip(code, 0, 255).astype(np.uint8)
        self.peak[rows] = np.where(is_same, np.maximum(peak, residual), residual)

    def _learn_values(self, rows: Ints, x: Floats, season: Season, lesson: Lesson, last: npt.NDArray[np.int16],
                      is_same: Bools, count: npt.NDArray[np.int32]) -> None:
        kind, here = season.kind, season.here
        in_bin = np.where(is_same, self.in_bin[rows], 0)
        days = self.days[rows, kind].astype(np.float64)
        # A day of this kind is counted where it passes midnight, or on the first value.
        began = (here < last) | (days == 0)
        days = np.where(began, np.minimum(days + 1, 250), days)
        self.days[rows, kind] = days
        per_bin = np.maximum(BIN_S / np.maximum(lesson.period, 1.0), 1.0)
        value = self.values[rows, kind, here].astype(np.float64)
        new = np.isnan(value)
        unit = self.unit[rows]
        seen = (x - self.zero[rows]) / unit
        young = new | ((days <= 1) & is_same)
        gain = lesson.rate * np.where(young, 1.0 / (in_bin + 1.0), np.maximum(1.0 / days, PROFILE_PER_DAY) / per_bin)
        step = seen - value
        limit = (lesson.bound + np.abs(self.offset[rows])) / unit
        step = np.where(young, step, np.minimum(np.maximum(step, -limit), limit))
        after = np.where(new, seen, value + gain * step)
        self.values[rows, kind, here] = np.where(count >= WARM_UP - 1, np.minimum(np.maximum(after, -6e4), 6e4), np.nan)
        self.in_bin[rows] = np.minimum(in_bin + 1, 30000)
