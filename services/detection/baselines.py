"""What is normal now, for each of many measures, learnt as the values come: one pass, constant memory.

`Baselines` holds its state in arrays, one row a measure. `observe` compares each value with what three baselines
expect and then learns from it:

- local: the level of the last few values (a robust exponential mean; the median of a ring while young);
- seasonal: a profile of the day in bins, one for working days and one for weekends, moved by a recent offset;
- steady: the same profile with an offset that moves over days, so that a slow slide is seen.

A value is away from its baseline only as far as it is away from *each* explanation: what the same hour of other days
explains is no anomaly, nor is what the last minutes led up to. Learning is clipped, so that one outlier moves nothing
far, and slowed while a measure is out of its baseline, so that an outage does not become the normal.

Everything here is in a measure's transformed unit (`transform`), in which noise is about even over levels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

RING = 24
BINS = 288  # five minutes each: the edges of a nightly job stay where they are
DAY_S = 86400.0
# Values before anything is judged. A median of ten is known to about 0.4 spreads.
WARM_UP = 10
# Learning from a value stops growing at this many spreads.
CLIP = 3.0
FAST = 0.2  # level: mean of the last five or so
OFFSET = 0.08  # of the season: the last dozen
SCALE = 0.02  # spread: the last fifty or so
LONG = 0.002  # long spread: the last five hundred, bursts and all
LONG_PART = 0.6  # of it, at least, is the spread: what leaps now and then may leap
LONG_CAP = 10.0
PROFILE_PER_DAY = 0.3  # a bin of the profile moves this part of the way towards each new day
# Learning rate of a measure that is out of its baseline, of the ordinary one; after so long the new is the normal.
OUT_RATE = 0.1
NEW_NORMAL_S = 3 * 3600.0
# Mean absolute deviation to standard deviation of the normal distribution, and median absolute deviation to it.
_MAD = 1.2533
_MEDIAN = 1.4826
# Neighbouring bins further apart than this many spreads are an edge, which may come a bin early or late.
_EDGE = 3.0


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
    """State of `size` measures."""

    _FIELDS = ("count", "last_at", "born_at", "period", "ring", "level", "level_scale", "zero", "unit", "profile",
               "days", "bin", "in_bin", "offset", "offset_scale", "long_scale", "out_since")

    def __init__(self, size: int = 0) -> None:
        self.count = np.zeros(size, np.int32)
        self.last_at = np.zeros(size, np.float64)
        self.born_at = np.zeros(size, np.float64)
        self.period = np.zeros(size, np.float32)
        self.ring = np.full((size, RING), np.nan, np.float32)
        self.level = np.zeros(size, np.float64)
        self.level_scale = np.zeros(size, np.float32)
        # The profile is kept in half precision, as (value − zero) / unit; NaN where nothing was seen yet.
        self.zero = np.zeros(size, np.float64)
        self.unit = np.ones(size, np.float32)
        self.profile = np.full((size, 2, BINS), np.nan, np.float16)
        self.days = np.zeros((size, 2), np.uint8)  # days of each kind that were seen
        self.bin = np.full(size, -1, np.int16)  # where in the day the last value stood
        self.in_bin = np.zeros(size, np.int16)  # values in that bin so far, today
        self.offset = np.zeros(size, np.float32)
        self.offset_scale = np.zeros(size, np.float32)
        self.long_scale = np.zeros(size, np.float32)
        self.out_since = np.full(size, np.nan)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.count.shape[0]
        if size <= before:
            return
        fresh = Baselines(max(size, before + before // 2) - before)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        return float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))

    def observe(self, rows: Ints, at_s: Floats, x: Floats, noise: Floats, out: npt.NDArray[np.bool_]) -> Judgement:
        """Judges one value of each of `rows`, then learns from it.

        rows: int64, distinct. at_s: Unix seconds. x: transformed. noise: least possible spread of each. out: whether
        the measure is out of its baseline. All of shape (values,).
        """
        count = self.count[rows]
        missed = self._rhythm(rows, at_s, count)
        local = self._local(rows, x, noise, count)
        season = self._seasonal(rows, at_s, x, noise)
        judgement = _nearest(x, local, season, missed)
        judgement.z[count < WARM_UP] = np.nan
        self._learn(rows, at_s, x, count, local, season, out)
        return judgement

    def _rhythm(self, rows: Ints, at_s: Floats, count: npt.NDArray[np.int32]) -> Floats:
        """Learns how often values come; returns how many did not come since the last."""
        step = np.where(count == 0, 0.0, at_s - self.last_at[rows])
        known = self.period[rows]
        period = np.where(count == 0, 0.0, np.where(known == 0, step, np.minimum(known * 1.02, step)))
        self.period[rows] = period
        self.born_at[rows] = np.where(count == 0, at_s, self.born_at[rows])
        self.last_at[rows] = at_s
        with np.errstate(divide="ignore", invalid="ignore"):
            missed: Floats = np.where(period > 0, np.maximum(np.round(step / period) - 1.0, 0.0), 0.0)
        return missed

    def _local(self, rows: Ints, x: Floats, noise: Floats, count: npt.NDArray[np.int32]) -> tuple[Floats, Floats]:
        expected = self.level[rows].copy()
        spread = _MAD * self.level_scale[rows].astype(np.float64)
        young = np.flatnonzero(count < 4 * RING)
        if young.size:
            ring = self.ring[rows[young]]
            # A young measure's median and MAD; later the exponential level and scale, which have had time.
            ring[count[young] == 0] = 0.0
            center = np.nanmedian(ring, axis=1)
            scale = _MEDIAN * np.nanmedian(np.abs(ring - center[:, None]), axis=1)
            n = np.maximum(np.minimum(count[young], RING), 1)
            # A spread out of few values is known badly: widened as Student's t is (at ten values by half).
            scale = scale * (1.0 + 5.0 / n)
            early = count[young] < RING
            expected[young] = np.where(early, center, expected[young])
            spread[young] = np.where(early, scale, np.maximum(scale, spread[young]))
        spread = np.maximum(spread, LONG_PART * _MAD * self.long_scale[rows])
        return expected, np.sqrt(spread ** 2 + noise ** 2)

    def _seasonal(self, rows: Ints, at_s: Floats, x: Floats, noise: Floats) -> "_Season":
        """What the same time on other days, moved by the recent offset, leads one to expect."""
        kind, here = _day(at_s)
        near = (here[:, None] + np.array([-1, 0, 1])) % BINS
        parts = self.profile[rows[:, None], kind[:, None], near].astype(np.float64)
        other = self.profile[rows[:, None], 1 - kind[:, None], near].astype(np.float64)
        missing = np.isnan(parts[:, 1])
        parts = np.where(missing[:, None], other, parts)
        known = ~np.isnan(parts[:, 1]) & (at_s - self.born_at[rows] > DAY_S)
        parts = np.where(np.isnan(parts), parts[:, 1:2], parts)
        parts = parts * self.unit[rows, None] + (self.zero[rows] + self.offset[rows])[:, None]
        spread = np.sqrt((_MAD * self.offset_scale[rows].astype(np.float64)) ** 2 + noise ** 2)
        low, high = parts.min(axis=1), parts.max(axis=1)
        # On an edge anything between the two sides is expected; elsewhere neighbours steady each other.
        smooth = 0.25 * parts[:, 0] + 0.5 * parts[:, 1] + 0.25 * parts[:, 2]
        expected = np.where(high - low > _EDGE * spread, np.clip(x, low, high), smooth)
        return _Season(kind, here, expected, spread, known)

    def _learn(self, rows: Ints, at_s: Floats, x: Floats, count: npt.NDArray[np.int32], local: tuple[Floats, Floats],
               season: "_Season", out: npt.NDArray[np.bool_]) -> None:
        since = self.out_since[rows]
        self.out_since[rows] = np.where(out, np.where(np.isnan(since), at_s, since), np.nan)
        is_new_normal = out & (at_s - self.out_since[rows] > NEW_NORMAL_S)
        rate = np.where(out & ~is_new_normal, OUT_RATE, 1.0)
        first = count == 0
        expected, spread = local
        ready = count >= WARM_UP
        bound = np.where(ready & ~is_new_normal, CLIP * spread, np.inf)
        clipped = np.clip(x - expected, -bound, bound)
        long = self.long_scale[rows].astype(np.float64)
        cap = np.where(ready, LONG_CAP * (spread + long), np.inf)
        gain = np.maximum(LONG, 1.0 / (count + 1)) * np.where(out, OUT_RATE, 1.0)
        self.long_scale[rows] = np.where(first, 0.0, long + gain * (np.minimum(np.abs(x - expected), cap) - long))
        level = self.level[rows]
        gain = np.maximum(FAST, 1.0 / (count + 1)) * rate
        self.level[rows] = np.where(first, x, level + gain * np.clip(x - level, -bound, bound))
        scale = self.level_scale[rows].astype(np.float64)
        gain = np.maximum(SCALE, 1.0 / (count + 1)) * rate
        self.level_scale[rows] = np.where(first, 0.0, scale + gain * (np.abs(clipped) - scale))
        self.ring[rows, count % RING] = np.where(ready, expected + clipped, x)
        self._learn_season(rows, x, rate, season, spread, is_new_normal)
        self.count[rows] = count + 1

    def _learn_season(self, rows: Ints, x: Floats, rate: Floats, season: "_Season", local_spread: Floats,
                      is_new_normal: npt.NDArray[np.bool_]) -> None:
        settling = self.count[rows] == WARM_UP
        if settling.any():
            which = rows[settling]
            self.zero[which] = self.level[which]
            self.unit[which] = np.maximum(np.maximum(local_spread[settling], 1e-3 * np.abs(self.zero[which])), 1e-12)
        known, spread = season.known, season.spread
        error = x - season.expected
        bound = np.where((spread > 0) & ~is_new_normal, CLIP * spread, np.inf)
        clipped = np.clip(error, -bound, bound)
        self.offset[rows] += np.where(known, OFFSET * rate * clipped, 0.0)
        scale = self.offset_scale[rows].astype(np.float64)
        learnt = np.where(scale == 0, np.abs(error), scale + SCALE * rate * (np.abs(clipped) - scale))
        self.offset_scale[rows] = np.where(known, learnt, scale)
        self._learn_profile(rows, x, rate, season, bound)

    def _learn_profile(self, rows: Ints, x: Floats, rate: Floats, season: "_Season", bound: Floats) -> None:
        kind, here = season.kind, season.here
        is_same = self.bin[rows] == here
        in_bin = np.where(is_same, self.in_bin[rows], 0)
        days = self.days[rows, kind].astype(np.float64)
        # A day of this kind is counted where it passes midnight, or on the first value.
        began = (here < self.bin[rows]) | (days == 0)
        days = np.where(began, np.minimum(days + 1, 250), days)
        self.days[rows, kind] = days
        per_bin = np.maximum(DAY_S / BINS / np.maximum(self.period[rows].astype(np.float64), 1.0), 1.0)
        value = self.profile[rows, kind, here].astype(np.float64)
        new = np.isnan(value)
        seen = (x - self.zero[rows]) / self.unit[rows]
        young = new | ((days <= 1) & is_same)
        gain = rate * np.where(young, 1.0 / (in_bin + 1.0), np.maximum(1.0 / days, PROFILE_PER_DAY) / per_bin)
        step = seen - value
        limit = bound / self.unit[rows] + np.abs(self.offset[rows]) / self.unit[rows]
        step = np.where(young, step, np.clip(step, -limit, limit))
        after = np.where(new, seen, value + gain * step)
        ready = self.count[rows] >= WARM_UP
        self.profile[rows, kind, here] = np.where(ready, np.clip(after, -6e4, 6e4), np.nan)
        self.bin[rows] = here
        self.in_bin[rows] = np.minimum(in_bin + 1, 30000)


@dataclass(frozen=True, slots=True)
class _Season:
    """The seasonal baseline at some values. kind: of day; here: bin; known: whether there is one yet."""

    kind: Ints
    here: Ints
    expected: Floats
    spread: Floats
    known: npt.NDArray[np.bool_]


def _day(at_s: Floats) -> tuple[Ints, Ints]:
    """Kind of day (0 working, 1 weekend) and bin of it."""
    days = np.floor(at_s / DAY_S)
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    return (weekday >= 5).astype(np.int64), np.floor((at_s - days * DAY_S) / DAY_S * BINS).astype(np.int64)


def _nearest(x: Floats, local: tuple[Floats, Floats], season: _Season, missed: Floats) -> Judgement:
    """The distance to the nearer of the two explanations; none where they lie on both sides."""
    expected, spread = local
    z_local = _distance(x, expected, spread)
    z_season = _distance(x, season.expected, season.spread)
    use = season.known & (np.abs(z_season) < np.abs(z_local))
    z = np.where(use, z_season, z_local)
    z = np.where(season.known & (np.sign(z_season) * np.sign(z_local) < 0), 0.0, z)
    return Judgement(z, np.where(use, season.expected, expected), np.where(use, season.spread, spread), missed)


def _distance(x: Floats, expected: Floats, spread: Floats) -> Floats:
    """In spreads, at most a million: of a value that never moved, every move is that far."""
    error = x - expected
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        z: Floats = np.where(error == 0, 0.0, np.clip(error / spread, -1e6, 1e6))
    return z
