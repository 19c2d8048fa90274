"""Simulated service indicators with labelled failures: what a backtest is developed on beside real series.

`corpus` draws, from one seed, some series of each kind: requests, latencies, success shares, processor load, queues and
so on, weeks of minutes or of five minutes, with seasons, trends, autocorrelated and heavy-tailed noise, jobs at fixed
hours, gaps, and harmless oddities that nobody would page for. Failures of several shapes are put in and labelled by
their first and last row. Nothing is copied from a recorded series, and no shape is drawn to suit a detector: sizes
reach from barely visible to total.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from services.detection.compiled import compiled

Floats = npt.NDArray[np.float64]
Chance = np.random.Generator
DAY_S = 86400.0
START_S = 1_767_571_200.0  # a Monday, 2026-01-05


@dataclass(frozen=True, slots=True)
class Labelled:
    """A simulated series: Unix seconds, values (NaN: nothing reported), its failures as first and last row, and
    of what shape each is."""

    name: str
    kind: str
    times: Floats
    values: Floats
    failures: list[tuple[int, int]]
    shapes: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Course:
    """How a kind behaves without failures. normal: the values expected; noise: one standard deviation at each."""

    normal: Floats
    values: Floats
    noise: Floats
    low: float = -np.inf
    high: float = np.inf
    is_count: bool = False


def corpus(seed: int = 1, per_kind: int = 6) -> Iterator[Labelled]:
    """Every kind, `per_kind` series each: alternately of minutes and of five minutes."""
    for place, (kind, make) in enumerate(KINDS.items()):
        for number in range(per_kind):
            chance = np.random.default_rng([seed, place, number])
            step_s, days = (60.0, int(chance.integers(10, 18))) if number % 2 else (300.0, int(chance.integers(16, 30)))
            times = START_S + chance.integers(0, 7) * DAY_S + np.arange(int(days * DAY_S / step_s)) * step_s
            yield _labelled(f"{kind}-{number}", kind, times, make(times, chance), chance)


def day(times: Floats, chance: Chance, sharpness: float = 1.0) -> Floats:
    """A shape of the day between 0 and 1, quieter on weekends, whose phase and skew are drawn."""
    phase = chance.uniform(0, 2 * np.pi)
    turn = 2 * np.pi * (times % DAY_S) / DAY_S
    shape = np.sin(turn + phase) + chance.uniform(0, 0.5) * np.sin(2 * turn + chance.uniform(0, 6.3)) + \
        chance.uniform(0, 0.2) * np.sin(3 * turn + chance.uniform(0, 6.3))
    shape = (shape - shape.min()) / np.ptp(shape)
    weekend = (np.floor(times / DAY_S) + 3) % 7 >= 5
    found: Floats = shape ** sharpness * np.where(weekend, chance.uniform(0.5, 1.0), 1.0)
    return found


def wander(count: int, chance: Chance, memory: float) -> Floats:
    """Autocorrelated noise of standard deviation one; memory: steps."""
    keep = float(np.exp(-1.0 / memory))
    shocks = chance.standard_normal(count) * np.sqrt(1 - keep ** 2)
    return _remembering(shocks, keep, float(chance.standard_normal()))


@compiled
def _remembering(shocks: Floats, keep: float, value: float) -> Floats:
    found = np.empty(shocks.size)
    for place in range(shocks.size):
        value = keep * value + shocks[place]
        found[place] = value
    return found


def heavy(count: int, chance: Chance, freedom: float) -> Floats:
    """Student's t, scaled to a standard deviation of one."""
    found: Floats = chance.standard_t(freedom, count) / np.sqrt(freedom / (freedom - 2))
    return found


