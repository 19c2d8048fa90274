"""Whether traffic rose before the incident: from the change on (or over the hour before) to the onset.

Only series that were there without a gap are counted, the same ones at both times: an instance that was started in
between would look like growth.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.drafting.case import Case
from services.drafting.drafts.milestones import culprit_change
from services.drafting.observations import SeriesWindow
from services.drafting.requests import requests, step
from services.drafting.showing import derived_evidence
from services.drafting.wording import number, percent_change

GREW = 0.15
HOUR = timedelta(hours=1)
# Values that one mean is taken of.
FEW = 3


@dataclass(frozen=True, slots=True)
class Growth:
    """Requests per minute at two times."""

    before: float
    before_at: datetime
    after: float
    after_at: datetime
    keys: tuple[str, ...]


def traffic_growth(case: Case) -> Growth | None:
    """How much traffic to the incident's service rose, where it rose enough to matter and was counted."""
    facts = case.facts
    end = facts.recovered_at or facts.resolved_at or facts.detected_at
    answered = requests(case.observations, facts.service, facts.onset_at, end)
    if not answered or answered[0].is_sampled:
        return None
    keys = {key for one in answered for key in one.keys}
    series = _unbroken([one for one in case.observations.series if one.key in keys and one.counts])
    if not series:
        return None
    change = culprit_change(case)
    since = facts.onset_at - HOUR
    totals = _per_minute(series)
    if change is not None and change.occurred_at > since:
        since = change.occurred_at
    times = [time for time in sorted(totals) if since < time <= facts.onset_at]
    if len(times) < 2 * FEW:
        return None
    before = sum(totals[time] for time in times[:FEW]) / FEW
    after = sum(totals[time] for time in times[-FEW:]) / FEW
    if before <= 0 or after < before * (1 + GREW):
        return None
    busiest = sorted(series, key=lambda one: -sum(one.counts))[:2]
    return Growth(before, times[0], after, times[-1], tuple(one.key for one in busiest))


def growth_evidence(case: Case, growth: Growth) -> str:
    """Puts the numbers among the material; returns the key to cite them by."""
    return case.derive(derived_evidence(
        f"traffic/{case.facts.service}",
        f"Requests per minute to {case.facts.service}, mean of {FEW} minutes",
        {"before": number(growth.before), "at the onset": number(growth.after),
         "growth": percent_change(growth.before, growth.after),
         "from": growth.before_at.isoformat(), "to": growth.after_at.isoformat()},
        service=case.facts.service, at=growth.before_at, until=growth.after_at))


def _unbroken(series: Sequence[SeriesWindow]) -> list[SeriesWindow]:
    """Those that report from the window's first values on and have values before."""
    started = min((one.times[0] for one in series if one.times), default=None)
    if started is None:
        return []
    alive = [one for one in series if one.times and one.times[0] - started <= step(one) and one.baseline_counts]
    longest = max((len(one.baseline_counts) for one in alive), default=0)
    return [one for one in alive if len(one.baseline_counts) >= 0.9 * longest]


def _per_minute(series: Sequence[SeriesWindow]) -> dict[datetime, float]:
    """What all of them counted, by the minute in which it was counted, reaching back as far as the shortest does."""
    length = min(len(one.baseline_counts) for one in series)
    totals: dict[datetime, float] = {}
    for one in series:
        width = step(one)
        past = one.baseline_counts[-length:]
        for place, count in enumerate(reversed(past), 1):
            at = _minute(one.times[0] - place * width)
            totals[at] = totals.get(at, 0.0) + count * (timedelta(minutes=1) / width)
        for at, count in zip(one.times, one.counts, strict=False):
            minute = _minute(at)
            totals[minute] = totals.get(minute, 0.0) + count * (timedelta(minutes=1) / width)
    return totals


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
