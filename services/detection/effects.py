"""How a measure's value is compared, and how large a departure has to be before it matters to anybody.

Each signal is transformed so that its noise is about even over levels: logarithm for durations, whose noise is
relative; square root for counts (Bartlett, 1936) and its sine for shares of counts (Anscombe, 1948), whose noise then
follows from the count alone. Statistics tell what is unlikely; a minimum practical effect tells what is worth a page.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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
        self._table = np.zeros((0, 10))

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
                               tail, per_interval, part, float(each is SATURATION)))
        if len(self._table) < len(self._rows):
            self._table = np.array(self._rows)

    @property
    def is_counted(self) -> npt.NDArray[np.bool_]:
        """Whether the noise of each measure follows from counts, shape (measures,)."""
        counted: npt.NDArray[np.bool_] = self._table[:, 0] == ARCSINE
        return counted

    def transform(self, rows: Ints, values: Floats) -> Floats:
        """Values, in their measures' units, as baselines compare them."""
        kind = self._table[rows, 0]
        counted = values * self._table[rows, 7]
        with np.errstate(all="ignore"):
            return np.select(
                [kind == LOG, kind == ROOT, kind == ARCSINE, kind == SIGNED_LOG],
                [np.log(np.maximum(values, 1e-6)), np.sqrt(np.maximum(counted, 0.0) + 0.375),
                 np.arcsin(np.sqrt(np.clip(values, 0.0, 1.0))), np.sign(values) * np.log1p(np.abs(values))], values)

    def restore(self, rows: Ints, x: Floats) -> Floats:
        """The inverse of `transform`."""
        kind = self._table[rows, 0]
        with np.errstate(all="ignore"):
            return np.select(
                [kind == LOG, kind == ROOT, kind == ARCSINE, kind == SIGNED_LOG],
                [np.exp(np.minimum(x, 700.0)), np.maximum(np.maximum(x, 0.0) ** 2 - 0.375, 0.0) / self._table[rows, 7],
                 np.sin(np.clip(x, 0.0, np.pi / 2)) ** 2, np.sign(x) * np.expm1(np.minimum(np.abs(x), 700.0))], x)

    def noise(self, rows: Ints, counts: Floats) -> Floats:
        """Least spread of each value in the transformed unit: the measure's floor, and what so few requests leave.

        counts: requests behind each value; NaN where that is not known.
        """
        kind, floor, tail = self._table[rows, 0], self._table[rows, 4], self._table[rows, 6]
        n = np.where(np.isnan(counts), np.inf, np.maximum(counts, 1.0))
        with np.errstate(all="ignore"):
            few = np.select([kind == ARCSINE, (kind == LOG) & (tail > 0)],
                            [0.5 / np.sqrt(n), np.sqrt((1.0 - tail) / np.maximum(tail, 1e-9) / n)], 0.0)
        spread: Floats = np.sqrt(floor ** 2 + few ** 2)
        return spread

    def direction(self, rows: Ints) -> Floats:
        """+1 where a rise is bad, -1 where a fall is, 0 where nothing is."""
        found: Floats = self._table[rows, 1]
        return found

    def bad(self, rows: Ints, z: Floats) -> Floats:
        """z in the direction that is bad for each; not negative. NaN stays NaN."""
        direction = self._table[rows, 1]
        return np.where(direction == 0, np.abs(z), np.maximum(z * direction, 0.0))

    def affected(self, rows: Ints, values: Floats, counts: Floats) -> Floats:
        """How many requests a departure of these values affects at least; infinite where nobody counts requests."""
        part = self._table[rows, 8]
        is_count = (part == 0.0) & (self._table[rows, 0] != ARCSINE)
        hit = np.where(is_count, values, np.where(part == 0.0, values * counts, part * counts))
        return np.where(np.isnan(hit), np.inf, hit)

    def matters(self, rows: Ints, observed: Floats, expected: Floats, affected: Floats) -> npt.NDArray[np.bool_]:
        """Whether the change from expected to observed is large enough for anybody to care: by itself, or, for
        durations, by what the affected requests lose together."""
        ratio, difference = self._table[rows, 2], self._table[rows, 3]
        requests = self._table[rows, 5]
        high, low = np.maximum(observed, expected), np.minimum(observed, expected)
        change = high - low
        counted = np.where(np.isfinite(affected), affected, 0.0)
        is_felt = (self._table[rows, 0] == LOG) & (change >= LEAST_DELAY_S) & (counted * change >= LOST_S)
        large = (high >= ratio * np.maximum(low, 0.0)) & ((change >= difference) | is_felt)
        # A busier processor is no trouble until little of it is left.
        large &= (self._table[rows, 9] == 0) | (observed >= SATURATED)
        enough = expected * self._table[rows, 7] >= requests
        matters: npt.NDArray[np.bool_] = np.logical_and(large, enough)
        return matters
