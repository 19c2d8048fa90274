"""How a measure's value is compared, and how large a departure has to be before it matters to anybody.

Each signal is transformed so that its noise is about even over levels: logarithm for durations, whose noise is
relative; square root for counts (Bartlett, 1936) and its sine for shares of counts (Anscombe, 1948), whose noise then
follows from the count alone. Statistics tell what is unlikely; a minimum practical effect tells what is worth a page.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.detection.compiled import compiled
from services.detection.series import Measure, Reading, Signal

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LOG, ROOT, ARCSINE, IDENTITY, SIGNED_LOG = range(5)


@dataclass(frozen=True, slots=True)
class Practice:
    """For one signal. direction: +1 where a rise is bad, -1 a fall, 0 both.

    ratio: observed over expected (or the inverse, for a fall) that it takes. difference: least absolute change, in the
    measure's unit. floor: least spread in the transformed unit, the resolution below which a change is none.
    requests: least number of requests expected in an interval.
    """

    transform: int
    direction: int
    ratio: float
    difference: float
    floor: float
    requests: float = 0.0


# The practice of a measure, and what it counts in. tail: part of the requests beyond its quantile. per_interval: what a
# value stands for in a minute. part: of the requests, that a departure says to be affected.
PRACTICE = np.dtype([
    ("transform", np.int64), ("direction", np.float64), ("ratio", np.float64), ("difference", np.float64),
    ("floor", np.float64), ("requests", np.float64), ("tail", np.float64), ("per_interval", np.float64),
    ("part", np.float64), ("is_saturation", np.bool_)])

# Why these numbers stands in docs/detection.md.
LATENCY = Practice(LOG, +1, 1.5, 0.025, 0.05)
# Or less, when many feel it: this much for each, and in all a second in an interval.
LEAST_DELAY_S, LOST_S = 0.005, 1.0
ERROR_SHARE = Practice(ARCSINE, +1, 1.5, 0.01, 0.01)
ERROR_COUNT = Practice(ROOT, +1, 2.0, 5.0, 0.5)
TRAFFIC = Practice(ROOT, -1, 2.0, 0.0, 0.5, requests=20.0)
SATURATION = Practice(IDENTITY, +1, 1.2, 0.15, 0.02)
SATURATED = 0.8
EVIDENCE = Practice(SIGNED_LOG, 0, 1.3, 0.0, 0.05)
UNKNOWN = Practice(IDENTITY, 0, 1.0, 0.0, 0.0)


def practice(measure: Measure) -> Practice:
    """What holds for a measure."""
    match measure.signal:
        case Signal.LATENCY:
            return LATENCY
        case Signal.ERRORS:
            return ERROR_SHARE if measure.unit == "share" else ERROR_COUNT
        case Signal.TRAFFIC:
            return TRAFFIC
        case Signal.SATURATION:
            return SATURATION
        case Signal.UNKNOWN:
            return UNKNOWN
        case _:
            return EVIDENCE


class Practices:
    """The practices of many measures, in arrays beside those of their baselines."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self.table = np.zeros(0, PRACTICE)

    def extend(self, measures: list[Measure]) -> None:
        """Adds what is new at the end of `measures`."""
        for measure in measures[len(self._rows):]:
            each = practice(measure)
            tail = 1.0 - measure.quantile if measure.reading is Reading.QUANTILE else 0.0
            # Part of the requests that a departure of this measure says to be affected.
            part = 1.0 - measure.quantile if measure.signal is Signal.LATENCY and measure.quantile else np.nan
            part = 0.0 if measure.signal is Signal.ERRORS else part
            # A gauge of traffic is a rate a second; over a minute it stands for sixty times as many.
            per_interval = 60.0 if each is TRAFFIC and measure.reading is Reading.GAUGE else 1.0
            self._rows.append((each.transform, each.direction, each.ratio, each.difference, each.floor, each.requests,
                               tail, per_interval, part, each is SATURATION))
        if len(self.table) < len(self._rows):
            self.table = np.array(self._rows, PRACTICE)

    @property
    def is_counted(self) -> npt.NDArray[np.bool_]:
        """Whether the noise of each measure follows from counts, shape (measures,)."""
        counted: npt.NDArray[np.bool_] = self.table["transform"] == ARCSINE
        return counted

    def transform(self, rows: Ints, values: Floats) -> Floats:
        """Values, in their measures' units, as baselines compare them."""
        found = np.empty(rows.size)
        _transform_all(self.table, rows, values, found)
        return found

    def restore(self, rows: Ints, x: Floats) -> Floats:
        """The inverse of `transform`."""
        found = np.empty(rows.size)
        _restore_all(self.table, rows, x, found)
        return found

    def noise(self, rows: Ints, counts: Floats) -> Floats:
        """Least spread of each value in the transformed unit: the measure's floor, and what so few requests leave.

        counts: requests behind each value; NaN where that is not known.
        """
        kind, floor, tail = (self.table[name][rows] for name in ("transform", "floor", "tail"))
        n = np.where(np.isnan(counts), np.inf, np.maximum(counts, 1.0))
        with np.errstate(all="ignore"):
            few = np.select([kind == ARCSINE, (kind == LOG) & (tail > 0)],
                            [0.5 / np.sqrt(n), np.sqrt((1.0 - tail) / np.maximum(tail, 1e-9) / n)], 0.0)
        spread: Floats = np.sqrt(floor ** 2 + few ** 2)
        return spread

    def direction(self, rows: Ints) -> Floats:
        """+1 where a rise is bad, -1 where a fall is, 0 where nothing is."""
        found: Floats = self.table["direction"][rows]
        return found

    def bad(self, rows: Ints, z: Floats) -> Floats:
        """z in the direction that is bad for each; not negative. NaN stays NaN."""
        direction = self.table["direction"][rows]
        return np.where(direction == 0, np.abs(z), np.maximum(z * direction, 0.0))

    def affected(self, rows: Ints, values: Floats, counts: Floats) -> Floats:
        """How many requests a departure of these values affects at least; infinite where nobody counts requests."""
        part = self.table["part"][rows]
        is_count = (part == 0.0) & (self.table["transform"][rows] != ARCSINE)
        hit = np.where(is_count, values, np.where(part == 0.0, values * counts, part * counts))
        return np.where(np.isnan(hit), np.inf, hit)

    def matters(self, rows: Ints, observed: Floats, expected: Floats, affected: Floats) -> npt.NDArray[np.bool_]:
        """Whether each change is large enough for anybody to care; see `matters`."""
        found = np.empty(rows.size, np.bool_)
        _matters_all(self.table, rows, observed, expected, affected, found)
        return found


