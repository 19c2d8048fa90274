"""Operations that their service no longer runs while it is busy as before: a path through the code that is never taken.

A fault in the code often changes neither durations nor errors: a call is simply not made any more. What is looked at is
each operation's part of its service's spans, which sampling does not change. An operation is missing where many calls
of it are expected and hardly any come. Unlike baselines this needs no ten values, but steadiness: the operation must
have been there whenever it was expected, for a day, or, of a service that is younger, from its beginning on.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.detection.alignment import Floats, Interval, Ints
from services.detection.anomalies import Anomalies, Moves
from services.detection.baselines import Judgement
from services.detection.departures import Judged
from services.detection.series import Measure, Reading, Signal

Bools = npt.NDArray[np.bool_]
FAMILY = "rate of server spans"
# Calls expected since they ceased, below which their absence says nothing; the part of them below which they are gone.
EXPECTED, GONE = 8.0, 0.1
# Part of the expected calls from which the operation is back.
BACK = 0.5
# Intervals and time for which it must have been there; the latter at most a day, or its service's whole life.
PRESENT, STEADY_S, STEADY_AT_MOST_S = 4, 1200.0, 86400.0
# What is known fades: a share is that of the last thirty intervals or so.
KEEP = 0.97
# A release brings new operations in the place of old ones: those that came in the last minutes excuse what went.
NEW_S = 600.0
_MOST_EVIDENCE = 20.0
_LOG10_E = float(np.log10(np.e))


def missing(measure: Measure) -> Measure:
    """What is watched beside the rate of an operation's spans: its part of its service's."""
    return Measure(measure.service, measure.operation, Signal.TRAFFIC, "part of the service's spans", "share",
                   Reading.GAUGE)


@dataclass(frozen=True, slots=True)
class Absences:
    """Operations that are missing or were until now, arrays of shape (absences,). rows: of their `missing` measures.
    values, expected: parts of the service's spans. gone: calls that did not come."""

    rows: Ints
    values: Floats
    expected: Floats
    z: Floats
    evidence: Floats
    gain: Floats
    onset: Floats
    gone: Floats
    left: Bools
    inside: Ints
    inside_since: Floats

    def beside(self, judged: Judged, anomalies: Anomalies, x: Floats) -> Judged:
        """The judged interval with these as further measures of it. x: the expected parts, transformed."""
        interval, judgement, moves, size = judged.interval, judged.judgement, judged.moves, self.rows.size
        anomalies.onset[self.rows], anomalies.affected[self.rows] = self.onset, self.gone
        anomalies.inside[self.rows], anomalies.inside_since[self.rows] = self.inside, self.inside_since
        unknown, is_gone = np.full(size, np.nan), self.gain > 0
        both = np.concatenate
        return Judged(
            Interval(interval.index, both([interval.rows, self.rows]), both([interval.values, self.values]),
                     both([interval.counts, unknown]), both([interval.begins, np.full(size, judged.end_s - 60.0)]),
                     both([interval.ends, np.full(size, judged.end_s)])),
            Judgement(both([judgement.z, self.z]), both([judgement.expected, x]),
                      both([judgement.spread, np.zeros(size)]), both([judgement.missed, np.zeros(size)])),
            Moves(both([moves.surprise, self.gain]), both([moves.evidence, self.evidence]),
                  both([moves.gain, self.gain]), both([moves.rising, is_gone]), both([moves.entered, is_gone]),
                  both([moves.left, self.left])),
            both([judged.expected, self.expected]), judged.end_s)


