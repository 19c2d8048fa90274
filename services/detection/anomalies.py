"""When a measure left its baseline, and when it came back.

A z-score says how far; the surprise of a value is −log10 of how rarely values lie as far out. Surprises of consecutive
intervals add up to evidence, less what chance brings (Page's test, 1954), so that one huge departure or a few clear
ones tell the same; and how often this measure has as much evidence (`excursions`) tells what that is worth. A measure
comes back with the first of `quiet` intervals in a row inside its baseline.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from services.detection.excursions import Excursions

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """suspicion: evidence (sum of surprises) with which a measure counts towards an incident beside others.
    certainty: with which it counts alone. back: z below which it is inside its baseline. quiet: intervals in a row
    that it must be inside. allowance: surprise an interval that is put down to chance. affected: requests that
    must have been affected since the onset, by all symptoms together: one slow answer is nobody's incident."""

    suspicion: float = 2.0
    certainty: float = 5.0
    back: float = 2.5
    quiet: int = 2
    allowance: float = 1.0
    affected: float = 10.0


# One value in a hundred lies beyond three spreads, by `excess` on average: heavier than the normal distribution, as
# telemetry is. Where the spread follows from counted requests, or where only the course of a series speaks, the tail
# is lighter: what a series does of its own accord is left to its excursions.
TAIL_FROM, TAIL_SURPRISE = 3.0, 2.0
PRIOR_EXCESS, PRIOR_EXCESS_COUNTED, PRIOR_EXCESS_COURSE = 2.4, 1.0, 1.0
_LN10 = float(np.log(10.0))
_MOST_SURPRISE = 30.0
_MOST_EVIDENCE = 200.0
# So many rows at once stay in the processor's cache.
_TOGETHER = 4096


@dataclass(frozen=True, slots=True)
class Moves:
    """What changed in one interval. Rows are measures; each array belongs to the judged values, shape (values,).
    evidence: by how rare it is for the measure. gain: of it, in this interval. rising: gained evidence now."""

    surprise: Floats
    evidence: Floats
    gain: Floats
    rising: Bools
    entered: Bools
    left: Bools


class Anomalies:
    """State of `size` measures."""

    _FIELDS = ("evidence", "onset", "out", "inside", "inside_since", "affected", "prior")

    def __init__(self, size: int = 0, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self.evidence = np.zeros(size, np.float32)
        self.onset = np.full(size, np.nan)
        self.out = np.zeros(size, np.bool_)
        self.inside = np.zeros(size, np.int16)
        self.inside_since = np.full(size, np.nan)
        self.affected = np.zeros(size, np.float32)
        self.prior = np.full(size, PRIOR_EXCESS, np.float32)
        self.excursions = Excursions(size)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.out.shape[0]
        if size <= before:
            return
        room = max(size, before + before // 2)
        fresh = Anomalies(room - before)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))
        self.excursions.grow(room)

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        own = float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))
        return own + self.excursions.bytes_per_measure

    def judge(self, rows: Ints, begins: Floats, z: Floats, matters: Bools, affected: Floats,
              missed: Floats) -> Moves:
        """Moves each of `rows` by one interval. z: in the bad direction, NaN while warming up. begins: Unix seconds.
        affected: requests. missed: intervals without a value since the last; what was suspected before a gap fades."""
        if rows.size <= _TOGETHER:
            return self._judge(rows, begins, z, matters, affected, missed)
        parts = [slice(begin, begin + _TOGETHER) for begin in range(0, rows.size, _TOGETHER)]
        moves = [self._judge(rows[part], begins[part], z[part], matters[part], affected[part], missed[part])
                 for part in parts]
        return Moves(*(np.concatenate([getattr(each, name.name) for each in moves]) for name in fields(Moves)))

    def _judge(self, rows: Ints, begins: Floats, z: Floats, matters: Bools, affected: Floats, missed: Floats) -> Moves:
        limits = self.thresholds
        judged = ~np.isnan(z)
        distance = np.where(judged, z, 0.0)
        surprise = self._surprise(rows, distance)
        step = np.where(matters, np.minimum(surprise, _MOST_SURPRISE), 0.0) - limits.allowance
        before = np.maximum(self.evidence[rows] - limits.allowance * missed, 0.0)
        evidence = np.where(judged, np.minimum(np.maximum(before + step, 0.0), _MOST_EVIDENCE), before)
        is_rising = (step > 0) & judged
        self.onset[rows] = np.where(is_rising & (before <= 0), begins, self.onset[rows])
        strength = self.excursions.strength(rows, evidence)
        gain = strength - self.excursions.strength(rows, before)
        hit = np.where(evidence > 0, self.affected[rows] + np.where(is_rising, np.minimum(affected, 1e6), 0.0), 0.0)
        self.affected[rows] = hit
        out = self.out[rows]
        entered = ~out & is_rising & (strength >= limits.suspicion) & (hit >= limits.affected)
        is_inside = judged & ((distance < limits.back) | ~matters)
        streak = np.where(out, np.where(is_inside, self.inside[rows] + 1, 0), 0)
        self.inside_since[rows] = np.where(streak == 1, begins, self.inside_since[rows])
        self.inside[rows] = streak
        left = out & (streak >= limits.quiet)
        self.out[rows] = (out | entered) & ~left
        self.evidence[rows] = np.where(left, 0.0, evidence)
        self.excursions.learn(rows, begins, evidence, left | (evidence <= 0))
        return Moves(surprise, strength, gain, is_rising, entered, left)

    def know_only_course(self) -> None:
        """Says that of none of these measures anything is known but its course."""
        self.prior[:] = PRIOR_EXCESS_COURSE
        self.excursions.is_course[:] = True

    def force(self, rows: Ints) -> None:
        """Takes these measures to be out of their baseline: they are symptoms of an incident that opened."""
        self.out[rows] = True

    def _surprise(self, rows: Ints, distance: Floats) -> Floats:
        """−log10 of the share of values that lie at least as far out."""
        near = TAIL_SURPRISE * np.minimum(distance / TAIL_FROM, 1.0) ** 2
        surprise: Floats = near + np.maximum(distance - TAIL_FROM, 0.0) / (self.prior[rows] * _LN10)
        return surprise