def requests(times: Floats, chance: Chance) -> _Course:
    """Counts with a day and a week in them: Poisson about a level that itself wanders."""
    level = 10 ** chance.uniform(1.3, 4.0)
    normal = level * (chance.uniform(0.1, 0.5) + day(times, chance))
    own = chance.uniform(0.02, 0.08)
    drift = own * wander(len(times), chance, 20) + chance.uniform(0, 0.05) * wander(len(times), chance, 500)
    mean = normal * np.exp(drift)
    values = chance.poisson(mean).astype(float)
    return _Course(normal, values, np.sqrt(normal + (own * normal) ** 2), low=0.0, is_count=True)


def latency(times: Floats, chance: Chance) -> _Course:
    """Durations: lognormal, a little slower when busy, with leaps now and then that mean nothing."""
    normal = 10 ** chance.uniform(0.5, 2.7) * (1 + chance.uniform(0, 0.6) * day(times, chance))
    own = chance.uniform(0.04, 0.15)
    noise = own * heavy(len(times), chance, chance.uniform(3.5, 8.0)) + 0.5 * own * wander(len(times), chance, 30)
    leaps = np.where(chance.random(len(times)) < 2.0 / 1440, chance.uniform(1.2, 1.6, len(times)), 1.0)
    return _Course(normal, normal * np.exp(noise) * leaps, own * normal, low=0.0)


def success(times: Floats, chance: Chance) -> _Course:
    """Percent of requests answered: mostly near a hundred, noisier when few."""
    share = 1 - 10 ** chance.uniform(-3.5, -1.3)
    count = 10 ** chance.uniform(2.0, 4.5) * (0.2 + day(times, chance))
    values = 100.0 * chance.binomial(np.maximum(count, 5).astype(int), share) / np.maximum(count, 5).astype(int)
    noise = 100.0 * np.sqrt(share * (1 - share) / np.maximum(count, 5))
    return _Course(np.full(len(times), 100.0 * share), values, np.maximum(noise, 0.02), low=0.0, high=100.0)


