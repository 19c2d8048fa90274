"""The same baselines and anomalies over recorded series, many side by side, as fast as numpy goes.

Each series is a measure of its own of which nothing is known but its course, and each anomaly that is strong enough
alone is an incident, with the product's own thresholds and hold.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.detection.anomalies import Anomalies
from services.detection.baselines import Baselines
from services.detection.effects import Practices
from services.detection.series import Measure, Reading, Signal
from services.detection.tuning import Tuning

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# A score is told once: what follows within hours has to be clearly stronger to be told again.
_FORGET_S = 8 * 3600.0
_STRONGER = 1.8
# Most strength of a series that has not shown a day yet, of what opens an incident.
UNSETTLED = 0.7
# A recording that is too short to show a day and the days after it settles for this part of its length.
_SETTLES_IN = 0.2
# Rows of all series that are worked on at once: two tables of 4 bytes each and the input.
_CHUNK_ROWS = 8_000_000


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


@dataclass(slots=True)
class _Course:
    """An incident while it lasts. back_at: Unix seconds at which the series was back; NaN while it is out."""

    start: int
    detected: int
    z: float
    strength: float
    back_at: float = np.nan


def replay_all(series: Sequence[Recorded], tuning: Tuning | None = None,
               progress: Callable[[int], None] | None = None) -> Iterator[Replayed]:
    """Every series replayed, about equally long ones together. progress: called with the number of rows done."""
    ordered = sorted(series, key=lambda each: len(each.values))
    while ordered:
        longest = max(len(ordered[-1].values), 1)
        together = max(_CHUNK_ROWS // longest, 1)
        chunk, ordered = ordered[-together:], ordered[:-together]
        yield from replay(chunk, tuning, progress)


def replay(series: Sequence[Recorded], tuning: Tuning | None = None,
           progress: Callable[[int], None] | None = None) -> list[Replayed]:
    """Runs the detector over all series at once, row by row; each keeps its own time."""
    run = _Run(series, tuning or Tuning())
    for place in range(run.length):
        rows = np.flatnonzero(np.isfinite(run.values[:, place]))
        if rows.size:
            run.step(rows, place)
        if progress is not None and (place % 500 == 499 or place == run.length - 1):
            progress(int(np.minimum(run.lengths, place + 1).sum() - np.minimum(run.lengths, place - place % 500).sum()))
    return run.end()


def _settled_at(times: Floats, settle_s: float) -> float:
    """Unix seconds from which a recorded series may open incidents. Only its length is known beforehand."""
    if not times.size:
        return 0.0
    return float(times[0]) + min(settle_s, _SETTLES_IN * float(times[-1] - times[0]))


class _Run:
    """The state of one replay. Tables have shape (series, rows of the longest)."""

    def __init__(self, series: Sequence[Recorded], limits: Tuning) -> None:
        self.series, self.limits = series, limits
        self.lengths = np.array([len(each.values) for each in series], np.int64)
        self.length = int(self.lengths.max(initial=0))
        self.times = self._table([each.times for each in series])
        self.values = self._table([each.values for each in series])
        self.z = np.full((len(series), self.length), np.nan, np.float32)
        self.scores = np.zeros((len(series), self.length), np.float32)
        self.practices, self.baselines = Practices(), Baselines(len(series))
        self.practices.extend([Measure(each.name, "", each.signal, each.name, each.unit, Reading.GAUGE)
                               for each in series])
        everyone = np.arange(len(series))
        self.x = np.empty_like(self.values)
        for row in everyone.tolist():
            self.x[row] = self.practices.transform(np.full(self.length, row), self.values[row])
        self.noise = self.practices.noise(everyone, np.full(len(series), np.nan))
        self.is_course = all(each.signal is Signal.UNKNOWN for each in series)
        self.yes, self.unlimited = np.ones(len(series), np.bool_), np.full(len(series), np.inf)
        self.anomalies = Anomalies(len(series), thresholds=limits.thresholds)
        if self.is_course:
            self.anomalies.know_only_course()
        self.settled_at = np.array([_settled_at(each.times, limits.settle_s) for each in series])
        self.told = np.zeros(len(series))
        self.told_at = np.zeros(len(series))
        self.courses: dict[int, _Course] = {}
        self.found: list[list[Opened]] = [[] for _ in series]

    def _table(self, arrays: Sequence[Floats]) -> Floats:
        table = np.full((len(arrays), self.length), np.nan)
        for row, values in enumerate(arrays):
            table[row, :len(values)] = values
        return table

    def step(self, rows: Ints, place: int) -> None:
        """One row of each of `rows`."""
        at, everything = self.times[rows, place], self.unlimited[:rows.size]
        judgement = self.baselines.observe(rows, at, self.x[rows, place], self.noise[rows], self.anomalies.out[rows])
        moves = self.anomalies.judge(rows, at, self.practices.bad(rows, judgement.z),
                                     self._matters(rows, self.values[rows, place], judgement.expected), everything,
                                     judgement.missed)
        strength = np.where(moves.rising, moves.evidence, 0.0)
        # Not yet enough to open anything, however strong; still in the order of strength.
        held = UNSETTLED * self.limits.strength * strength / (strength + self.limits.strength)
        strength = np.where(at < self.settled_at[rows], held, strength)
        self.z[rows, place] = judgement.z
        self.scores[rows, place] = self._score(rows, at, strength)
        busy = (strength >= self.limits.strength) | moves.left
        if self.courses:
            busy |= np.isin(rows, list(self.courses))
        for which in np.flatnonzero(busy).tolist():
            self._course(int(rows[which]), place, float(at[which]), float(judgement.z[which]), float(strength[which]),
                         bool(moves.left[which]))

    def _matters(self, rows: Ints, values: Floats, expected: Floats) -> npt.NDArray[np.bool_]:
        """Whether a change is large enough to matter; of what nothing is known, every one is."""
        if self.is_course:
            return self.yes[:rows.size]
        return self.practices.matters(rows, values, self.practices.restore(rows, expected), self.unlimited[:rows.size])

    def _score(self, rows: Ints, at: Floats, strength: Floats) -> Floats:
        before = self.told[rows] * np.exp(-(at - self.told_at[rows]) / _FORGET_S)
        is_news = strength > _STRONGER * before
        self.told[rows] = np.where(is_news, strength, self.told[rows])
        self.told_at[rows] = np.where(is_news, at, self.told_at[rows])
        return np.where(is_news, strength / (strength + self.limits.strength), 0.0)

    def _course(self, row: int, place: int, at: float, z: float, strength: float, left: bool) -> None:
        """Opens, follows and resolves the incident of one series."""
        course = self.courses.get(row)
        if course is None:
            if strength >= self.limits.strength:
                start = self._place(row, place, float(self.anomalies.onset[row]))
                self.courses[row] = _Course(min(start, place), place, z, strength)
            return
        course.z = z if abs(z) > abs(course.z) else course.z
        course.strength = max(course.strength, strength)
        if left:
            course.back_at = float(self.anomalies.inside_since[row])
        elif self.anomalies.out[row]:
            course.back_at = np.nan
        hold_s = max(self.limits.hold_s, self.limits.hold_periods * float(self.baselines.period[row]))
        if at - course.back_at >= hold_s:
            self._close(row, course, self._place(row, place, course.back_at))
            del self.courses[row]

    def _place(self, row: int, place: int, at: float) -> int:
        return int(np.searchsorted(self.series[row].times[:place + 1], at))

    def _close(self, row: int, course: _Course, resolved: int) -> None:
        self.found[row].append(Opened(course.start, course.detected, resolved, course.z, course.strength))

    def end(self) -> list[Replayed]:
        """What came of each series."""
        for row, course in self.courses.items():
            back = -1 if np.isnan(course.back_at) else self._place(row, self.length - 1, course.back_at)
            self._close(row, course, back)
        return [Replayed(each, self.z[row, :length], self.scores[row, :length],
                         sorted(self.found[row], key=lambda opened: opened.start))
                for row, (each, length) in enumerate(zip(self.series, self.lengths.tolist(), strict=True))]


