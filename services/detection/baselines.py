"""What is normal now, for each of many measures, learnt as the values come: one pass, constant memory.

`Baselines.observe` compares each value with what two explanations expect and then learns from it:

- local: the level of the last values, as a calm or a swift robust exponential mean, whichever has been nearer to what
  came (the median of a ring while young);
- seasonal: a profile of the day (`profiles`), one for working days and one for weekends, moved by a recent offset,
  again the calm or the swift one.

A value is away from its baseline only as far as it is away from *each* explanation: what the same hour of other days
explains is no anomaly, nor is what the last minutes led up to. Its distance is told in spreads, and the spread is the
widest of several: lately, in the long run, at this time of day, and the resolution of the series. Learning is clipped,
so that one outlier moves nothing far, and slowed while a measure is out, so that an outage does not become the normal.

Everything here is in a measure's transformed unit (`effects`), in which noise is about even over levels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.detection.profiles import Lesson, Profiles, Season

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

RING = 24
# Values before anything is judged. A median of ten is known to about 0.4 spreads.
WARM_UP = 10
# Learning from a value stops growing at this many spreads.
CLIP = 3.0
# Level: mean of the last fifteen or so, and of the last three; whichever is nearer to what comes is used.
CALM, SWIFT = 0.1, 0.6
OFFSET_CALM, OFFSET_SWIFT = 0.03, 0.35  # of the season
SCALE = 0.02  # spread: the last fifty or so
LONG = 0.002  # long spread: the last five hundred, bursts and all
LONG_PART = 0.6  # of it, at least, is the spread: what leaps now and then may leap
LONG_CAP = 10.0
# Of the range in which a series moves at all, the least part that counts as a spread.
WIDE, WIDE_PART = 0.0005, 0.02
# A step of the resolution is three spreads: how rare such steps are is left to the tail.
STEP_PART = 1.0 / 3.0
# What a bin of the day reached at most on other days is taken for so many spreads.
BUSY_PART = 0.35
# Learning rate of a measure that is out of its baseline, of the ordinary one; after so long the new is the normal.
OUT_RATE = 0.1
NEW_NORMAL_S = 3 * 3600.0
# Mean absolute deviation to standard deviation of the normal distribution, and median absolute deviation to it.
_MAD = 1.2533
_MEDIAN = 1.4826
# So many rows at once stay in the processor's cache.
_TOGETHER = 4096


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where values stand against their baselines. All float64, shape (values,).

    z: signed distance from the nearest explanation, in spreads; 0 where explanations lie on both sides; NaN while
    warming up. expected, spread: of that explanation, in the transformed unit. missed: periods without a value.
    """

    z: Floats
    expected: Floats
    spread: Floats
    missed: Floats


