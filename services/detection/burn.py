"""How fast objectives' error budgets burn, over several windows at once, and what of a budget is gone.

A burn rate of 1 spends exactly the budget in the period. Each pair of windows fires when both burn faster than its
factor: the long one says that it matters, the short one that it still goes on (Google, The Site Reliability Workbook,
chapter 5, table 5-8). One pass, constant memory: a ring of minutes as long as the longest window, and a sum a day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from services.detection.alignment import Interval
from services.detection.objectives import Objective
from services.detection.series import Measure, Reading, Signal

_DAY_S = 86400
# Fewer bad requests in the long window are no burn: the rate of a service that has few requests leaps.
LEAST_BAD = 10


@dataclass(frozen=True, slots=True)
class Windows:
    """A pair of windows and the burn rate from which it fires."""

    long_s: int
    short_s: int
    factor: float

    @property
    def text(self) -> str:
        return f"{_span(self.long_s)} and {_span(self.short_s)}"


# 2 % of a month's budget in an hour, 5 % in six hours, 10 % in three days.
PAIRS = (Windows(3600, 300, 14.4), Windows(6 * 3600, 1800, 6.0), Windows(3 * _DAY_S, 6 * 3600, 1.0))


@dataclass(frozen=True, slots=True)
class Burn:
    """A pair of windows that began or ceased to fire. rate: over the long window. bad: share of requests in it."""

    objective: Objective
    windows: Windows
    is_firing: bool
    rate: float
    bad: float
    at_s: float


class Burns:
    """The objectives of a stream."""

    def __init__(self, objectives: Sequence[Objective], resolution_s: int) -> None:
        self._courses = [Course(each, resolution_s) for each in objectives]

    def observe(self, interval: Interval, measures: Sequence[Measure], end_s: float) -> Iterator[Burn]:
        """Counts one interval; what began or ceased to fire with it."""
        for course in self._courses:
            total, bad = course.counted(interval, measures)
            if total > 0:
                course.add(end_s, total, bad)
            yield from course.turns(end_s)

    def firing(self, services: Sequence[str]) -> float:
        """The highest burn rate among the windows that fire for these services; 0 where none does."""
        return max((course.rate(pair.long_s)[0] for course in self.of(services) for pair in course.firing), default=0.0)

    def of(self, services: Sequence[str]) -> list["Course"]:
        """The courses of the objectives of these services, in the order in which they were given."""
        return [course for course in self._courses if course.objective.service in services]


class Course:
    """One objective: what was counted for it, and which of its windows fire."""

    def __init__(self, objective: Objective, resolution_s: int) -> None:
        self.objective = objective
        self._resolution_s = resolution_s
        size = max(pair.long_s for pair in PAIRS) // resolution_s
        self._total = np.zeros(size)
        self._bad = np.zeros(size)
        self._slot = -1  # of the newest interval, counted from 1970
        self._first_s = 0.0
        self._days: dict[int, float] = {}
        self._all_bad = 0.0
        self.firing: set[Windows] = set()
        self._rows: list[int] = []
        self._seen = 0

    def counted(self, interval: Interval, measures: Sequence[Measure]) -> tuple[float, float]:
        """Requests and bad ones of the interval; where several families of series count them, the one that has more."""
        for row in range(self._seen, len(measures)):
            if self._is_told_by(measures[row]):
                self._rows.append(row)
        self._seen = len(measures)
        if not self._rows:
            return 0.0, 0.0
        found = [(float(interval.counts[place]), float(interval.values[place]))
                 for place in np.flatnonzero(np.isin(interval.rows, self._rows)).tolist()]
        total, share = max(found, default=(0.0, 0.0))
        return total, share * total

    def _is_told_by(self, measure: Measure) -> bool:
        if measure.service != self.objective.service or measure.operation or measure.peer or \
                measure.reading is not Reading.SHARE:
            return False
        if self.objective.limit_s:
            return measure.limit_s == self.objective.limit_s
        return measure.signal is Signal.ERRORS

    def add(self, end_s: float, total: float, bad: float) -> None:
        slot = round(end_s / self._resolution_s)
        if self._slot < 0:
            self._first_s = end_s - self._resolution_s
        self._forget(slot)
        self._total[slot % self._total.size] += total
        self._bad[slot % self._bad.size] += bad
        self._all_bad += bad
        day = int(end_s // _DAY_S)
        self._days[day] = self._days.get(day, 0.0) + total
        while min(self._days) <= day - self.objective.period.days:
            del self._days[min(self._days)]

    def _forget(self, slot: int) -> None:
        """Moves the ring's end to `slot`; what lies between was without requests."""
        if slot > self._slot:
            passed = min(slot - max(self._slot, 0), self._total.size) if self._slot >= 0 else self._total.size
            for each in range(slot - passed + 1, slot + 1):
                self._total[each % self._total.size] = self._bad[each % self._bad.size] = 0.0
            self._slot = slot

    def _sums(self, window_s: float) -> tuple[float, float]:
        slots = np.arange(self._slot - int(window_s // self._resolution_s) + 1, self._slot + 1) % self._total.size
        return float(self._total[slots].sum()), float(self._bad[slots].sum())

    def rate(self, window_s: float) -> tuple[float, float, float]:
        """Burn rate over the window, the share that was bad, and how many were. Of a window that is not full yet the
        rest counts as good, at the traffic seen: what burnt for two minutes has not burnt for an hour."""
        total, bad = self._sums(window_s)
        age_s = self._slot * self._resolution_s - self._first_s
        full = total * max(window_s / max(age_s, self._resolution_s), 1.0)
        share = bad / full if full > 0 else 0.0
        return share / self.objective.budget, share, bad

    def turns(self, end_s: float) -> Iterator[Burn]:
        """Which windows begin or cease to fire now."""
        if self._slot < 0:
            return
        self._forget(round(end_s / self._resolution_s))
        for pair in PAIRS:
            rate, share, bad = self.rate(pair.long_s)
            short, _, _ = self.rate(pair.short_s)
            was = pair in self.firing
            fires = short >= pair.factor and (was or (rate >= pair.factor and bad >= LEAST_BAD))
            if fires != was:
                (self.firing.add if fires else self.firing.discard)(pair)
                yield Burn(self.objective, pair, fires, rate, share, end_s)

    # What an incident takes of the budget

    def mark(self, onset_s: float) -> float:
        """All bad requests before `onset_s`, as far as the ring remembers: what `consumed` is counted from."""
        if self._slot < 0:
            return 0.0
        _, since = self._sums(min(max(self._slot * self._resolution_s - onset_s, 0.0),
                                  self._total.size * self._resolution_s))
        return self._all_bad - since

    def consumed(self, mark: float) -> float:
        """Share of the period's budget that was spent since `mark`, at the traffic seen in the period so far."""
        if self._slot < 0:
            return 0.0
        elapsed_s = min(self._slot * self._resolution_s - self._first_s, self.objective.period.total_seconds())
        requests = sum(self._days.values()) / max(elapsed_s, self._resolution_s) * \
            self.objective.period.total_seconds()
        return (self._all_bad - mark) / (requests * self.objective.budget) if requests > 0 else 0.0


def _span(seconds: int) -> str:
    for size, unit in ((_DAY_S, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
