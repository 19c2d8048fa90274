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

from typing import Any

import numpy as np

from services.detection.compiled import compiled

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


# is_course: only the course of a measure is known, not what it means. watched: days, fading. peak: of the excursion
# that goes on. peaks, beyond: number and sum of peaks over the border; large, large_log: number of large ones and sum
# of their logarithms.
FIELDS: list[tuple[Any, ...]] = [
    ("last_at", np.float64), ("watched", np.float32), ("peak", np.float32), ("peaks", np.float32),
    ("beyond", np.float32), ("large", np.float32), ("large_log", np.float32), ("is_course", np.bool_)]


@compiled
def strength(own: Any, evidence: float) -> float:
    """Evidence by how rarely this measure has as much; that of a new golden signal stays as it is."""
    if evidence <= 0:
        return 0.0
    daily = (own.peaks + USUAL_A_DAY * DAYS_WEIGHT) / (own.watched + DAYS_WEIGHT)
    found: float = BORDER + PER_NAT * ((evidence - BORDER) / _mean(own) + np.log(USUAL_A_DAY / daily))
    if not own.is_course:
        found = min(found, evidence)
    elif is_often(own):
        usual = np.exp(own.large_log / own.large)
        found = min(found, _STRENGTH * evidence / (OFTEN_TIMES * usual))
    if evidence <= BORDER:
        found = min(found, evidence)
    return max(found, 0.0)


@compiled
def is_often(own: Any) -> bool:
    """Whether large excursions are how this series is."""
    days = min(own.watched, OFTEN_S / _DAY_S) + 1.0
    often: bool = own.is_course and own.large > 1.5 and own.large > OFTEN_A_DAY * days
    return often


@compiled
def learn(own: Any, at: float, evidence: float, is_over: bool) -> None:
    """Takes an interval in. evidence: before an excursion that ended was forgotten; is_over: there is none now."""
    passed = 0.0 if np.isnan(own.last_at) else min(max(at - own.last_at, 0.0), _GAP_S)
    own.last_at = at
    keep = 1.0 - passed / REMEMBERED_S
    own.watched = own.watched * keep + passed / _DAY_S
    own.peaks *= keep
    own.beyond *= keep
    fades = 1.0 - passed / OFTEN_S
    own.large *= fades
    own.large_log *= fades
    peak = max(own.peak, evidence)
    own.peak = 0.0 if is_over else peak
    if is_over and peak > BORDER:
        own.beyond += min(peak - BORDER, PEAK_CAP * _mean(own))
        own.peaks += 1.0
        if peak > LARGE:
            own.large += 1.0
            own.large_log += np.log(peak)


@compiled
def _mean(own: Any) -> float:
    usual = USUAL_MEAN_COURSE if own.is_course else USUAL_MEAN
    mean: float = (own.beyond + usual * PEAKS_WEIGHT) / (own.peaks + PEAKS_WEIGHT)
    return mean
