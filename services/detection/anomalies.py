"""When a measure left its baseline, and when it came back.

A z-score says how far; the surprise of a value is −log10 of how rarely values lie as far out. Surprises of consecutive
intervals add up to evidence, less what chance brings (Page's test, 1954), so that one huge departure or a few clear
ones tell the same; and how often this measure has as much evidence (`excursions`) tells what that is worth. A measure
comes back with the first of `quiet` intervals in a row inside its baseline.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from services.detection import excursions
from services.detection.compiled import compiled

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Floats32 = npt.NDArray[np.float32]
Ints16 = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """suspicion: evidence (sum of surprises) with which a measure counts towards an incident beside others.
    certainty: from which on it is surely out, so that it teaches nothing. back: z below which it is inside its
    baseline. quiet: intervals in a row that it must be inside. allowance: surprise an interval that is put down to
    chance. affected: requests that must have been affected since the onset, by all symptoms together: one slow answer
    is nobody's incident."""

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
# inside: intervals in a row inside the baseline, while out; sure: out with certainty; prior: mean z beyond the tail's
# beginning.
STATE = np.dtype([
    ("onset", np.float64), ("inside_since", np.float64), ("evidence", np.float32), ("affected", np.float32),
    ("prior", np.float32), ("inside", np.int16), ("out", np.bool_), ("sure", np.bool_), *excursions.FIELDS], align=True)


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
    """State of `size` measures, one row each."""

    def __init__(self, size: int = 0, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self.state = np.zeros(size, STATE)
        for name in ("onset", "inside_since", "last_at"):
            self.state[name] = np.nan
        self.prior[:] = PRIOR_EXCESS

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.state.shape[0]
        if size <= before:
            return
        room = max(size, before + before // 2)
        self.state = np.concatenate([self.state, Anomalies(room - before).state])

    @property
    def evidence(self) -> Floats32:
        """Sum of surprises of each measure that goes on."""
        evidence: Floats32 = self.state["evidence"]
        return evidence

    @property
    def onset(self) -> Floats:
        """Begin of the first interval out of the baseline, Unix seconds."""
        onset: Floats = self.state["onset"]
        return onset

    @property
    def out(self) -> Bools:
        """Whether each measure is out of its baseline."""
        out: Bools = self.state["out"]
        return out

    @property
    def inside(self) -> Ints16:
        """Intervals in a row in which a measure that is out was inside its baseline."""
        inside: Ints16 = self.state["inside"]
        return inside

    @property
    def inside_since(self) -> Floats:
        """Begin of the first of these, Unix seconds."""
        since: Floats = self.state["inside_since"]
        return since

    @property
    def affected(self) -> Floats32:
        """Requests affected since the onset."""
        affected: Floats32 = self.state["affected"]
        return affected

    @property
    def prior(self) -> Floats32:
        """Mean of z beyond three in the tail of each measure."""
        prior: Floats32 = self.state["prior"]
        return prior

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        return float(STATE.itemsize)

    def judge(self, rows: Ints, begins: Floats, z: Floats, matters: Bools, affected: Floats,
              missed: Floats) -> Moves:
        """Moves each of `rows` by one interval. z: in the bad direction, NaN while warming up. begins: Unix seconds.
        affected: requests. missed: intervals without a value since the last; what was suspected before a gap fades."""
        told, flags = np.empty((3, rows.size)), np.empty((3, rows.size), np.bool_)
        _judge_all(self.state, limits(self.thresholds), rows, begins, z, matters, affected, missed, told, flags)
        return Moves(*told, *flags)

    def know_only_course(self) -> None:
        """Says that of none of these measures anything is known but its course."""
        self.prior[:] = PRIOR_EXCESS_COURSE
        self.state["is_course"] = True

    def force(self, rows: Ints) -> None:
        """Takes these measures to be out of their baseline: they are symptoms of an incident that opened."""
        self.out[rows] = True


Limits = tuple[float, float, float, int, float, float]


def limits(thresholds: Thresholds) -> Limits:
    """What `judge` goes by: suspicion, certainty, back, quiet, allowance, affected."""
    return (thresholds.suspicion, thresholds.certainty, thresholds.back, thresholds.quiet, thresholds.allowance,
            thresholds.affected)


@compiled
def _judge_all(state: Any, limits: Limits, rows: Ints, begins: Floats, z: Floats, matters: Bools, affected: Floats,
               missed: Floats, told: Floats, flags: Bools) -> None:
    for place in range(rows.size):
        (told[0, place], told[1, place], told[2, place], flags[0, place], flags[1, place], flags[2, place]) = judge(
            state[rows[place]], limits, begins[place], z[place], matters[place], affected[place], missed[place])


@compiled
def judge(own: Any, limits: Limits, begin: float, z: float, matters: bool, affected: float, missed: float) -> tuple[
        float, float, float, bool, bool, bool]:
    """Moves a measure by one interval; surprise, evidence, gain, rising, entered, left (`Moves`)."""
    suspicion, certainty, back, quiet, allowance, enough = limits
    judged = not np.isnan(z)
    distance = z if judged else 0.0
    surprise = _surprise(own, distance)
    step = (min(surprise, _MOST_SURPRISE) if matters else 0.0) - allowance
    before = max(own.evidence - allowance * missed, 0.0)
    evidence = min(max(before + step, 0.0), _MOST_EVIDENCE) if judged else before
    is_rising = judged and step > 0
    if is_rising and before <= 0:
        own.onset = begin
    strength = excursions.strength(own, evidence)
    gain = strength - excursions.strength(own, before)
    if evidence <= 0:
        own.affected = 0.0
    elif is_rising:
        own.affected += min(affected, 1e6)
    entered = not own.out and is_rising and strength >= suspicion and own.affected >= enough
    is_inside = judged and (distance < back or not matters)
    own.inside = own.inside + 1 if own.out and is_inside else 0
    if own.inside == 1:
        own.inside_since = begin
    left = own.out and own.inside >= quiet
    own.out = (own.out or entered) and not left
    own.sure = own.out and (own.sure or (strength >= certainty and not excursions.is_often(own)))
    own.evidence = 0.0 if left else evidence
    excursions.learn(own, begin, evidence, left or evidence <= 0)
    return surprise, strength, gain, is_rising, entered, left


@compiled
def _surprise(own: Any, distance: float) -> float:
    """−log10 of the share of values that lie at least as far out."""
    near = TAIL_SURPRISE * min(distance / TAIL_FROM, 1.0) ** 2
    surprise: float = near + max(distance - TAIL_FROM, 0.0) / (own.prior * _LN10)
    return surprise
