"""Simulated indicators of web services: noise of very different kinds on strong daily and weekly seasons.

Beside `kpis`, whose kinds are those of machines and services in general: page views, response times, rates of success,
revenue, errors that are mostly none, caches, jobs of every hour, in steps of one or five minutes, three to five weeks
long. Failures are mostly short (two to sixty rows), of a size that a person sees in a plot; some are shifts of hours,
sudden or slow. What nobody would page for is there too: holidays, releases that change a level a little for good,
retries, single odd values, gaps.
"""

from collections.abc import Callable, Iterator

import numpy as np

from tests.eval.kpis import DAY_S, START_S, Chance, Floats, Labelled, heavy, wander

Kind = Callable[[Floats, Chance], tuple[Floats, Floats, float, float]]


def corpus(seed: int = 1, per_kind: int = 6) -> Iterator[Labelled]:
    """Every kind, `per_kind` series each: alternately of minutes and of five minutes."""
    for place, (kind, make) in enumerate(KINDS.items()):
        for number in range(per_kind):
            chance = np.random.default_rng([seed, 1000 + place, number])
            step_s, days = (60.0, int(chance.integers(14, 29))) if number % 2 else (300.0, int(chance.integers(21, 50)))
            times = START_S + chance.integers(0, 7) * DAY_S + np.arange(int(days * DAY_S / step_s)) * step_s
            normal, values, low, high = make(times, chance)
            yield _failing(f"web-{kind}-{number}", kind, times, normal, values, low, high, chance)


def week(times: Floats, chance: Chance) -> Floats:
    """A course between about 0.05 and 1.2: nights, two peaks a day, other weekends, now and then a holiday."""
    phase, turn = chance.uniform(0, DAY_S), 2 * np.pi * (times % DAY_S) / DAY_S
    turn = turn - 2 * np.pi * phase / DAY_S
    work = 1.0 + np.sin(turn) + chance.uniform(0.1, 0.5) * np.sin(2 * turn + chance.uniform(0, 6.3)) + \
        chance.uniform(0.0, 0.2) * np.sin(4 * turn + chance.uniform(0, 6.3))
    rest = 1.0 + np.sin(turn - chance.uniform(0.0, 0.6)) + chance.uniform(0.1, 0.5) * np.sin(2 * turn)
    number = np.floor(times / DAY_S)
    is_rest = (number + 3) % 7 >= 5
    if chance.random() < 0.3:
        is_rest = is_rest | (number == number[0] + chance.integers(10, 14))
    width = int(14400 / (times[1] - times[0]))  # one kind of day passes into the other within hours about midnight
    blend = np.convolve(np.where(is_rest, 1.0, 0.0), np.ones(width) / width, "same")
    course = blend * chance.uniform(0.5, 1.1) * rest + (1.0 - blend) * work
    course = np.maximum(course - course.min(), 0.0) / np.ptp(course)
    daily = np.exp(chance.uniform(0.0, 0.06) * chance.standard_normal(int(number.max() - number.min()) + 3))
    place = (times - times[0]) / DAY_S
    varied = np.interp(place, np.arange(len(daily)), daily)  # no day is quite like another
    found: Floats = (chance.uniform(0.05, 0.5) + course) * varied
    return found


