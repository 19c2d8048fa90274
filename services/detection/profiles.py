"""The day of each measure: what is usual at a time of day, and how far values stray from that there.

Bins of five minutes; one profile of values for working days and one for weekends, and one of the largest residuals for
all days, so that a nightly job that is never quite on time, or an hour that is always restless, is part of the normal.
Values are kept in whole steps from a zero, residuals as a byte each (their logarithm); the step grows with the range.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from services.detection.compiled import compiled

Ints16 = npt.NDArray[np.int16]
Bytes = npt.NDArray[np.uint8]

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
EDGE = 3.0
# Steps to a spread, as it is when a profile begins.
FINE = 32.0
_UNSEEN, _MOST = -32768, 32000.0

# zero: where step 0 lies. unit: of a step. days: of each kind that were seen. bin: where in the day the last value
# stood; in_bin: values there so far, today; peak: the largest residual there, today. offset, steady: recent departure
# from the profile, swift and calm.
FIELDS: list[tuple[Any, ...]] = [
    ("born_at", np.float64), ("zero", np.float64), ("unit", np.float64), ("offset", np.float64), ("steady", np.float64),
    ("peak", np.float32), ("days", np.uint8, (2,)), ("bin", np.int16), ("in_bin", np.int16)]


def tables(size: int) -> tuple[Ints16, Bytes]:
    """Of `size` measures that saw nothing: values by kind of day and bin, and codes of their largest residuals."""
    return np.full((size, 2, BINS), _UNSEEN, np.int16), np.zeros((size, BINS), np.uint8)


@compiled
def place(at_s: float) -> tuple[int, int, float]:
    """Kind of day (0 working, 1 weekend), bin, and where in the bin."""
    day = np.floor(at_s / DAY_S)
    along = (at_s - day * DAY_S) / BIN_S
    here = min(int(along), BINS - 1)
    return (1 if (day + 3.0) % 7.0 >= 5.0 else 0), here, along - here  # 1970-01-01 was a Thursday


@compiled
def season(own: Any, values: Ints16, busy: Bytes, at_s: float, period: float) -> tuple[
        bool, float, float, float, float]:
    """What the same time on other days leads one to expect: whether anything; expected; lowest and highest of the
    bins beside; the largest usual residual near. Before any offset."""
    kind, here, along = place(at_s)
    if values[kind, here] == _UNSEEN:
        kind = 1 - kind
    if values[kind, here] == _UNSEEN or not at_s - own.born_at > DAY_S:
        return False, 0.0, 0.0, 0.0, 0.0
    before, after = (here - 1) % BINS, (here + 1) % BINS
    mid = float(values[kind, here])
    low = mid if values[kind, before] == _UNSEEN else float(values[kind, before])
    high = mid if values[kind, after] == _UNSEEN else float(values[kind, after])
    # Within a bin the profile goes on as its neighbours do, as far as the values stand apart in it.
    fine = max(1.0 - period / BIN_S, 0.0)
    smooth = 0.25 * low + 0.5 * mid + 0.25 * high + 0.5 * (along - 0.5 * fine) * fine * (high - low)
    unit, zero = own.unit, own.zero
    usual = _decoded(max(busy[before], busy[here], busy[after])) * unit
    return True, zero + smooth * unit, zero + min(low, mid, high) * unit, zero + max(low, mid, high) * unit, usual


@compiled
def learn(own: Any, values: Ints16, busy: Bytes, at_s: float, x: float, count: int, bound: float, rate: float,
          residual: float, period: float, spread: float) -> None:
    """Learns from a value. count: of values before it. bound: how far an error counts; rate: part of the ordinary
    speed; spread: now, for the unit in which to keep the profile, where it begins."""
    if count == 0:
        own.born_at = at_s
        own.bin = -1
    if count == WARM_UP - 1:
        own.zero = x
        own.unit = max(spread, 1e-12) / FINE
    kind, here, _ = place(at_s)
    last = own.bin
    if count >= WARM_UP and last >= 0 and last != here:
        _learn_busy(own, busy, last)
    own.peak = max(own.peak, residual) if last == here else residual
    in_bin = own.in_bin if last == here else 0
    if here < last or own.days[kind] == 0:  # past midnight, or the first of its kind
        own.days[kind] = min(own.days[kind] + 1, 250)
    if count >= WARM_UP - 1 and rate > 0:
        _learn_value(own, values, busy, kind, here, x, in_bin, last == here, bound, rate, period)
    own.in_bin = min(in_bin + 1, 30000)
    own.bin = here


@compiled
def _learn_value(own: Any, values: Ints16, busy: Bytes, kind: int, here: int, x: float, in_bin: int, is_same: bool,
                 bound: float, rate: float, period: float) -> None:
    known = values[kind, here]
    days = own.days[kind]
    if known == _UNSEEN:
        after = x
    else:
        value = own.zero + known * own.unit
        error = x - value
        if days <= 1 and is_same:
            after = value + rate / (in_bin + 1.0) * error
        else:
            limit = bound + abs(own.offset)
            per_bin = max(BIN_S / max(period, 1.0), 1.0)
            after = value + rate * max(1.0 / days, PROFILE_PER_DAY) / per_bin * min(max(error, -limit), limit)
    steps = (after - own.zero) / own.unit
    if abs(steps) > _MOST:
        _widen(own, values, busy, abs(steps))
        steps = (after - own.zero) / own.unit
    values[kind, here] = round(steps)


@compiled
def _widen(own: Any, values: Ints16, busy: Bytes, steps: float) -> None:
    """Makes the step so much coarser that `steps` of the present ones fit."""
    times = 1 + int(np.log2(min(steps, 1e300) / _MOST))
    own.unit *= 2.0 ** times
    for kind in range(2):
        for each in range(BINS):
            if values[kind, each] != _UNSEEN:
                values[kind, each] = round(values[kind, each] / 2.0 ** times)
    for each in range(BINS):
        busy[each] = max(busy[each] - min(8 * times, 255), 0)


@compiled
def _learn_busy(own: Any, busy: Bytes, last: int) -> None:
    """Takes in the largest residual of a bin that is over."""
    before = _decoded(busy[last])
    now = min(own.peak / own.unit, BUSY_TIMES * before + BUSY_SPREADS * FINE)
    after = before + (BUSY_UP if now > before else BUSY_DOWN) * (now - before)
    busy[last] = min(max(round(8.0 * np.log2(max(after, 1e-9)) + 88.0), 0), 255)


@compiled
def _decoded(code: int) -> float:
    return 0.0 if code == 0 else 2.0 ** ((code - 88) / 8.0)
