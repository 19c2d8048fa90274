"""How often a measure strays as far as now: what turns evidence into a rate of false alarms.

An excursion goes from no evidence to none again; its largest evidence is its peak. Peaks over a low border are close to
exponential whatever the noise is (peaks over threshold, declustered: Davison and Smith, 1990; Siffer et al., 2017), so
that their daily number and their mean tell for any evidence how many days pass between two such excursions. Both are
learnt for each measure from a prior; a peak counts for at most a few means, so that real failures do not teach that
they are usual.

Of a series of which only the course is known, what comes often is how it is: then only what is much larger is news, and
one that is quiet has to show less. A golden signal says what users feel: it never needs less evidence than the prior
asks for, and failures that return every day stay failures.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

BORDER = 0.4
# Strength a natural logarithm of rarity. At a strength of 6 a measure as quiet as the prior opens once in 20 days.
PER_NAT = 1.25
# What a measure has of them before anything is known: so many a day, worth a day; of such a mean beyond the border,
# worth three peaks. Without a meaning to lean on, evidence is held rarer from the start.
USUAL_A_DAY, DAYS_WEIGHT = 4.0, 1.0
USUAL_MEAN, USUAL_MEAN_COURSE, PEAKS_WEIGHT = PER_NAT, 0.7, 3.0
PEAK_CAP = 2.0
REMEMBERED_S = 30 * 86400.0
# Large excursions that come more often than this are how the series is: what is told has to be larger than they are.
LARGE, OFTEN_A_DAY, OFTEN_TIMES = 3.0, 0.5, 3.0
OFTEN_S = 7 * 86400.0
_STRENGTH = 6.0
_DAY_S = 86400.0
# Longer without a value is no time in which it was watched.
_GAP_S = 3600.0


class Excursions:
    """State of `size` measures. is_course: only the course of a measure is known, not what it means."""

    _FIELDS = ("is_course", "last_at", "watched", "peak", "peaks", "beyond", "large", "large_log")

    def __init__(self, size: int = 0) -> None:
        self.is_course = np.zeros(size, np.bool_)
        self.last_at = np.full(size, np.nan)
        self.watched = np.zeros(size, np.float32)  # days, fading
        self.peak = np.zeros(size, np.float32)
        self.peaks = np.zeros(size, np.float32)
        self.beyond = np.zeros(size, np.float32)
        self.large = np.zeros(size, np.float32)
        self.large_log = np.zeros(size, np.float32)

    def grow(self, size: int) -> None:
        """Room for `size` measures; what is known stays."""
        fresh = Excursions(size - self.peak.shape[0])
        for name in self._FIELDS:
            setattr(self, name, np.concatenate([getattr(self, name), getattr(fresh, name)]))

    @property
    def bytes_per_measure(self) -> float:
        """Size of the state of one measure."""
        return float(sum(getattr(self, name)[:1].nbytes for name in self._FIELDS))

    def strength(self, rows: Ints, evidence: Floats) -> Floats:
        """Evidence by how rarely each of these measures has as much; that of a new golden signal stays as it is."""
        # Most measures have none most of the time, and nothing of nothing is nothing.
        some = np.flatnonzero(evidence > 0)
        found = np.zeros(rows.size)
        if some.size:
            found[some] = self._strength(rows[some], evidence[some])
        return found

    def _strength(self, rows: Ints, evidence: Floats) -> Floats:
        peaks, watched = self.peaks[rows].astype(np.float64), self.watched[rows].astype(np.float64)
        daily = (peaks + USUAL_A_DAY * DAYS_WEIGHT) / (watched + DAYS_WEIGHT)
        rarity = (evidence - BORDER) / self._mean(rows) + np.log(USUAL_A_DAY / daily)
        strength = BORDER + PER_NAT * rarity
        is_course = self.is_course[rows]
        strength = np.where(is_course, strength, np.minimum(strength, evidence))
        large = self.large[rows].astype(np.float64)
        is_often = is_course & (large > 1.5) & (large > OFTEN_A_DAY * (np.minimum(watched, OFTEN_S / _DAY_S) + 1.0))
        if is_often.any():
            usual = np.exp(self.large_log[rows] / np.maximum(large, 1e-3))
            strength = np.where(is_often, np.minimum(strength, _STRENGTH * evidence / (OFTEN_TIMES * usual)), strength)
        strength = np.maximum(strength, 0.0)
        return np.where(evidence > BORDER, strength, np.minimum(evidence, strength))

    def _mean(self, rows: Ints) -> Floats:
        usual = np.where(self.is_course[rows], USUAL_MEAN_COURSE, USUAL_MEAN)
        mean: Floats = (self.beyond[rows] + usual * PEAKS_WEIGHT) / (self.peaks[rows] + PEAKS_WEIGHT)
        return mean

    def learn(self, rows: Ints, at: Floats, evidence: Floats, is_over: Bools) -> None:
        """Takes an interval in. evidence: before an excursion that ended was forgotten; is_over: there is none now."""
        last = self.last_at[rows]
        passed = np.minimum(np.maximum(at - np.where(np.isnan(last), at, last), 0.0), _GAP_S)
        self.last_at[rows] = at
        keep = 1.0 - passed / REMEMBERED_S
        self.watched[rows] = self.watched[rows] * keep + passed / _DAY_S
        peak = np.maximum(self.peak[rows], evidence)
        self.peak[rows] = np.where(is_over, 0.0, peak)
        ended = np.flatnonzero(is_over & (peak > BORDER))
        self.peaks[rows] *= keep
        self.beyond[rows] *= keep
        fades = 1.0 - passed / OFTEN_S
        self.large[rows] *= fades
        self.large_log[rows] *= fades
        if ended.size:
            self._learn_peaks(rows[ended], peak[ended])

    def _learn_peaks(self, rows: Ints, peak: Floats) -> None:
        self.beyond[rows] += np.minimum(peak - BORDER, PEAK_CAP * self._mean(rows))
        self.peaks[rows] += 1.0
        is_large = peak > LARGE
        self.large[rows] += is_large
        self.large_log[rows] += np.where(is_large, np.log(peak), 0.0)