def views(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Page views a minute: counts whose noise grows with them."""
    normal = 10 ** chance.uniform(1.5, 5.0) * week(times, chance)
    own = chance.uniform(0.01, 0.06)
    mean = normal * np.exp(own * wander(len(times), chance, 8) + own * chance.standard_normal(len(times)))
    return normal, chance.poisson(mean).astype(float), 0.0, np.inf


def response(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Mean response time: a heavy tail upwards, slower in the peaks."""
    normal = 10 ** chance.uniform(0.5, 3.0) * (1.0 + chance.uniform(0.0, 0.5) * week(times, chance))
    own = chance.uniform(0.02, 0.12)
    slow = own * chance.pareto(chance.uniform(2.5, 5.0), len(times))
    return normal, normal * np.exp(own * chance.standard_normal(len(times)) + slow), 0.0, np.inf


def success_rate(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Percent, near a hundred, of few requests by night and many by day."""
    count = np.maximum(10 ** chance.uniform(1.5, 4.0) * week(times, chance), 3).astype(int)
    share: Floats = np.clip(1 - 10 ** chance.uniform(-3.0, -1.0) * np.exp(0.5 * wander(len(times), chance, 30)), 0, 1)
    return 100.0 * share, 100.0 * chance.binomial(count, share) / count, 0.0, 100.0


def mostly_none(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Errors or refunds: nothing in most intervals, now and then a few together."""
    rate = 10 ** chance.uniform(-2.3, -0.5) * week(times, chance)
    values = chance.poisson(rate) * chance.geometric(chance.uniform(0.3, 0.9), len(times))
    return np.asarray(rate, np.float64), values.astype(float), 0.0, np.inf


def revenue(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """A sum over few orders of very different size."""
    mean = 10 ** chance.uniform(0.7, 2.5) * week(times, chance)
    orders = chance.poisson(mean).astype(np.float64)
    spread = chance.uniform(0.3, 0.9)
    noise = chance.standard_normal(len(times)) / np.sqrt(np.maximum(orders, 1.0))
    scale = float(10 ** chance.uniform(0, 2))
    return scale * mean, scale * orders * np.exp(spread * noise), 0.0, np.inf


def hit_ratio(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Percent of answers from a cache: high, with a dip after each release or purge that mends itself."""
    base = chance.uniform(60, 97)
    own = chance.uniform(0.1, 1.0)
    normal = base - chance.uniform(0, 8) * week(times, chance)
    values = normal + own * wander(len(times), chance, 15) + own * heavy(len(times), chance, 4.0)
    return normal, np.clip(values, 0, 100), 0.0, 100.0


def hourly(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """A job at the same minute of every hour on a calm load, sometimes a little late and never of one size."""
    step_s = times[1] - times[0]
    normal = chance.uniform(5, 30) * (1 + 0.3 * week(times, chance))
    own = chance.uniform(0.02, 0.08) * normal
    values = normal + own * chance.standard_normal(len(times))
    every = float(chance.choice([1800.0, 3600.0, 3600.0, 7200.0]))
    begin, length, height = chance.uniform(0, every), chance.uniform(60, 420), chance.uniform(0.3, 3.0)
    for start in np.arange(times[0] + begin, times[-1], every):
        first = int((start + abs(chance.normal(0, 20.0)) - times[0]) / step_s)
        last = first + max(round(length / step_s), 1)
        values[first:last] += normal[first:last] * height * chance.uniform(0.8, 1.2)
    return normal, values, 0.0, np.inf


def connections(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """A level with long memory on a season: users online, connections open."""
    normal = 10 ** chance.uniform(1.5, 4.5) * (0.3 + week(times, chance))
    own = chance.uniform(0.01, 0.05)
    slow = own * wander(len(times), chance, 10800.0 / (times[1] - times[0]))
    return normal, np.round(normal * np.exp(slow + 0.2 * own * chance.standard_normal(len(times)))), 0.0, np.inf


def traffic(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Bytes a second: multiplicative noise of gamma kind, burstier by night."""
    shape = 10 ** chance.uniform(0.8, 2.3)
    normal = 10 ** chance.uniform(4, 8) * week(times, chance)
    return normal, normal * chance.gamma(shape, 1 / shape, len(times)), 0.0, np.inf


def released(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """A level that a release moves a little for good every few days: the new is the normal, at once."""
    normal = 10 ** chance.uniform(0.5, 3.0) * (1 + 0.4 * week(times, chance))
    own = chance.uniform(0.02, 0.06)
    for _ in range(int(chance.integers(1, 4))):
        begin = int(chance.integers(len(times) // 10, len(times)))
        ramp = np.clip((np.arange(len(times)) - begin) * (times[1] - times[0]) / 7200.0, 0, 1)
        normal = normal * (1 + ramp * chance.uniform(-2.5, 2.5) * own)
    return normal, normal * (1 + own * heavy(len(times), chance, 5.0)), 0.0, np.inf


def plain(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """A strong season and little noise: the sum over many servers."""
    normal = 10 ** chance.uniform(2, 6) * week(times, chance)
    own = chance.uniform(0.003, 0.02) * float(normal.mean())
    return normal, normal + own * heavy(len(times), chance, 6.0), 0.0, np.inf


def percent_busy(times: Floats, chance: Chance) -> tuple[Floats, Floats, float, float]:
    """Processor time of a pool: reaches the top of its range in the peaks, without harm."""
    normal = chance.uniform(5, 25) + chance.uniform(30, 85) * week(times, chance)
    own = chance.uniform(1.0, 4.0)
    values = normal + own * wander(len(times), chance, 6) + 0.7 * own * heavy(len(times), chance, 4.0)
    return np.clip(normal, 0, 100), np.clip(values, 0, 100), 0.0, 100.0


KINDS: dict[str, Kind] = {
    each.__name__: each for each in (views, response, success_rate, mostly_none, revenue, hit_ratio, hourly,
                                     connections, traffic, released, plain, percent_busy)}
# Shapes of failures and how often: spikes and dips of 2 to 60 rows, single rows, shifts of hours, slow ones.
_SHAPES, _WEIGHTS = ("spike", "single", "shift", "ramp", "outage"), (0.55, 0.1, 0.15, 0.08, 0.12)


def _failing(name: str, kind: str, times: Floats, normal: Floats, values: Floats, low: float, high: float,
             chance: Chance) -> Labelled:
    """Puts failures in, of sizes that stand out of the residuals about them, and what is missing."""
    values, step_s = values.copy(), float(times[1] - times[0])
    per_day = int(DAY_S / step_s)
    residual = values - normal
    failures: list[tuple[int, int]] = []
    shapes: list[str] = []
    count = chance.poisson(chance.uniform(0.05, 0.4) * len(values) / per_day)
    for start in np.sort(chance.integers(2 * per_day, len(values) - per_day // 4, count)).tolist():
        if failures and start < failures[-1][1] + 3 * 3600 / step_s:
            continue
        shape = str(chance.choice(_SHAPES, p=_WEIGHTS))
        rows = {"spike": int(np.exp(chance.uniform(np.log(2), np.log(60)))), "single": 1,
                "shift": int(chance.uniform(3600, 21600) / step_s), "ramp": int(chance.uniform(3600, 18000) / step_s),
                "outage": int(np.exp(chance.uniform(np.log(3), np.log(60))))}[shape]
        near = slice(max(start - per_day // 8, 0), start + per_day // 8)
        # The middle half of what is near, as a standard deviation, and how far its outermost hundredth goes.
        spread = float(np.subtract(*np.percentile(residual[near], [75, 25]))) / 1.35
        most = float(np.percentile(np.abs(residual[near] - np.median(residual[near])), 99))
        size = max(chance.uniform(5.0, 16.0) * spread, chance.uniform(1.2, 4.0) * most, 0.02 * float(np.ptp(values)))
        if kind == "mostly_none":
            size = chance.uniform(1.2, 4.0) * max(float(np.percentile(values, 99.9)), 1.0)
        if shape in ("shift", "ramp"):
            size *= 0.6
        room_up, room_down = high - values[near].mean(), values[near].mean() - low
        sign = 1.0 if room_down < size or (room_up >= size and chance.random() < 0.6) else -1.0
        if kind in ("success_rate", "hit_ratio"):
            sign = -1.0
        window = slice(start, min(start + rows, len(values)))
        here = values[window]
        if shape == "outage" and room_down > 2.0 * most:
            here = low + (here - low) * chance.uniform(0.0, 0.3)
        elif shape == "ramp":
            here = here + sign * size * np.linspace(0.2, 1.5, len(here))
        else:
            here = here + sign * size * chance.uniform(0.7, 1.3, len(here))
        here = np.clip(here, low, high)
        values[window] = np.round(here) if kind in ("views", "mostly_none", "connections") else here
        failures.append((window.start, window.stop - 1))
        shapes.append(shape)
    values[chance.random(len(values)) < chance.choice([0.0, 0.0, 0.001, 0.01])] = np.nan
    for _ in range(int(chance.integers(0, 4))):  # nothing reported for a while: no failure
        hole = int(chance.integers(0, len(values)))
        stop = hole + int(chance.integers(3, int(14400 / step_s)))
        if not any(first <= stop + 5 and end >= hole - 5 for first, end in failures):
            values[hole:stop] = np.nan
    return Labelled(name, kind, times, values, failures, shapes)