class Mix:
    """The operations of a stream's services. State in arrays, one place an operation."""

    _FIELDS = ("rows", "shown", "total", "calls", "of", "excess", "present", "first", "absent", "evidence", "onset",
               "gone", "out", "inside", "inside_since", "last", "awaited", "came")

    def __init__(self) -> None:
        self.rows = np.zeros(0, np.int64)  # of the operation's rate, of its `missing` measure, of the service's rate
        self.shown = np.zeros(0, np.int64)
        self.total = np.zeros(0, np.int64)
        self.calls = np.zeros(0)
        self.of = np.zeros(0)
        self.excess = np.zeros(0)  # squared residuals over what counting brings: calls come in clusters
        self.present = np.zeros(0)
        self.first = np.full(0, np.nan)
        self.absent = np.full(0, -np.inf)  # end of the last interval in which it was not there though expected
        self.last = np.full(0, -np.inf)  # end of the last interval in which it was there
        self.awaited = np.zeros(0)  # calls expected since they ceased, and those that came nevertheless
        self.came = np.zeros(0)
        self.evidence = np.zeros(0)
        self.onset = np.full(0, np.nan)
        self.gone = np.zeros(0)
        self.out = np.zeros(0, np.bool_)
        self.inside = np.zeros(0, np.int64)
        self.inside_since = np.full(0, np.nan)
        self._seen = 0
        self._totals: dict[str, int] = {}
        self._waiting: list[tuple[int, int, str]] = []
        self._born: dict[int, float] = {}

    def grow(self, measures: list[Measure], shown: dict[Measure, int]) -> None:
        """Makes room for the operations among new measures. shown: the row of each `missing` measure."""
        for row in range(self._seen, len(measures)):
            measure = measures[row]
            if measure.name != FAMILY or measure.peer:
                continue
            if measure.operation:
                self._waiting.append((row, shown[missing(measure)], measure.service))
            else:
                self._totals[measure.service] = row
        self._seen = len(measures)
        new = [(row, place, self._totals[service]) for row, place, service in self._waiting
               if service in self._totals]
        self._waiting = [each for each in self._waiting if each[2] not in self._totals]
        if not new:
            return
        fresh = {"rows": [each[0] for each in new], "shown": [each[1] for each in new],
                 "total": [each[2] for each in new], "first": [np.nan] * len(new), "absent": [-np.inf] * len(new),
                 "last": [-np.inf] * len(new)}
        for name in self._FIELDS:
            before = getattr(self, name)
            after = np.array(fresh.get(name, [0] * len(new)), before.dtype)
            setattr(self, name, np.concatenate([before, after]))

    def judge(self, interval: Interval, end_s: float) -> Absences | None:
        """Looks at one interval; None where no operation is missing or comes back."""
        if not self.rows.size:
            return None
        found = np.zeros(self._seen)
        found[interval.rows] = np.nan_to_num(interval.values)
        calls, of = found[self.rows], found[self.total]
        self._note_birth(of, calls, end_s)
        share = np.divide(self.calls, self.of, out=np.zeros_like(of), where=self.of > 0)
        expected = share * of
        is_there = (of > 0) & (calls >= np.maximum(BACK * expected, 1.0))
        is_steady = self._is_steady(end_s)
        self._excuse(end_s, is_there)
        self._await(end_s, calls, expected, is_there)
        is_gone = (of > 0) & ~is_there & is_steady & (self.awaited >= EXPECTED) & (self.came <= GONE * self.awaited)
        # Calls come in clusters: their scatter over what counting brings is learnt from a cautious prior.
        scatter = np.maximum((self.excess + 4.0) / (self.present + 2.0), 1.0)
        evidence = np.where(is_gone, np.minimum(self.awaited / scatter * _LOG10_E, _MOST_EVIDENCE), self.evidence)
        absences = self._moved(end_s, calls, of, expected, evidence, is_gone, is_there)
        self._learn(end_s, calls, of, expected, is_steady)
        return absences

    def _await(self, end_s: float, calls: Floats, expected: Floats, is_there: Bools) -> None:
        # What ceased for a while and came back by itself without being missed is not steady.
        was_away = is_there & (self.awaited >= 3.0) & (self.came <= GONE * self.awaited) & ~self.out
        self.absent = np.where(was_away, end_s, self.absent)
        # An interval in which part of them came is the one in which they ceased: what is missing counts from the next.
        begins_anew = is_there | (self.came + calls > GONE * (self.awaited + expected))
        self.awaited = np.where(begins_anew, 0.0, self.awaited + expected)
        self.came = np.where(begins_anew, 0.0, self.came + calls)

    def _note_birth(self, of: Floats, calls: Floats, end_s: float) -> None:
        for row in self.total[(of > 0)].tolist():
            self._born.setdefault(row, end_s)
        self.first = np.where(np.isnan(self.first) & (calls > 0), end_s, self.first)

    def _is_steady(self, end_s: float) -> Bools:
        """Whether each was there for long enough, without a break, and nothing new has come in its place."""
        born = np.array([self._born.get(row, end_s) for row in self.total.tolist()])
        since = np.maximum(self.first, self.absent)
        steady_s = self.last - since
        # From the first look at the service on, or for a day.
        is_old = (since <= born + 60.0) | (steady_s >= STEADY_AT_MOST_S)
        steady: Bools = is_old & (steady_s >= STEADY_S) & (self.present >= PRESENT) & ~self._is_replaced(end_s)
        return steady | self.out

    def _is_replaced(self, end_s: float) -> Bools:
        born = np.array([self._born.get(row, end_s) for row in self.total.tolist()])
        is_new = ~np.isnan(self.first) & (end_s - self.first <= NEW_S) & (self.first > born + 60.0)
        replaced: Bools = np.isin(self.total, self.total[is_new])
        return replaced

    def _excuse(self, end_s: float, is_there: Bools) -> None:
        """What goes while something new comes is not missed later either."""
        is_excused = self._is_replaced(end_s) & ~is_there & ~self.out
        self.absent = np.where(is_excused, end_s, self.absent)

    def _moved(self, end_s: float, calls: Floats, of: Floats, expected: Floats, evidence: Floats, is_gone: Bools,
               is_there: Bools) -> Absences | None:
        begin_s = end_s - 60.0
        gain = evidence - self.evidence
        # It began with the first interval in which calls were awaited and did not come.
        self.onset = np.where(self.awaited - expected <= 0, begin_s, self.onset)
        self.evidence = evidence
        self.gone = np.where(is_gone, self.awaited - self.came, self.gone)
        returned = (self.evidence > 0) & is_there
        self.inside_since = np.where(returned & (self.inside == 0), begin_s, self.inside_since)
        self.inside = np.where(returned, self.inside + 1, np.where(is_gone, 0, self.inside))
        left = returned & (self.inside >= 2)
        told = is_gone | returned
        found = Absences(
            self.shown[told], np.divide(calls, of, out=np.zeros_like(of), where=of > 0)[told],
            np.divide(expected, of, out=np.zeros_like(of), where=of > 0)[told],
            -(np.maximum(expected - calls, 0.0) / np.sqrt(np.maximum(expected, 1.0)))[told], self.evidence[told],
            gain[told], self.onset[told], self.gone[told], left[told], self.inside[told], self.inside_since[told])
        self.out = (self.out | is_gone) & ~left
        for name in ("evidence", "gone", "inside"):
            setattr(self, name, np.where(left, 0, getattr(self, name)))
        return found if told.any() else None

    def _learn(self, end_s: float, calls: Floats, of: Floats, expected: Floats, is_steady: Bools) -> None:
        """From intervals in which the service was busy; what is missing does not become usual."""
        is_told = (of > 0) & ~self.out & ~(is_steady & (self.awaited > 0))
        # The share is itself known from counted calls only, at first from few.
        doubt = expected * (1.0 + np.divide(of, self.of, out=np.zeros_like(of), where=self.of > 0))
        residual = np.divide((calls - expected) ** 2, doubt, out=np.zeros_like(of), where=expected >= 3.0)
        self.excess = np.where(is_told, self.excess * KEEP + np.minimum(residual, 100.0), self.excess)
        self.present = np.where(is_told & (calls > 0), self.present * KEEP + 1.0, self.present)
        self.calls = np.where(is_told, self.calls * KEEP + calls, self.calls)
        self.of = np.where(is_told, self.of * KEEP + of, self.of)
        self.last = np.where(calls > 0, end_s, self.last)
