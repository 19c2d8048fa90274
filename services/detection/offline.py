"""The same baselines and anomalies over recorded series, one after another, as fast as the machine goes.

Each series is a measure of its own of which nothing is known but its course, and each anomaly that is strong enough
alone is an incident, with the product's own thresholds and hold. What comes of a series depends on nothing else.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.detection import anomalies, baselines, effects
from services.detection.anomalies import Anomalies
from services.detection.baselines import Baselines
from services.detection.compiled import compiled
from services.detection.effects import Practices
from services.detection.series import Measure, Reading, Signal
from services.detection.tuning import Tuning

Floats = npt.NDArray[np.float64]
# A score is told once: what follows within hours has to open an incident or to be clearly stronger to be told again.
_FORGET_S = 8 * 3600.0
_STRONGER = 1.8
# Most strength of a series that has not shown a day yet, of what opens an incident.
UNSETTLED = 0.7
# A recording that is too short to show a day and the days after it settles for this part of its length.
_SETTLES_IN = 0.2
# Rows of a series that are worked on between two words of progress.
BLOCK_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded series: Unix seconds, in order, and values, float64, of one shape; NaN where nothing was reported."""

    name: str
    times: Floats
    values: Floats
    signal: Signal = Signal.UNKNOWN
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident that would have been opened: places in the series (rows), z at its peak. resolved: -1 when it was
    still open at the end."""

    start: int
    detected: int
    resolved: int
    z: float
    strength: float


@dataclass(slots=True)
class Replayed:
    """What the detector made of one series: float32 of its shape, and the incidents. z: NaN while warming up. scores:
    in [0, 1], one half where an incident opens by itself; told at the row that makes it certain, not while it lasts."""

    recorded: Recorded
    z: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    incidents: list[Opened]


# What a series has open, and the score that was told last. Rows are places in the series; back_at: Unix seconds at
# which it was back in its baseline, NaN while it is out.
_COURSE = np.dtype([
    ("start", np.int64), ("detected", np.int64), ("z", np.float64), ("strength", np.float64), ("back_at", np.float64),
    ("told", np.float64), ("told_at", np.float64), ("is_open", np.bool_)])
_OPENED = np.dtype([(name, np.int64) for name in ("start", "detected", "resolved")] +
                   [(name, np.float64) for name in ("z", "strength")])


def replay_all(series: Sequence[Recorded], tuning: Tuning | None = None,
               progress: Callable[[int], None] | None = None) -> Iterator[Replayed]:
    """Every series replayed, in their order. progress: called with the number of rows done since."""
    for each in series:
        yield replay(each, tuning, progress)


def replay(recorded: Recorded, tuning: Tuning | None = None, progress: Callable[[int], None] | None = None, *,
           block_rows: int = BLOCK_ROWS) -> Replayed:
    """Runs the detector over a series, block by block; where the blocks end does not matter."""
    run = _Run(recorded, tuning or Tuning())
    for begin in range(0, len(recorded.values), block_rows):
        end = min(begin + block_rows, len(recorded.values))
        run.block(begin, end)
        if progress is not None:
            progress(end - begin)
    return run.end()


def _settled_at(times: Floats, settle_s: float) -> float:
    """Unix seconds from which a recorded series may open incidents. Only its length is known beforehand."""
    if not times.size:
        return 0.0
    return float(times[0]) + min(settle_s, _SETTLES_IN * float(times[-1] - times[0]))


class _Run:
    """The state of one replay."""

    def __init__(self, recorded: Recorded, tuning: Tuning) -> None:
        size = len(recorded.values)
        self.recorded, self.tuning = recorded, tuning
        self.z = np.full(size, np.nan, np.float32)
        self.scores = np.zeros(size, np.float32)
        self.practices, self.baselines = Practices(), Baselines(1)
        self.practices.extend([Measure(recorded.name, "", recorded.signal, recorded.name, recorded.unit,
                                       Reading.GAUGE)])
        self.anomalies = Anomalies(1, thresholds=tuning.thresholds)
        if recorded.signal is Signal.UNKNOWN:
            self.anomalies.know_only_course()
        self.noise = float(self.practices.noise(np.zeros(1, np.int64), np.full(1, np.nan))[0])
        self.opening = (tuning.strength, tuning.hold_s, tuning.hold_periods,
                        _settled_at(recorded.times, tuning.settle_s))
        self.course = np.zeros(1, _COURSE)
        self.found: list[Opened] = []

    def block(self, begin: int, end: int) -> None:
        """The rows from `begin` to before `end`."""
        opened = np.empty((end - begin) // 2 + 2, _OPENED)
        count = _replay(
            self.practices.table[0], self.baselines.state[0], self.baselines.ring[0], self.baselines.values[0],
            self.baselines.busy[0], self.anomalies.state[0], anomalies.limits(self.tuning.thresholds), self.course[0],
            self.opening, self.recorded.times, self.recorded.values, self.noise, begin, end, self.z, self.scores,
            opened)
        self.found += [Opened(*each) for each in opened[:count].tolist()]

    def end(self) -> Replayed:
        """What came of the series."""
        course = self.course[0]
        if course["is_open"]:
            back_at = float(course["back_at"])
            back = -1 if np.isnan(back_at) else int(np.searchsorted(self.recorded.times, back_at))
            self.found.append(Opened(int(course["start"]), int(course["detected"]), back, float(course["z"]),
                                     float(course["strength"])))
        return Replayed(self.recorded, self.z, self.scores, sorted(self.found, key=lambda opened: opened.start))


@compiled
def _replay(practice: Any, state: Any, ring: Any, values: Any, busy: Any, anomaly: Any, limits: Any, course: Any,
            opening: Any, times: Floats, observed: Floats, noise: float, begin: int, end: int, all_z: Any, scores: Any,
            opened: Any) -> int:
    """Rows `begin` to `end` of a series: writes z, scores and what was opened and is over; returns how many."""
    count = 0
    strength_to_open, _, _, settled_at = opening
    for row in range(begin, end):
        value, at = observed[row], times[row]
        if not np.isfinite(value):
            continue
        z, expected, _, missed = baselines.observe(state, ring, values, busy, at, effects.transform(practice, value),
                                                   noise, anomaly.out + anomaly.sure)
        counts = anomaly.is_course or effects.matters(practice, value, effects.restore(practice, expected), np.inf)
        _, evidence, _, rising, _, left = anomalies.judge(anomaly, limits, at, effects.bad(practice, z), counts,
                                                          np.inf, missed)
        strength = evidence if rising else 0.0
        if at < settled_at:
            # Not yet enough to open anything, however strong; still in the order of strength.
            strength = UNSETTLED * strength_to_open * strength / (strength + strength_to_open)
        all_z[row] = z
        is_opening = not course.is_open and strength >= strength_to_open
        scores[row] = _score(course, at, strength, strength_to_open, is_opening)
        if _follow(course, anomaly, opening, times, row, z, strength, left, state.period):
            resolved = np.searchsorted(times[:row + 1], course.back_at)
            each = opened[count]
            each.start, each.detected, each.resolved = course.start, course.detected, resolved
            each.z, each.strength = course.z, course.strength
            count += 1
    return count


@compiled
def _score(course: Any, at: float, strength: float, strength_to_open: float, is_opening: bool) -> float:
    """In [0, 1]; 0 for what was told already, unless an incident opens."""
    if not is_opening and strength <= _STRONGER * course.told * np.exp(-(at - course.told_at) / _FORGET_S):
        return 0.0
    course.told, course.told_at = strength, at
    return strength / (strength + strength_to_open)


@compiled
def _follow(course: Any, anomaly: Any, opening: Any, times: Floats, row: int, z: float, strength: float, left: bool,
            period: float) -> bool:
    """Opens and follows the incident of a series; whether it is over now."""
    strength_to_open, hold_s, hold_periods, _ = opening
    if not course.is_open:
        if strength >= strength_to_open:
            course.is_open, course.back_at = True, np.nan
            course.start = min(np.searchsorted(times[:row + 1], anomaly.onset), row)
            course.detected, course.z, course.strength = row, z, strength
        return False
    if abs(z) > abs(course.z):
        course.z = z
    course.strength = max(course.strength, strength)
    if left:
        course.back_at = anomaly.inside_since
    elif anomaly.out:
        course.back_at = np.nan
    course.is_open = not times[row] - course.back_at >= max(hold_s, hold_periods * period)
    return not course.is_open