def processor(times: Floats, chance: Chance) -> _Course:
    """Load with a slow wander, and a job at the same hour of every day that is now and then late."""
    normal = chance.uniform(5, 40) + chance.uniform(0, 30) * day(times, chance)
    own = chance.uniform(0.5, 2.5)
    values = normal + own * wander(len(times), chance, 5) + own * wander(len(times), chance, 200) + \
        0.5 * own * heavy(len(times), chance, 4.0)
    for hour in chance.uniform(0, 24, chance.integers(0, 3)):
        length, height = chance.uniform(300, 2400), chance.uniform(5, 30)
        late = chance.normal(0, 120, int(np.ceil(np.ptp(times) / DAY_S)) + 2)
        at = (times - times[0] - hour * 3600) % DAY_S
        number = ((times - times[0] - hour * 3600) // DAY_S + 1).astype(int)
        values += np.where((at > late[number]) & (at < length + late[number]), height, 0.0)
    return _Course(normal, np.clip(values, 0, 100), np.full(len(times), 1.5 * own), low=0.0, high=100.0)


def queue(times: Floats, chance: Chance) -> _Course:
    """Length of a queue: mostly nothing, with bursts that are drained again."""
    rate = chance.uniform(0.02, 0.5) * (0.3 + day(times, chance))
    arrivals = chance.poisson(rate) * chance.geometric(chance.uniform(0.2, 0.5), len(times))
    values, now = np.empty(len(times)), 0.0
    for place, each in enumerate(arrivals.tolist()):
        now = 0.6 * now + each
        values[place] = np.floor(now)
    noise = np.full(len(times), max(float(values.std()), 1.0))
    return _Course(np.zeros(len(times)), values, noise, low=0.0, is_count=True)


def errors(times: Floats, chance: Chance) -> _Course:
    """Counts of errors: few, overdispersed, more when there is more traffic."""
    mean = 10 ** chance.uniform(-1.0, 1.3) * (0.3 + day(times, chance))
    values = chance.poisson(mean * chance.gamma(4.0, 0.25, len(times))).astype(float)
    return _Course(mean, values, np.sqrt(mean + 0.25 * mean ** 2) + 0.3, low=0.0, is_count=True)


def memory(times: Floats, chance: Chance) -> _Course:
    """A sawtooth: it fills and is emptied, irregularly."""
    steps_per_day = DAY_S / (times[1] - times[0])
    values, now = np.empty(len(times)), chance.uniform(20, 40)
    rise, limit = chance.uniform(30, 200) / steps_per_day, chance.uniform(60, 85)
    for place in range(len(times)):
        now += rise * chance.gamma(1.0)
        if now > limit:
            now, limit = chance.uniform(20, 30), chance.uniform(60, 85)
        values[place] = now
    values += chance.uniform(0.1, 0.6) * chance.standard_normal(len(times))
    return _Course(values.copy(), values, np.full(len(times), 2.0), low=0.0, high=100.0)


def smooth(times: Floats, chance: Chance) -> _Course:
    """A clean season with a trend and little noise: business figures."""
    level = 10 ** chance.uniform(1, 5)
    trend = 1 + chance.uniform(-0.3, 0.6) * (times - times[0]) / np.ptp(times)
    normal = level * trend * (1 + chance.uniform(0.3, 1.5) * day(times, chance))
    own = level * chance.uniform(0.005, 0.03)
    return _Course(normal, normal + own * chance.standard_normal(len(times)), np.full(len(times), own))


def wandering(times: Floats, chance: Chance) -> _Course:
    """A level that goes where it likes: connections, sessions, stock."""
    scale = 10 ** chance.uniform(0, 3)
    slow = scale * (wander(len(times), chance, DAY_S / (times[1] - times[0])) + 0.1 * wander(len(times), chance, 10))
    own = scale * chance.uniform(0.02, 0.1)
    normal = 10 * scale + slow
    return _Course(normal, normal + own * heavy(len(times), chance, 5.0), np.full(len(times), 2 * own))


def flat(times: Floats, chance: Chance) -> _Course:
    """Nearly constant: a number of hosts, a quantised reading."""
    level = float(chance.integers(3, 200))
    values = level + (chance.random(len(times)) < chance.uniform(0, 0.05)) * chance.choice([-1.0, 1.0], len(times))
    return _Course(np.full(len(times), level), values, np.full(len(times), 0.5), low=0.0)


def scheduled(times: Floats, chance: Chance) -> _Course:
    """On and off by the clock, on working days."""
    begin, length = chance.uniform(4, 10) * 3600, chance.uniform(6, 12) * 3600
    weekend = (np.floor(times / DAY_S) + 3) % 7 >= 5
    on = ((times % DAY_S) > begin) & ((times % DAY_S) < begin + length) & ~weekend
    scale = 10 ** chance.uniform(0, 3)
    normal = scale * np.where(on, chance.uniform(5, 10), chance.uniform(1, 3))
    own = scale * chance.uniform(0.05, 0.3)
    return _Course(normal, normal + own * chance.standard_normal(len(times)), np.full(len(times), own), low=0.0)


def bursty(times: Floats, chance: Chance) -> _Course:
    """Bytes: a heavy tail about a seasonal median, with bursts of some minutes at any time."""
    normal = 10 ** chance.uniform(3, 7) * (0.3 + day(times, chance))
    own = chance.uniform(0.15, 0.4)
    values = normal * np.exp(own * heavy(len(times), chance, 6.0))
    starts = np.flatnonzero(chance.random(len(times)) < 4.0 / (DAY_S / (times[1] - times[0])))
    for start in starts.tolist():
        values[start:start + int(chance.integers(1, 6))] *= chance.uniform(1.5, 3.0)
    return _Course(normal, values, 1.5 * own * normal, low=0.0)


KINDS: dict[str, Callable[[Floats, Chance], _Course]] = {
    each.__name__: each for each in (requests, latency, success, processor, queue, errors, memory, smooth, wandering,
                                     flat, scheduled, bursty)}


# Failures. Each takes the course, a window of rows, a size in standard deviations of the noise and a sign.


def _spike(course: _Course, rows: slice, size: float, sign: int, chance: Chance) -> Floats:
    moved = sign * size * course.noise[rows] * chance.uniform(0.8, 1.2, rows.stop - rows.start)
    found: Floats = course.values[rows] + moved
    return found


def _ramp(course: _Course, rows: slice, size: float, sign: int, _: Chance) -> Floats:
    moved = sign * size * course.noise[rows] * np.linspace(0.3, 1.3, rows.stop - rows.start)
    found: Floats = course.values[rows] + moved
    return found


def _outage(course: _Course, rows: slice, _size: float, _sign: int, chance: Chance) -> Floats:
    return course.values[rows] * chance.uniform(0.0, 0.1)


def _unrest(course: _Course, rows: slice, size: float, _sign: int, chance: Chance) -> Floats:
    found: Floats = course.values[rows] + size * course.noise[rows] * chance.standard_normal(rows.stop - rows.start)
    return found


_SHAPES: tuple[tuple[str, Callable[..., Floats], tuple[float, float], tuple[float, float]], ...] = (
    # name, what it does, minutes (log-uniform), size in standard deviations
    ("spike", _spike, (1, 10), (6, 25)),
    ("shift", _spike, (20, 360), (4, 15)),
    ("ramp", _ramp, (30, 240), (5, 15)),
    ("outage", _outage, (5, 90), (0, 0)),
    ("unrest", _unrest, (20, 180), (4, 10)),
)
_WEIGHTS = (0.4, 0.25, 0.12, 0.13, 0.1)


def _labelled(name: str, kind: str, times: Floats, course: _Course, chance: Chance) -> Labelled:
    values, failures, shapes = course.values.copy(), [], []
    step_s = times[1] - times[0]
    per_day = DAY_S / step_s
    count = chance.poisson(chance.uniform(0.1, 0.6) * len(times) / per_day)
    at = np.sort(chance.uniform(2.0 * per_day, len(times) - 0.3 * per_day, count)).astype(int)
    last = 0
    for start in at.tolist():
        if start < last + 3 * 3600 / step_s:
            continue
        which = int(chance.choice(len(_SHAPES), p=_WEIGHTS))
        _, shape, (shortest, longest), (least, most) = _SHAPES[which]
        rows = max(int(np.exp(chance.uniform(np.log(shortest), np.log(longest))) * 60 / step_s), 1)
        sign = 1 if course.high - float(np.median(course.normal)) > 5 * float(np.median(course.noise)) else -1
        if np.isfinite(course.low) and sign > 0 and chance.random() < 0.35 and \
                float(np.median(course.normal)) > 12 * float(np.median(course.noise)):
            sign = -1
        if shape is _outage and float(np.median(course.normal)) < 8 * float(np.median(course.noise)):
            shape, least, most = _spike, 6, 25
        size = float(np.exp(chance.uniform(np.log(max(least, 1)), np.log(max(most, 1)))))
        window = slice(start, min(start + rows, len(values)))
        changed = np.clip(shape(course, window, size, sign, chance), course.low, course.high)
        values[window] = np.round(changed) if course.is_count else changed
        failures.append((window.start, window.stop - 1))
        shapes.append(shape.__name__.strip("_"))
        last = window.stop
    values[chance.random(len(values)) < chance.choice([0.0, 0.0, 0.002, 0.02])] = np.nan
    for _ in range(int(chance.integers(0, 4))):  # nothing reported for a while: no failure
        hole = int(chance.integers(0, len(values)))
        stop = hole + int(chance.integers(3, max(int(14400 / step_s), 4)))
        if not any(first <= stop + 5 and end >= hole - 5 for first, end in failures):
            values[hole:stop] = np.nan
    return Labelled(name, kind, times, values, failures, shapes)
