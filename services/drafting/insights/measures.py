"""The numbers over many incidents, each with what it was counted from.

Coverage and times say whether post-mortems get written and read, action items whether they change anything, the rest
where it hurts. A number with nothing behind it is left out rather than shown as zero.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from services.drafting.action_items import State
from services.drafting.insights.facts import Facts, IncidentFacts, is_late, month_of, recurrences
from services.drafting.insights.survival import overall

SECONDS, SHARE, HOURS, COUNT, DAYS = "s", "share", "h", "", "d"
_SEVERITIES = {1: "P1", 2: "P2", 3: "P3", 4: "P4"}
_TOP_FACTORS = 10


@dataclass(frozen=True, slots=True)
class Measure:
    """One number. `value` is the mean of what lies behind it, or the share, count or sum that its title says."""

    name: str
    title: str
    unit: str
    value: float
    count: int
    sources: tuple[str, ...]
    service: str = ""
    severity: str = ""
    median: float = 0.0
    p90: float = 0.0


def measures(facts: Facts, now: datetime, known: Facts | None = None) -> tuple[Measure, ...]:
    """Everything that the facts hold, the overall numbers first.

    known: what happened before and after them too, for an incident repeats what a post-mortem of last year describes.
    """
    return (*_coverage(facts), *_drafting(facts), *_items(facts, now), *_recurrence(facts, known or facts),
            *_factors(facts), *_hours(facts, now), *_times(facts))


def _coverage(facts: Facts) -> Iterator[Measure]:
    postmortems = facts.postmortem_of()
    due = [each for each in facts.incidents if each.is_significant and each.recovered_at is not None]
    if not due:
        return
    covered = [each for each in due if each.name in postmortems and postmortems[each.name].published_at]
    names = [each.name for each in due]
    yield _share("coverage", "P1 and P2 incidents with a published post-mortem", len(covered), names)
    drafted = sum(name in postmortems for name in names)
    yield _share("draft_coverage", "P1 and P2 incidents with at least a draft", drafted, names)


def _drafting(facts: Facts) -> Iterator[Measure]:
    published = [each for each in facts.postmortems if each.published_at is not None]
    yield from _spread("time_to_draft_s", "From resolution to the draft", SECONDS,
                       ((each.name, each.latency_s) for each in facts.postmortems))
    yield from _spread("time_to_publication_s", "From resolution to publication", SECONDS,
                       ((each.name, _between(each.resolved_at, each.published_at)) for each in published))
    yield from _spread("review_s", "Time that people spent on a review", SECONDS,
                       ((each.name, each.review_s) for each in published if each.touched))
    compared = [each for each in published if each.sections]
    if compared:
        everything = tuple(section for each in compared for section in each.sections)
        [spread] = _spread("survival", "Share of the drafts' words that was published", SHARE,
                           ((each.name, overall(each.sections)) for each in compared))
        yield Measure(spread.name, spread.title, SHARE, overall(everything), spread.count, spread.sources,
                      median=spread.median, p90=spread.p90)


def _items(facts: Facts, now: datetime) -> Iterator[Measure]:
    agreed = [each for each in facts.items if each.state in (State.OPEN, State.DONE)]
    if not agreed:
        return
    done = [each for each in agreed if each.state is State.DONE]
    still_open = [each for each in agreed if each.state is State.OPEN]
    yield _share("action_completion", "Action items done", len(done), [each.name for each in agreed])
    late = [each.name for each in still_open if is_late(each, now.date())]
    yield Measure("action_items_late", "Action items past their due date", COUNT, len(late), len(still_open),
                  tuple(late))
    yield from _spread("action_age_d", "Age of open action items", DAYS,
                       ((each.name, _between(each.created_at, now) / 86400) for each in still_open))
    yield from _spread("action_time_d", "From agreeing to doing an action item", DAYS,
                       ((each.name, _between(each.created_at, each.done_at) / 86400) for each in done if each.done_at))


def _recurrence(facts: Facts, known: Facts) -> Iterator[Measure]:
    if not facts.postmortems:
        return
    ours = {each.incident for each in facts.postmortems}
    repeated = [each for each in recurrences(known) if each.incident in ours]
    total = len(facts.postmortems)
    yield Measure("recurrence", "Incidents of a failure mode that a published post-mortem describes", SHARE,
                  len(repeated) / total, total, tuple(each.incident for each in repeated))
    undone = [each for each in repeated if each.undone]
    if repeated:
        yield Measure("recurrence_undone", "Repeats that began while action items of the earlier one were open", SHARE,
                      len(undone) / len(repeated), len(repeated),
                      tuple(dict.fromkeys((*(each.incident for each in undone),
                                           *(item.name for each in undone for item in each.undone)))))


def _factors(facts: Facts) -> Iterator[Measure]:
    behind: dict[str, list[str]] = {}
    for each in facts.postmortems:
        for category in dict.fromkeys(each.factors):
            behind.setdefault(category, []).append(each.name)
    top = sorted(behind.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:_TOP_FACTORS]
    for category, names in top:
        yield Measure(f"factor_{_plain(category)}", f"Post-mortems with the factor {category}", COUNT, len(names),
                      len(names), tuple(names))


def _hours(facts: Facts, now: datetime) -> Iterator[Measure]:
    months: dict[str, list[IncidentFacts]] = {}
    for each in facts.incidents:
        months.setdefault(month_of(each.onset_at), []).append(each)
    for month, incidents in sorted(months.items()):
        hours = sum(each.length_s(now) for each in incidents) / 3600
        yield Measure(f"incident_hours_{_plain(month)}", f"Hours of incidents that began in {month}", HOURS, hours,
                      len(incidents), tuple(each.name for each in incidents))


_TIMES: tuple[tuple[str, str, Callable[[IncidentFacts], float | None]], ...] = (
    ("mttd_s", "Onset to detection", lambda each: _gap(each.onset_at, each.detected_at)),
    ("mtta_s", "Detection to acknowledgement", lambda each: _gap(each.detected_at, each.acknowledged_at)),
    ("mttm_s", "Onset to mitigation", lambda each: _gap(each.onset_at, each.mitigated_at)),
    ("mttr_s", "Onset to recovery", lambda each: _gap(each.onset_at, each.recovered_at)),
)


def _times(facts: Facts) -> Iterator[Measure]:
    """Overall, by service, by severity, and by both."""
    services = sorted({each.service for each in facts.incidents})
    severities = sorted({each.severity for each in facts.incidents if each.severity in _SEVERITIES})
    groups: list[tuple[str, int]] = [("", 0), *((name, 0) for name in services), *(("", level) for level in severities),
                                     *((name, level) for name in services for level in severities)]
    for name, title, length in _TIMES:
        for service, severity in groups:
            of_group = [each for each in facts.incidents
                        if service in ("", each.service) and severity in (0, each.severity)]
            known = ((each.name, seconds) for each in of_group if (seconds := length(each)) is not None)
            yield from _spread(name, title, SECONDS, known, service=service, severity=_SEVERITIES.get(severity, ""))


def _spread(name: str, title: str, unit: str, of: Iterable[tuple[str, float]], *, service: str = "",
            severity: str = "") -> Iterator[Measure]:
    """Mean, median and 90th percentile (linear between neighbours) of (source, value) pairs; nothing of nothing."""
    pairs: Sequence[tuple[str, float]] = list(of)
    if not pairs:
        return
    values = np.array([value for _, value in pairs], dtype=np.float64)
    median, p90 = np.percentile(values, [50, 90])
    yield Measure(name, title, unit, float(values.mean()), len(pairs), tuple(source for source, _ in pairs), service,
                  severity, float(median), float(p90))


def _share(name: str, title: str, part: int, of: Sequence[str]) -> Measure:
    return Measure(name, title, SHARE, part / len(of), len(of), tuple(of))


def _gap(start: datetime | None, end: datetime | None) -> float | None:
    """Seconds from one to the other; None where one is not known. What comes before counts as at once."""
    return None if start is None or end is None else max(0.0, (end - start).total_seconds())


def _between(start: datetime, end: datetime | None) -> float:
    return max(0.0, ((end or start) - start).total_seconds())


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


