"""What is normal now, for each of many measures, learnt as the values come: one pass, constant memory.

`Baselines.observe` compares each value with what two explanations expect and then learns from it:

- local: the level of the last values, as a calm or a swift robust exponential mean, whichever has been nearer to what
  came (the median of a ring while young);
- seasonal: a profile of the day (`profiles`), one for working days and one for weekends, moved by a recent offset,
  again the calm or the swift one.

A value is away from its baseline only as far as it is away from *each* explanation: what the same hour of other days
explains is no anomaly, nor is what the last minutes led up to. Its distance is told in spreads, and the spread is the
widest of several: lately, in the long run, at this time of day, and the resolution of the series. Learning is clipped,
so that one outlier moves nothing far, slowed while a measure may be out and stopped while it certainly is, so that an
outage does not become the normal.

Everything here is in a measure's transformed unit (`effects`), in which noise is about even over levels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.detection import profiles
from services.detection.compiled import compiled
from services.detection.profiles import WARM_UP

Floats = npt.NDArray[np.float64]
Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Degrees = npt.NDArray[np.int8] | npt.NDArray[np.bool_]

RING = 24
# Degrees of being out of the baseline.
INSIDE, SUSPECT, OUT = 0, 1, 2
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
# Learning rate of a measure that may be out of its baseline, of the ordinary one. Of one that certainly is nothing is
# learnt for as long as it was known before, if that was for an hour: it is back when it is as it was. After so long the
# new is the normal.
OUT_RATE = 0.1
HELD_FROM_S = 3600.0
NEW_NORMAL_S = 3 * 3600.0
# Mean absolute deviation to standard deviation of the normal distribution, and median absolute deviation to it.
_MAD = 1.2533
_MEDIAN = 1.4826
_FAR = 1e6

# mean: where the series lies in the long run; wide: how far it goes from there. tick: the smallest step seen so far,
# its resolution. out_since: NaN while inside.
STATE = np.dtype([
    ("count", np.int64), ("last_at", np.float64), ("level", np.float64), ("swift", np.float64), ("last_x", np.float64),
    ("mean", np.float64), ("out_since", np.float64), ("period", np.float32), ("level_scale", np.float32),
    ("swift_scale", np.float32), ("offset_scale", np.float32), ("steady_scale", np.float32), ("long_scale", np.float32),
    ("wide", np.float32), ("tick", np.float32), *profiles.FIELDS], align=True)


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

    _FIELDS = ("state", "ring", "values", "busy")

    def __init__(self, size: int = 0) -> None:
        self.state = np.zeros(size, STATE)
        self.state["tick"] = np.inf
        self.state["out_since"] = np.nan
        self.ring = np.full((size, RING), np.nan, np.float32)
        self.values, self.busy = profiles.tables(size)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.state.shape[0]
        if size <= before:
            return
        room = max(size, before + before // 2)
        fresh = Baselines(room - before)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    @property
    def count(self) -> Ints:
        """Values seen of each measure."""
        count: Ints = self.state["count"]
        return count

    @property
    def period(self) -> Floats32:
        """Seconds between the values of each measure."""
        period: Floats32 = self.state["period"]
        return period

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        return float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))

    def observe(self, rows: Ints, at_s: Floats, x: Floats, noise: Floats, out: Degrees) -> Judgement:
        """Judges one value of each of `rows`, then learns from it.

        rows: int64, distinct. at_s: Unix seconds. x: transformed. noise: least possible spread of each. out: how surely
        the measure is out of its baseline (INSIDE, SUSPECT, OUT). All of shape (values,).
        """
        judged = np.empty((4, rows.size))
        _observe_all(self.state, self.ring, self.values, self.busy, rows, at_s, x, noise, out, judged)
        return Judgement(*judged)


@compiled
def _observe_all(state: Any, ring: Any, values: Any, busy: Any, rows: Ints, at_s: Floats, x: Floats, noise: Floats,
                 out: Degrees, judged: Floats) -> None:
    for place in range(rows.size):
        row = rows[place]
        judged[0, place], judged[1, place], judged[2, place], judged[3, place] = observe(
            state[row], ring[row], values[row], busy[row], at_s[place], x[place], noise[place], out[place])


@compiled
def observe(own: Any, ring: Any, values: Any, busy: Any, at_s: float, x: float, noise: float, out: int) -> tuple[
        float, float, float, float]:
    """z, expected, spread and missed periods of a value (`Judgement`); learns from it."""
    count = own.count
    missed = _rhythm(own, at_s)
    period = float(own.period)
    least = _least(own, x, noise)
    is_known, base, low, high, usual = profiles.season(own, values, busy, at_s, period)
    local, local_spread = _local(own, ring)
    level_spread = max(local_spread, least)
    least = max(least, BUSY_PART * usual)
    local_spread = np.hypot(local_spread, least)
    season_spread = np.hypot(_MAD * min(own.offset_scale, own.steady_scale), least)
    z, expected, spread = _distance(x - local, local_spread), local, local_spread
    if is_known:
        offset = own.steady if own.steady_scale < own.offset_scale else own.offset
        season = base + offset
        if high - low > profiles.EDGE * season_spread:
            # On an edge anything between the two sides is expected.
            season = min(max(x, low + offset), high + offset)
        z_season = _distance(x - season, season_spread)
        is_between = z_season * z < 0
        if abs(z_season) < abs(z):
            z, expected, spread = z_season, season, season_spread
        if is_between:
            z = 0.0
    rate, is_open = _pace(own, at_s, out)
    _learn_range(own, x)
    if rate > 0:
        _learn_level(own, ring, x, local, level_spread, rate, is_open)
    bound = np.inf if is_open or season_spread <= 0 else CLIP * season_spread
    profiles.learn(own, values, busy, at_s, x, count, bound, rate, abs(z) * spread, period,
                   max(level_spread, 1e-3 * abs(own.level)))
    if is_known and rate > 0:
        _learn_offset(own, x, base, bound, rate)
    own.count = count + 1
    return (np.nan if count < WARM_UP else z), expected, spread, missed


@compiled
def _rhythm(own: Any, at_s: float) -> float:
    """Learns how often values come; returns how many did not come since the last."""
    step = 0.0 if own.count == 0 else at_s - own.last_at
    known = own.period
    period = max(step, known) if known == 0 or step <= 0 else min(known * 1.02, step)
    own.period = period
    own.last_at = at_s
    missed: float = max(np.rint(step / max(period, 1e-9)) - 1.0, 0.0)
    return missed


@compiled
def _least(own: Any, x: float, noise: float) -> float:
    """Least spread: what the caller knows, the resolution, and a small part of the range."""
    tick = float(own.tick)
    if np.isinf(tick):
        # What never moved and stands and goes on whole numbers counts something: in ones.
        tick = 1.0 if x == np.rint(x) and own.level == np.rint(own.level) else 0.0
    least: float = max(noise, STEP_PART * tick, WIDE_PART * own.wide)
    return least


@compiled
def _local(own: Any, ring: Any) -> tuple[float, float]:
    """What the last values lead one to expect, and the spread about it."""
    expected = own.swift if own.swift_scale < own.level_scale else own.level
    spread = _MAD * min(own.level_scale, own.swift_scale)
    if own.count < 4 * RING:
        count = min(own.count, RING)
        center, scale = _middle(ring[:count])
        # A spread out of few values is known badly: widened as Student's t is (at ten values by half).
        scale *= 1.0 + 5.0 / max(count, 1)
        if own.count < RING:
            expected, spread = center, scale
        spread = max(scale, spread)
    return expected, max(spread, LONG_PART * _MAD * own.long_scale)


@compiled
def _middle(values: Any) -> tuple[float, float]:
    """Median and scaled median absolute deviation; 0 of nothing."""
    if values.size == 0:
        return 0.0, 0.0
    center = np.median(values)
    return center, _MEDIAN * np.median(np.abs(values - center))


@compiled
def _pace(own: Any, at_s: float, out: int) -> tuple[float, bool]:
    """How fast to learn, of the ordinary speed, and whether anything is believed: the new has become the normal."""
    if out == INSIDE:
        own.out_since = np.nan
    elif np.isnan(own.out_since):
        own.out_since = at_s
    is_open = at_s - own.out_since > NEW_NORMAL_S
    if out == INSIDE or is_open:
        return 1.0, is_open
    known_s = own.out_since - own.born_at
    is_held = out == OUT and known_s >= HELD_FROM_S and at_s - own.out_since <= known_s
    return (0.0 if is_held else OUT_RATE), False


@compiled
def _learn_level(own: Any, ring: Any, x: float, local: float, spread: float, rate: float,
                 is_open: bool) -> None:
    count = own.count
    ready = count >= WARM_UP
    bound = CLIP * spread if ready and not is_open else np.inf
    if count < 4 * RING:
        ring[count % RING] = local + _within(x - local, bound) if ready else x
    if count == 0:
        own.level = own.swift = x
        return
    fresh = 1.0 / (count + 1.0)
    size = abs(x - local)
    if ready:
        size = min(size, LONG_CAP * (spread + own.long_scale))
    own.long_scale += max(LONG, fresh) * rate * (size - own.long_scale)
    error = _within(x - own.level, bound)
    own.level += max(CALM, fresh) * rate * error
    own.level_scale += max(SCALE, fresh) * rate * (abs(error) - own.level_scale)
    error = _within(x - own.swift, bound)
    own.swift += max(SWIFT, fresh) * rate * error
    own.swift_scale += max(SCALE, fresh) * rate * (abs(error) - own.swift_scale)


@compiled
def _learn_offset(own: Any, x: float, base: float, bound: float, rate: float) -> None:
    """How far the season is off, calmly and swiftly, and how near to what came each has been."""
    error = x - base - own.offset
    near = _within(error, bound)
    own.offset_scale = abs(error) if own.offset_scale == 0 else \
        own.offset_scale + SCALE * rate * (abs(near) - own.offset_scale)
    own.offset += OFFSET_SWIFT * rate * near
    error = x - base - own.steady
    near = _within(error, bound)
    own.steady_scale = abs(error) if own.steady_scale == 0 else \
        own.steady_scale + SCALE * rate * (abs(near) - own.steady_scale)
    own.steady += OFFSET_CALM * rate * near


@compiled
def _learn_range(own: Any, x: float) -> None:
    if own.count == 0:
        own.mean = own.last_x = x
        return
    fresh = 1.0 / (own.count + 1.0)
    gain = max(WIDE, fresh)
    far = abs(x - own.mean)
    own.mean += gain * (x - own.mean)
    own.wide += gain * (min(far, 5.0 * own.wide + far * fresh) - own.wide)
    move = abs(x - own.last_x)
    own.last_x = x
    if move > 0:
        own.tick = min(own.tick, move)


@compiled
def _distance(error: float, spread: float) -> float:
    """In spreads, at most a million: of a value that never moved, every move is that far."""
    return _within(error / max(spread, 1e-300), _FAR)


@compiled
def _within(x: float, bound: float) -> float:
    return min(max(x, -bound), bound)