@compiled
def _transform_all(table: Any, rows: Ints, values: Floats, found: Floats) -> None:
    for place in range(rows.size):
        found[place] = transform(table[rows[place]], values[place])


@compiled
def _restore_all(table: Any, rows: Ints, x: Floats, found: Floats) -> None:
    for place in range(rows.size):
        found[place] = restore(table[rows[place]], x[place])


@compiled
def _matters_all(table: Any, rows: Ints, observed: Floats, expected: Floats, affected: Floats, found: Any) -> None:
    for place in range(rows.size):
        found[place] = matters(table[rows[place]], observed[place], expected[place], affected[place])


@compiled
def transform(own: Any, value: float) -> float:
    """A value in its measure's unit as baselines compare it."""
    kind, x = own.transform, value
    if kind == LOG:
        x = np.log(max(value, 1e-6))
    elif kind == ROOT:
        x = np.sqrt(max(value * own.per_interval, 0.0) + 0.375)
    elif kind == ARCSINE:
        x = np.arcsin(np.sqrt(min(max(value, 0.0), 1.0)))
    elif kind == SIGNED_LOG:
        x = np.sign(value) * np.log1p(abs(value))
    return x


@compiled
def restore(own: Any, x: float) -> float:
    """The inverse of `transform`."""
    kind, value = own.transform, x
    if kind == LOG:
        value = np.exp(min(x, 700.0))
    elif kind == ROOT:
        value = max(max(x, 0.0) ** 2 - 0.375, 0.0) / own.per_interval
    elif kind == ARCSINE:
        value = np.sin(min(max(x, 0.0), np.pi / 2)) ** 2
    elif kind == SIGNED_LOG:
        value = np.sign(x) * np.expm1(min(abs(x), 700.0))
    return value


@compiled
def bad(own: Any, z: float) -> float:
    """z in the direction that is bad; not negative. NaN stays NaN."""
    return abs(z) if own.direction == 0 else (z if np.isnan(z) else max(z * own.direction, 0.0))


@compiled
def matters(own: Any, observed: float, expected: float, affected: float) -> bool:
    """Whether the change from expected to observed is large enough for anybody to care: by itself, or, for
    durations, by what the affected requests lose together."""
    high, low = max(observed, expected), min(observed, expected)
    change = high - low
    counted = affected if np.isfinite(affected) else 0.0
    is_felt = own.transform == LOG and change >= LEAST_DELAY_S and counted * change >= LOST_S
    is_large = high >= own.ratio * max(low, 0.0) and (change >= own.difference or is_felt)
    # A busier processor is no trouble until little of it is left.
    has_room = own.is_saturation and observed < SATURATED
    return is_large and not has_room and expected * own.per_interval >= own.requests
