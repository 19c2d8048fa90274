"""When a measure left its baseline, and when it came back.

A z-score says how far; the tail likelihood says how often that happens to *this* measure: the share of its values
beyond three spreads and how fast their tail falls are learnt with it, from a cautious prior, so that a measure that
leaps every hour has to leap further. The surprise of a value is −log10 of that likelihood. Surprises of
consecutive intervals add up, less what chance brings (Page's test, 1954), so that one huge departure or a few clear
ones tell the same. A measure comes back with the first of `quiet` intervals in a row inside its baseline.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

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


TAIL_FROM = 3.0
# Prior of the tail, worth so many values and so many excesses: 1 % of values beyond three spreads, by two on average.
# It is heavier than most, so that a measure that is new has to show more; a day of minutes outweighs it. Where the
# spread follows from counted requests the tail is lighter: one on average.
_PRIOR_SHARE, _PRIOR_WEIGHT = 0.01, 1e6
PRIOR_EXCESS, PRIOR_EXCESS_COUNTED = 1.0, 1.0
_PRIOR_EXCESSES = 1e6
# An excess counts for at most so many mean excesses: real failures must not teach the tail that they are usual.
_EXCESS_CAP = 4.0
_HEAVIEST = 0.4
# Values that the tail remembers: a few weeks of five-minute values, a week of minutes.
_MEMORY = 10000.0
_LN10 = float(np.log(10.0))
_MOST_SURPRISE = 30.0
_MOST_EVIDENCE = 200.0
# Excursions (from no evidence to none again) whose largest evidence is above the border. What a measure that nobody
# knows has of them: so many a day, so far beyond the border on average; worth so many days and excursions.
BORDER = 0.4
USUAL_A_DAY, USUAL_BEYOND = 4.0, 0.7
_DAYS_WEIGHT, _EXCURSIONS_WEIGHT = 1.0, 3.0
_EXCURSION_CAP = 2.5
_REMEMBERED_S = 30 * 86400.0
_DAY_S = 86400.0
# Large excursions that come more often than this are how the series is: what is told has to be larger than they are.
LARGE = 3.0
OFTEN_A_DAY, OFTEN_TIMES = 0.5, 3.0
_OFTEN_S = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Moves:
    """What changed in one interval. Rows are measures; each array belongs to the judged values, shape (values,).
    gain: of evidence, in this interval. rising: gained evidence now."""

    surprise: Floats
    evidence: Floats
    strength: Floats
    gain: Floats
    rising: Bools
    entered: Bools
    left: Bools


class Anomalies:
    """State of `size` measures."""

    _FIELDS = ("seen", "excesses", "excess", "excess_squared", "evidence", "onset", "out", "inside", "inside_since",
               "run", "affected", "prior", "last_at", "watched", "peak", "excursions", "beyond",
               "large", "large_log")

    def __init__(self, size: int = 0, thresholds: Thresholds | None = None) -> None:
        self.thresholds = thresholds or Thresholds()
        self.seen = np.zeros(size, np.float32)
        self.excesses = np.zeros(size, np.float32)
        self.excess = np.zeros(size, np.float32)
        self.excess_squared = np.zeros(size, np.float32)
        self.evidence = np.zeros(size, np.float32)
        self.onset = np.full(size, np.nan)
        self.out = np.zeros(size, np.bool_)
        self.inside = np.zeros(size, np.int16)
        self.inside_since = np.full(size, np.nan)
        self.run = np.zeros(size, np.int16)
        self.affected = np.zeros(size, np.float32)
        self.prior = np.full(size, PRIOR_EXCESS, np.float32)
        self.last_at = np.full(size, np.nan)
        self.watched = np.zeros(size, np.float32)  # days
        self.peak = np.zeros(size, np.float32)
        self.excursions = np.zeros(size, np.float32)
        self.beyond = np.zeros(size, np.float32)
        self.large = np.zeros(size, np.float32)
        self.large_log = np.zeros(size, np.float32)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        before = self.out.shape[0]
        if size <= before:
            return
        fresh = Anomalies(max(size, before + before // 2) - before)
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        return float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))

    def judge(self, rows: Ints, begins: Floats, z: Floats, matters: Bools, affected: Floats,
              missed: Floats) -> Moves:
        """Moves each of `rows` by one interval. z: in the bad direction, NaN while warming up. begins: Unix seconds.
        affected: requests. missed: intervals without a value since the last; what was suspected before a gap fades."""
        judged = ~np.isnan(z)
        distance = np.where(judged, z, 0.0)
        surprise = self._surprise(rows, distance)
        self._learn(rows, distance, judged)
        limits = self.thresholds
        counted = np.where(matters, np.minimum(surprise, _MOST_SURPRISE), 0.0)
        gain = counted - limits.allowance
        before = np.maximum(self.evidence[rows].astype(np.float64) - limits.allowance * missed, 0.0)
        evidence = np.where(judged, np.clip(before + gain, 0.0, _MOST_EVIDENCE), before)
        is_rising = (gain > 0) & judged
        self.onset[rows] = np.where(is_rising & (before <= 0), begins, self.onset[rows])
        self.evidence[rows] = evidence
        hit = np.where(evidence > 0, self.affected[rows] + np.where(is_rising, np.minimum(affected, 1e6), 0.0), 0.0)
        self.affected[rows] = hit
        out = self.out[rows]
        entered = ~out & is_rising & (evidence >= limits.suspicion) & (hit >= limits.affected)
        is_inside = judged & ((distance < limits.back) | ~matters)
        streak = np.where(out, np.where(is_inside, self.inside[rows] + 1, 0), 0)
        self.inside_since[rows] = np.where(streak == 1, begins, self.inside_since[rows])
        self.inside[rows] = streak
        left = out & (streak >= limits.quiet)
        self.out[rows] = (out | entered) & ~left
        self.evidence[rows] = np.where(left, 0.0, evidence)
        self.run[rows] = np.where(self.out[rows], np.minimum(self.run[rows] + 1, 30000), 0)
        strength = self._strength(rows, evidence)
        self._learn_excursions(rows, begins, evidence, self.evidence[rows] <= 0)
        return Moves(surprise, evidence, strength, gain, is_rising, entered, left)

    def _excursions(self, rows: Ints) -> tuple[Floats, Floats]:
        """How many excursions a day, and how far beyond the border on average, each with its prior."""
        n = self.excursions[rows].astype(np.float64)
        daily = (n + USUAL_A_DAY * _DAYS_WEIGHT) / (self.watched[rows] + _DAYS_WEIGHT)
        beyond = (self.beyond[rows] + USUAL_BEYOND * _EXCURSIONS_WEIGHT) / (n + _EXCURSIONS_WEIGHT)
        return daily, beyond

    def _strength(self, rows: Ints, evidence: Floats) -> Floats:
        daily, beyond = self._excursions(rows)
        strength = BORDER + ((evidence - BORDER) / beyond + np.log(USUAL_A_DAY / daily))
        large = self.large[rows].astype(np.float64)
        daily = large / (np.minimum(self.watched[rows], _OFTEN_S / _DAY_S) + 1.0)
        usual = np.exp(self.large_log[rows] / np.maximum(large, 1e-3))
        often = (daily > OFTEN_A_DAY) & (large > 1.5)
        strength = np.where(often, np.minimum(strength, 6.0 * evidence / (OFTEN_TIMES * usual)), strength)
        return np.where(evidence > BORDER, np.maximum(strength, 0.0), np.minimum(evidence, np.maximum(strength, 0.0)))

    def _learn_excursions(self, rows: Ints, at: Floats, evidence: Floats, is_over: Bools) -> None:
        last = self.last_at[rows]
        passed = np.where(np.isnan(last), 0.0, np.clip(at - last, 0.0, 3600.0))
        self.last_at[rows] = at
        keep = 1.0 - passed / _REMEMBERED_S
        self.watched[rows] = self.watched[rows] * keep + passed / _DAY_S
        peak = np.maximum(self.peak[rows], evidence)
        ended = is_over & (peak > BORDER)
        _, beyond = self._excursions(rows)
        more = np.minimum(peak - BORDER, _EXCURSION_CAP * beyond)
        self.excursions[rows] = self.excursions[rows] * keep + ended
        self.beyond[rows] = self.beyond[rows] * keep + np.where(ended, more, 0.0)
        self.peak[rows] = np.where(is_over, 0.0, peak)
        keep = 1.0 - passed / _OFTEN_S
        is_large = ended & (peak > LARGE)
        self.large[rows] = self.large[rows] * keep + is_large
        self.large_log[rows] = self.large_log[rows] * keep + np.where(is_large, np.log(np.maximum(peak, 1.0)), 0.0)

    def force(self, rows: Ints) -> None:
        """Takes these measures to be out of their baseline: they are symptoms of an incident that opened."""
        self.out[rows] = True

    def _tail(self, rows: Ints) -> tuple[Floats, Floats, Floats]:
        """Share of values beyond the border, mean excess, and how heavy the tail is (shape of the generalised Pareto
        distribution by moments: Hosking and Wallis, 1987), each with its prior."""
        excesses = self.excesses[rows].astype(np.float64)
        share = (excesses + _PRIOR_SHARE * _PRIOR_WEIGHT) / (self.seen[rows] + _PRIOR_WEIGHT)
        n = excesses + _PRIOR_EXCESSES
        prior = self.prior[rows].astype(np.float64)
        mean = (self.excess[rows] + prior * _PRIOR_EXCESSES) / n
        square = (self.excess_squared[rows] + 2.0 * prior ** 2 * _PRIOR_EXCESSES) / n
        variance = np.maximum(square - mean ** 2, 1e-9)
        return share, mean, np.clip(0.5 * (1.0 - mean ** 2 / variance), 0.0, _HEAVIEST)

    def _surprise(self, rows: Ints, distance: Floats) -> Floats:
        """−log10 of the share of this measure's values that lie at least as far out."""
        share, mean, shape = self._tail(rows)
        excess = np.maximum(distance - TAIL_FROM, 0.0) / (mean * (1.0 - shape))
        heavy = shape > 1e-3
        beyond = np.where(heavy, np.log1p(shape * excess) / np.maximum(shape, 1e-3), excess) / _LN10
        surprise: Floats = -np.log10(share) * np.minimum(distance / TAIL_FROM, 1.0) ** 2 + beyond
        return surprise

    def _learn(self, rows: Ints, distance: Floats, judged: Bools) -> None:
        # The first values of an excursion say how the tail falls; an outage of hours is one excursion, not hundreds.
        weight = judged / (1.0 + self.run[rows].astype(np.float64))
        keep = 1.0 - weight / _MEMORY
        is_beyond = (distance > TAIL_FROM) & judged
        _, mean, _ = self._tail(rows)
        excess = np.minimum(np.maximum(distance - TAIL_FROM, 0.0), _EXCESS_CAP * mean)
        counted = np.where(is_beyond, weight, 0.0)
        self.seen[rows] = self.seen[rows] * keep + weight
        self.excesses[rows] = self.excesses[rows] * keep + counted
        self.excess[rows] = self.excess[rows] * keep + counted * excess
        self.excess_squared[rows] = self.excess_squared[rows] * keep + counted * excess ** 2


def rarity(period_s: npt.NDArray[np.float32]) -> Floats:
    """What evidence gains because a measure is looked at less often than once a minute: the same false alarms a day."""
    relief: Floats = np.log10(np.clip(period_s.astype(np.float64), 60.0, 3600.0) / 60.0)
    return relief