class Baselines:
    """State of `size` measures, one row each."""

    _FIELDS = ("count", "last_at", "period", "ring", "level", "swift", "last_x", "level_scale",
               "swift_scale", "offset_scale", "steady_scale", "long_scale", "mean", "wide", "tick", "out_since")

    def __init__(self, size: int = 0) -> None:
        self.count = np.zeros(size, np.int32)
        self.last_at = np.zeros(size, np.float64)
        self.period = np.zeros(size, np.float32)
        self.ring = np.full((size, RING), np.nan, np.float32)
        self.level = np.zeros(size, np.float64)
        self.last_x = np.zeros(size, np.float64)
        self.level_scale = np.zeros(size, np.float32)
        self.swift = np.zeros(size, np.float64)
        self.swift_scale = np.zeros(size, np.float32)
        self.offset_scale = np.zeros(size, np.float32)
        self.steady_scale = np.zeros(size, np.float32)
        self.long_scale = np.zeros(size, np.float32)
        # Where the series lies in the long run, and how far it goes from there.
        self.mean = np.zeros(size, np.float64)
        self.wide = np.zeros(size, np.float32)
        # The smallest step seen so far: its resolution.
        self.tick = np.full(size, np.inf, np.float32)
        self.out_since = np.full(size, np.nan)
        self.profiles = Profiles(size)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.count.shape[0]
        if size <= before:
            return
        room = max(size, before + before // 2)
        fresh = Baselines(room - before)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))
        self.profiles.grow(room)

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        own = float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))
        return own + self.profiles.bytes_per_measure

    def observe(self, rows: Ints, at_s: Floats, x: Floats, noise: Floats, out: Bools) -> Judgement:
        """Judges one value of each of `rows`, then learns from it.

        rows: int64, distinct. at_s: Unix seconds. x: transformed. noise: least possible spread of each. out: whether
        the measure is out of its baseline. All of shape (values,).
        """
        if rows.size <= _TOGETHER:
            return self._observe(rows, at_s, x, noise, out)
        parts = [slice(begin, begin + _TOGETHER) for begin in range(0, rows.size, _TOGETHER)]
        judged = [self._observe(rows[each], at_s[each], x[each], noise[each], out[each]) for each in parts]
        return Judgement(*(np.concatenate([getattr(each, name) for each in judged])
                           for name in ("z", "expected", "spread", "missed")))

    def _observe(self, rows: Ints, at_s: Floats, x: Floats, noise: Floats, out: Bools) -> Judgement:
        count = self.count[rows]
        missed, period = self._rhythm(rows, at_s, count)
        noise = self._least(rows, x, noise)
        season = self.profiles.season(rows, at_s, period)
        local, local_spread = self._local(rows, count)
        level_spread = np.maximum(local_spread, noise)
        least = np.maximum(noise, BUSY_PART * season.busy)
        local_spread = np.sqrt(local_spread ** 2 + least ** 2)
        quick, steady = self.offset_scale[rows].astype(np.float64), self.steady_scale[rows].astype(np.float64)
        is_steady = steady < quick
        season = season.moved(is_steady)
        season_spread = np.sqrt((_MAD * np.minimum(quick, steady)) ** 2 + least ** 2)
        season = season.between(x, season_spread)
        z_local = _distance(x - local, local_spread)
        z_season = _distance(x - season.expected, season_spread)
        use = season.known & (np.abs(z_season) < np.abs(z_local))
        z = np.where(use, z_season, z_local)
        z[season.known & (z_season * z_local < 0)] = 0.0
        expected = np.where(use, season.expected, local)
        spread = np.where(use, season_spread, local_spread)
        residual = np.abs(z) * spread
        self._learn(rows, at_s, x, count, local, level_spread, season, season_spread, residual, period, out)
        z[count < WARM_UP] = np.nan
        return Judgement(z, expected, spread, missed)

    def _rhythm(self, rows: Ints, at_s: Floats, count: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
        """Learns how often values come; returns how many did not come since the last, and the period."""
        is_first = count == 0
        step = np.where(is_first, 0.0, at_s - self.last_at[rows])
        known = self.period[rows]
        period = np.where((known == 0) | (step <= 0), np.maximum(step, known), np.minimum(known * 1.02, step))
        self.period[rows] = period
        self.last_at[rows] = at_s
        missed = np.maximum(np.rint(step / np.maximum(period, 1e-9)) - 1.0, 0.0)
        return missed, period

    def _least(self, rows: Ints, x: Floats, noise: Floats) -> Floats:
        """Least spread: what the caller knows, the resolution, and a small part of the range."""
        tick = self.tick[rows]
        unknown = np.isinf(tick)
        if unknown.any():
            # What never moved and stands and goes on whole numbers counts something: in ones.
            counts = (x == np.rint(x)) & (self.level[rows] == np.rint(self.level[rows]))
            tick = np.where(unknown, counts, tick)
        least: Floats = np.maximum(noise, np.maximum(STEP_PART * tick, WIDE_PART * self.wide[rows]))
        return least

    def _local(self, rows: Ints, count: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
        calm, swift = self.level_scale[rows].astype(np.float64), self.swift_scale[rows].astype(np.float64)
        expected = np.where(swift < calm, self.swift[rows], self.level[rows])
        spread = _MAD * np.minimum(calm, swift)
        is_young = count < 4 * RING
        if is_young.any():
            young = np.flatnonzero(is_young)
            center, scale = _middle(self.ring[rows[young]])
            n = np.maximum(np.minimum(count[young], RING), 1)
            # A spread out of few values is known badly: widened as Student's t is (at ten values by half).
            scale = scale * (1.0 + 5.0 / n)
            early = count[young] < RING
            expected[young] = np.where(early, center, expected[young])
            spread[young] = np.where(early, scale, np.maximum(scale, spread[young]))
        return expected, np.maximum(spread, LONG_PART * _MAD * self.long_scale[rows])

    def _learn(self, rows: Ints, at_s: Floats, x: Floats, count: npt.NDArray[np.int32], local: Floats, spread: Floats,
               season: Season, season_spread: Floats, residual: Floats, period: Floats, out: Bools) -> None:
        since = self.out_since[rows]
        since = np.where(out, np.where(np.isnan(since), at_s, since), np.nan)
        self.out_since[rows] = since
        is_new_normal = at_s - since > NEW_NORMAL_S
        is_slow = out & ~is_new_normal
        rate = np.where(is_slow, OUT_RATE, 1.0)
        first = count == 0
        fresh: Floats = 1.0 / (count.astype(np.float64) + 1.0)
        ready = count >= WARM_UP
        error = x - local
        bound = np.where(ready & ~is_new_normal, CLIP * spread, np.inf)
        clipped = _within(error, bound)
        size = np.abs(error)
        self._learn_range(rows, x, first, fresh)

        long = self.long_scale[rows].astype(np.float64)
        cap = np.where(ready, LONG_CAP * (spread + long), np.inf)
        gain = np.maximum(LONG, fresh) * np.where(out, OUT_RATE, 1.0)
        self.long_scale[rows] = np.where(first, 0.0, long + gain * (np.minimum(size, cap) - long))
        for name, speed in (("level", CALM), ("swift", SWIFT)):
            value, scales = getattr(self, name), getattr(self, f"{name}_scale")
            level = value[rows]
            off = _within(x - level, bound)
            value[rows] = np.where(first, x, level + np.maximum(speed, fresh) * rate * off)
            scale = scales[rows].astype(np.float64)
            scales[rows] = np.where(first, 0.0, scale + np.maximum(SCALE, fresh) * rate * (np.abs(off) - scale))
        if not ready.all() or (count < 4 * RING).any():
            self.ring[rows, count % RING] = np.where(ready, local + clipped, x)
        self.count[rows] = count + 1

        bound = np.where((season_spread > 0) & ~is_new_normal, CLIP * season_spread, np.inf)
        shifts = []
        for scales, expected, speed in ((self.offset_scale, season.quick, OFFSET_SWIFT),
                                        (self.steady_scale, season.steady, OFFSET_CALM)):
            off = x - expected
            clipped = _within(off, bound)
            scale = scales[rows].astype(np.float64)
            learnt = np.where(scale == 0, np.abs(off), scale + SCALE * rate * (np.abs(clipped) - scale))
            scales[rows] = np.where(season.known, learnt, scale)
            shifts.append(speed * rate * clipped)
        self.profiles.learn(rows, at_s, x, season, count, Lesson(
            bound, shifts[0], shifts[1], rate, residual, period, np.maximum(spread, 1e-3 * np.abs(level))))

    def _learn_range(self, rows: Ints, x: Floats, first: Bools, fresh: Floats) -> None:
        gain = np.maximum(WIDE, fresh)
        mean = self.mean[rows]
        wide = self.wide[rows].astype(np.float64)
        off = x - mean
        far = np.abs(off)
        self.mean[rows] = np.where(first, x, mean + gain * off)
        self.wide[rows] = np.where(first, 0.0, wide + gain * (np.minimum(far, 5.0 * wide + far * fresh) - wide))
        move = np.abs(x - self.last_x[rows])
        self.last_x[rows] = x
        tick = self.tick[rows]
        self.tick[rows] = np.where((move > 0) & ~first, np.minimum(tick, move), tick)


def _middle(ring: npt.NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Median and scaled MAD of each row; 0 where there is nothing. NaN sorts last."""
    known = np.maximum(np.count_nonzero(~np.isnan(ring), axis=1), 1)
    center = _median(ring, known)
    scale = _MEDIAN * _median(np.abs(ring - center[:, None]), known)
    return np.nan_to_num(center), np.nan_to_num(scale)


def _median(table: npt.NDArray[np.float32], known: npt.NDArray[np.intp]) -> Floats:
    ordered = np.sort(table, axis=1)
    row = np.arange(len(table))
    middle: Floats = 0.5 * (ordered[row, (known - 1) // 2].astype(np.float64) + ordered[row, known // 2 - (known == 0)])
    return middle


def _distance(error: Floats, spread: Floats) -> Floats:
    """In spreads, at most a million: of a value that never moved, every move is that far."""
    with np.errstate(over="ignore"):
        return _within(error / np.maximum(spread, 1e-300), 1e6)


def _within(x: Floats, bound: Floats | float) -> Floats:
    """Clipped to ±bound; of small arrays much faster than numpy's clip."""
    clipped: Floats = np.minimum(np.maximum(x, np.negative(bound)), bound)
    return clipped
