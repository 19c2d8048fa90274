"""How far a series left what it was before, in terms of what chance does to series of its kind.

A robust z alone deceives: a quiet series of a rare request jumps by thousands of spreads whenever one slow request
comes by. So a departure is measured in the swings that the series itself made before, and then compared with what the
same measure gives for every stretch of the time before, of the series and of its namesakes of other services: what
often happens without an incident is no sign of one. It must last for two values where there are as many.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf, log

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from services.drafting.hypotheses.hypothesis import Figure
from services.drafting.hypotheses.measures import Meaning, Measure, meaning
from services.drafting.observations import SeriesSource, SeriesWindow
from services.drafting.wording import quantity

FloatArray = NDArray[np.float64]

_FILLED = frozenset({Measure.CPU, Measure.MEMORY, Measure.DISK, Measure.POOL, Measure.DESCRIPTORS, Measure.THREADS,
                     Measure.QUEUE})

# The share of values before that may lie further out than a swing: what an earlier incident leaves in a baseline.
SWING_QUANTILE = 0.9
# A departure of one swing is chance; one of this many is certain, if it is rare among its namesakes.
CERTAIN_SWINGS = 8.0
# How many of its namesakes may depart as far by chance: enough to say nothing, and few enough to say all.
COMMON, RARE = 1.0, 0.05
# Even where it has no namesake, one quiet stretch in so many may look like this.
FEWEST_NAMESAKES = 10
# Share of the level below which a difference is not looked at, whatever the spread; and of what can be available: one
# request in a hundred that fails is a lot to its users where none did before.
RESOLUTION, AVAILABLE_RESOLUTION = 0.05, 0.002
# A share of a resource from which on it is as good as used up.
FULL = 0.85
# Namesakes this many times busier or idler are not like it: the fewer requests, the wilder their statistics.
AS_BUSY = 5.0
# Fewer values than these before tell nothing of chance.
FEWEST_VALUES = 4
# A window of more values is looked at in so many steps, each the mean of its values: what lasts a fifth of it, lasts.
STEPS = 12
LASTING_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Departure:
    """One series that left its baseline: in which direction, how surely, and how much that is."""

    series: SeriesWindow
    meaning: Meaning
    # Lasting value in the window, and the level before.
    level: float
    baseline: float
    # 0: what chance does; 1: certain.
    certainty: float
    # Level over the highest level of its namesakes, at most 1: a tenth of a percent of a processor is not much.
    size: float = 1.0
    # When a share of a resource was first as good as used up; None where it was not, or was so before.
    filled_at: datetime | None = None

    @property
    def growth(self) -> float:
        """Natural logarithm of level over baseline; floored so that a baseline of nothing stays finite."""
        floor = max(abs(self.baseline), abs(self.level)) * 1e-3 + 1e-12
        return log(max(self.level, floor) / max(self.baseline, floor))

    @property
    def key(self) -> str:
        return self.series.key

    @property
    def numbers(self) -> str:
        """`cpu.utilization 97 % against 41 % before`."""
        series = self.series
        now, before = quantity(self.level, series.unit), quantity(self.baseline, series.unit)
        return f"{series.metric_name} {now} against {before} before"

    @property
    def figure(self) -> Figure:
        """The numbers as evidence; the level is what lasted, which is less than the furthest value."""
        series = self.series
        return Figure(
            f"figure/{self.key}/{series.unit}", series.service, f"{series.metric_name} of {series.service} lasted",
            {"in the window at": quantity(self.level, series.unit), "before at": quantity(self.baseline, series.unit)})


def departures(series: Iterable[SeriesWindow]) -> tuple[Departure, ...]:
    """Of every metric with values in the window and enough before it, how it departed.

    Series that were derived from spans and logs are left to those who look at operations, calls and patterns.
    """
    usable = [one for one in series
              if one.values and one.baseline_points >= FEWEST_VALUES and one.source is SeriesSource.METRIC]
    meanings = {(one.metric_name, one.unit): meaning(one.metric_name, one.unit) for one in usable}
    namesakes: dict[tuple[str, str, tuple[str, ...]], list[SeriesWindow]] = defaultdict(list)
    busy: dict[str, float] = defaultdict(float)
    for one in usable:
        namesakes[one.metric_name, one.unit, tuple(sorted(one.attributes))].append(one)
        if meanings[one.metric_name, one.unit].measure is Measure.TRAFFIC:
            busy[one.service] = max(busy[one.service], one.baseline_median)
    return tuple(departure for group in namesakes.values()
                 for departure in _of_namesakes(group, meanings[group[0].metric_name, group[0].unit], busy))


def _of_namesakes(group: list[SeriesWindow], means: Meaning, busy: Mapping[str, float]) -> Iterable[Departure]:
    """busy: requests by service, in whatever unit, of those that count them."""
    stepped = [_in_steps(one) for one in group]
    scales = [_scale(one, before, means) for one, (before, _) in zip(group, stepped, strict=True)]
    levels = [lasting(now, one.baseline_median) for one, (_, now) in zip(group, stepped, strict=True)]
    stretches = [_stretches(before, len(now), one.baseline_median)
                 for one, (before, now) in zip(group, stepped, strict=True)]
    highest = max(max(abs(level), abs(one.baseline_median)) for one, level in zip(group, levels, strict=True))
    for one, scale, level in zip(group, scales, levels, strict=True):
        alike = [place for place, other in enumerate(group) if _as_busy(busy.get(one.service), busy.get(other.service))]
        swings = abs(level - one.baseline_median) / scale
        chance = np.concatenate([np.abs(stretches[place] - group[place].baseline_median) / scales[place]
                                 for place in alike])
        certainty = (_between(log(max(swings, 1.0)), 0.0, log(CERTAIN_SWINGS))
                     * _rarity(_share_beyond(chance, swings), len(alike)))
        whole, filled_at = _whole(one), None
        if means.measure in _FILLED and means.is_bad_high and level >= FULL * whole > one.baseline_median:
            filled = np.concatenate([stretches[place] for place in alike])
            certainty = max(certainty, _rarity(_share_beyond(filled / whole, FULL), len(alike)))
            filled_at = _filled_at(one, FULL * whole)
        size = max(abs(level), abs(one.baseline_median)) / highest if highest > 0 else 0.0
        yield Departure(one, means, level, one.baseline_median, certainty, size, filled_at)


def _filled_at(series: SeriesWindow, full: float) -> datetime | None:
    return next((at for at, value in zip(series.times, series.values, strict=False) if value >= full), None)


def _as_busy(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one <= AS_BUSY * other and other <= AS_BUSY * one


def _rarity(share: float, namesakes: int) -> float:
    return _between(-log(share * max(namesakes, FEWEST_NAMESAKES)), -log(COMMON), -log(RARE))


def _whole(series: SeriesWindow) -> float:
    """What all of it would be, of a share; infinite for what is no share."""
    if series.unit == "%":
        return 100.0
    return 1.0 if series.unit == "1" and "utilization" in series.metric_name.lower() else inf


def _between(value: float, low: float, high: float) -> float:
    return float(np.clip((value - low) / (high - low), 0.0, 1.0))


def _in_steps(series: SeriesWindow) -> tuple[FloatArray, FloatArray]:
    """The values before and in the window, in steps of one length; float64, shapes (steps before,), (steps,)."""
    before, now = np.asarray(series.baseline_values, dtype=np.float64), np.asarray(series.values, dtype=np.float64)
    length = -(-now.size // STEPS)
    return _means(before, length), _means(now, length)


def _means(values: FloatArray, length: int) -> FloatArray:
    whole = values.size // length * length
    return values if length == 1 else values[values.size - whole:].reshape(-1, length).mean(axis=1)


def _scale(series: SeriesWindow, before: FloatArray, means: Meaning) -> float:
    """How far from its median the series goes by chance, in its unit; never nothing."""
    if before.size >= FEWEST_VALUES:
        deviations = np.abs(before - series.baseline_median)
        swing = max(2 * 1.4826 * float(np.median(deviations)), float(np.quantile(deviations, SWING_QUANTILE)))
    else:
        swing = 2.0 * series.baseline_spread
    resolution = AVAILABLE_RESOLUTION if means.measure is Measure.AVAILABILITY else RESOLUTION
    return max(swing, resolution * abs(series.baseline_median), 1e-12)


def _stretches(before: FloatArray, length: int, middle: float) -> FloatArray:
    """The lasting value of every stretch of the time before that is as long as the window; float64, (stretches,)."""
    if before.size < length:
        return np.empty(0)
    ordered = np.sort(sliding_window_view(before, length), axis=1)
    place = _lasting_place(length)
    low, high = ordered[:, place], ordered[:, -1 - place]
    return np.asarray(np.where(np.abs(high - middle) >= np.abs(low - middle), high, low))


def _lasting_place(length: int) -> int:
    """How many of so many values lie beyond the one that lasts: a fifth less one, and one where there are three."""
    return 0 if length < 3 else max(int(np.ceil(LASTING_SHARE * length)), 2) - 1


def _share_beyond(chance: FloatArray, swings: float) -> float:
    """Share of quiet stretches that departed as far; beyond the furthest, falling as the distance grows.

    chance: float64, shape (stretches,). Tails as heavy as 1/x are what counted latencies show.
    """
    beyond = int(np.count_nonzero(chance >= swings))
    furthest = float(chance.max()) if chance.size else 1.0
    excess = max(swings / max(furthest, 1.0), 1.0) if beyond == 0 else 1.0
    return (beyond + 1) / (chance.size + 1) / excess


def lasting(values: FloatArray, baseline: float) -> float:
    """The value that a fifth of `values`, and two, reach or pass, on the side on which they go furthest; shape (n,)."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return baseline
    ordered = np.sort(finite)
    place = _lasting_place(finite.size)
    low, high = ordered[place], ordered[-1 - place]
    return float(high if abs(high - baseline) >= abs(low - baseline) else low)
