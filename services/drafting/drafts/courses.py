"""The course of one measure over everything that detection found of it: first out, worst, back.

A failure that comes in bursts, or on several instances, is several anomalies of one measure. Each later one is judged
against a baseline that has seen the ones before. People want one line: the value that was normal before all of them,
the worst of all, and back when the last of them was.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from services.drafting.observations import Anomaly, Observations, SeriesWindow


@dataclass(frozen=True, slots=True)
class Course:
    """`whole`: the first anomaly with the worst value and the recovery of all. `keys`: what shows it, at most three."""

    whole: Anomaly
    keys: tuple[str, ...]


def course(anomaly: Anomaly, anomalies: Iterable[Anomaly]) -> Course:
    """The course of the measure that `anomaly` is of, among all of the incident's anomalies."""
    same = sorted((one for one in anomalies if _is_same(anomaly, one)), key=lambda one: (one.onset_at, -abs(one.z)))
    first = same[0] if same else anomaly
    worst = max(same, key=lambda one: abs(_furthest(one) - first.baseline), default=anomaly)
    last = max(same, key=lambda one: one.recovered_at or one.detected_at, default=anomaly)
    still = next((one for one in reversed(same) if one.recovered_at is None), None)
    whole = replace(
        first,
        peak_observed=_furthest(worst),
        peak_at=worst.peak_at or (worst.detected_at if worst is not first else None),
        peak_z=worst.peak_z or worst.z,
        recovered_at=None if still else last.recovered_at,
        current=(still or last).current,
        is_opening=any(one.is_opening for one in same),
    )
    return Course(whole, tuple(dict.fromkeys(one.key for one in (first, worst, still or last))))


def with_rates(anomalies: Sequence[Anomaly], observations: Observations) -> tuple[Anomaly, ...]:
    """The anomalies, those of a counter with their unit per second: what detection judges is its rate."""
    rates = {(one.service, one.metric_name) for one in observations.series if is_rate(one)}
    return tuple(
        replace(one, unit=f"{one.unit}/s") if (one.service, one.metric_name) in rates and one.unit else one
        for one in anomalies
    )


def is_rate(series: SeriesWindow) -> bool:
    """Whether its values are what was counted, per second: then both rise and fall alike, whatever the step."""
    steps = [count / value for value, count in zip(series.values, series.counts, strict=False) if value > 0]
    return len(steps) > 1 and min(steps) > 0 and max(steps) < 3 * min(steps)


def _is_same(one: Anomaly, other: Anomaly) -> bool:
    """One measure of one place that moved the same way, on whichever instance."""
    is_alike = all(getattr(one, name) == getattr(other, name)
                   for name in ("service", "operation", "peer", "metric_name", "signal"))
    return is_alike and one.z * other.z >= 0


def _furthest(anomaly: Anomaly) -> float:
    return anomaly.peak_observed if anomaly.peak_at is not None else anomaly.observed
