"""What happened when, in order, a line each with its evidence: what tells the story, and the rest counted in one line.

An incident moves dozens of series. The reader is told the first sign, the measure that opened the incident, the first
of each other service, the worst point and the way back; how many more moved, and which, is one line with its evidence.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from services.drafting.case import Case
from services.drafting.drafts.courses import course
from services.drafting.drafts.draft import TimelineRow
from services.drafting.drafts.early_signs import early_signs
from services.drafting.drafts.event_sentences import event_sentence
from services.drafting.drafts.gaps import BEFORE
from services.drafting.drafts.log_story import telling
from services.drafting.drafts.measured import departure, extreme, measure, normal, sentence, value
from services.drafting.drafts.milestones import culprit_change, undoes
from services.drafting.incident import EntryKind
from services.drafting.observations import Alert, Anomaly, Event, LogPatternWindow, Note, Page, Signal
from services.drafting.showing import INCIDENT, derived_evidence
from services.drafting.statements import quoted
from services.drafting.wording import clock, counted, listed

MOST_ROWS = {True: 40, False: 5}
MOST_PATTERNS = {True: 3, False: 1}
MOST_SERVICES = {True: 6, False: 0}
# Series that the evidence of such a line names.
MOST_NAMED = 12
# Patterns that begin within the same breath are told together.
TOGETHER = timedelta(minutes=2)

Weighed = Iterable[tuple[float, TimelineRow]]


def timeline(case: Case) -> tuple[TimelineRow, ...]:
    """The lines in order of time; of too many, those that say most."""
    rows = [*_events(case), *_anomalies(case), *_patterns(case), *_life(case)]
    unique = {(row.at, row.statement.text): (weight, row) for weight, row in rows}
    most = sorted(unique.values(), key=lambda pair: (-pair[0], pair[1].at))[: MOST_ROWS[case.is_major]]
    return tuple(row for _, row in sorted(most, key=lambda pair: (pair[1].at, -pair[0])))


def _events(case: Case) -> Weighed:
    facts = case.facts
    end = facts.resolved_at or facts.recovered_at
    culprit = culprit_change(case)
    affected = {*facts.services, facts.service}
    for event in case.events:
        if event.occurred_at < facts.onset_at - BEFORE or (end is not None and event.occurred_at > end):
            continue
        if event.occurred_at < facts.onset_at and not event.is_change and not isinstance(event.detail, Alert):
            continue
        yield _weight(event, culprit, affected), TimelineRow(
            event.occurred_at, case.say(event_sentence(event), event.key))


def _weight(event: Event, culprit: Event | None, affected: set[str]) -> float:
    if culprit is not None and (event == culprit or undoes(event, culprit)):
        return 1.0
    if isinstance(event.detail, Note | Page):
        return 0.8
    if event.is_change:
        return 0.9 if not event.service or event.service in affected else 0.3
    return 0.5


def _anomalies(case: Case) -> Weighed:
    facts = case.facts
    told: set[str] = set()
    for sign in early_signs(case)[: 2 if case.is_major else 0]:
        told.add(sign.key)
        yield 0.7, TimelineRow(
            sign.detected_at, case.say(f"First sign: {departure(sign)}.", sign.key))
    opening = next((one for one in facts.anomalies if one.is_opening), None)
    if opening is not None:
        told.add(opening.key)
        yield 0.95, TimelineRow(opening.onset_at, case.say(_leaves(opening), opening.key))
        found = course(opening, facts.anomalies)
        worst, peak_at = found.whole, found.whole.peak_at
        if peak_at is not None and peak_at > opening.detected_at and opening.signal is not Signal.ALERT:
            yield 0.75, TimelineRow(
                peak_at, case.say(sentence(f"{measure(worst)} is at its worst: {extreme(worst)}"), *found.keys))
    for first in _first_of_others(case)[: MOST_SERVICES[case.is_major]]:
        told.add(first.key)
        yield 0.65, TimelineRow(first.onset_at, case.say(_leaves(first), first.key))
    if case.is_major:
        yield from _rest(case, [one for one in facts.anomalies if one.key not in told])


def _leaves(anomaly: Anomaly) -> str:
    if anomaly.signal is Signal.ALERT:
        return sentence(departure(anomaly))
    # It left at the onset; how far it had gone was seen when it was detected.
    by = "" if clock(anomaly.onset_at) == clock(anomaly.detected_at) else f" by {clock(anomaly.detected_at)}"
    return sentence(f"{measure(anomaly)} leaves its baseline: {value(anomaly, anomaly.observed)}{by}, against "
                    f"{normal(anomaly)} before")


def _first_of_others(case: Case) -> list[Anomaly]:
    """Of each other service the first measure that left its baseline after the onset; of several the strongest."""
    facts = case.facts
    end = facts.recovered_at or facts.resolved_at
    first: dict[str, Anomaly] = {}
    for one in sorted(facts.anomalies, key=lambda one: (one.onset_at, -abs(one.z))):
        is_during = one.onset_at >= facts.onset_at - timedelta(minutes=1) and (end is None or one.onset_at < end)
        if one.service != facts.service and is_during:
            first.setdefault(one.service, one)
    return sorted(first.values(), key=lambda one: (one.onset_at, -abs(one.z)))


def _rest(case: Case, others: Sequence[Anomaly]) -> Weighed:
    """What else moved while it lasted, counted; what the way back moves is no news."""
    undone = _undone_at(case)
    those = [one for one in others if undone is None or one.onset_at < undone]
    if not those:
        return
    services = sorted({one.service for one in those})
    key = case.derive(derived_evidence(
        "series/during",
        "Series that left their baselines, beside those told on their own",
        {"count": str(len(those)), "services": ", ".join(services), "series": "; ".join(_named(those))},
        at=min(one.onset_at for one in those), until=max(one.onset_at for one in those)))
    strongest = sorted(those, key=lambda one: -abs(one.z))[:2]
    at = max(min(one.onset_at for one in those), case.facts.onset_at)
    leaves = "leave their baselines" if len(those) > 1 else "leaves its baseline"
    said = f"{len(those)} more series of {listed(services, 8)} {leaves}."
    yield 0.6, TimelineRow(at, case.say(said, key, INCIDENT, *(one.key for one in strongest)))


def _named(those: Sequence[Anomaly]) -> list[str]:
    """Each once: the instances of a service have the same series."""
    return list(dict.fromkeys(" ".join(f"{one.service} {one.operation} {one.metric_name}".split())
                              for one in those))[:MOST_NAMED]


def _undone_at(case: Case) -> datetime | None:
    culprit = culprit_change(case)
    if culprit is None:
        return None
    return next((event.occurred_at for event in case.events if undoes(event, culprit)), None)


def _patterns(case: Case) -> Weighed:
    """The first pattern that departed in its own words, with those that came beside it."""
    affected = {*case.facts.services, case.facts.service, *((case.cause.service,) if case.cause else ())}
    moved = sorted(
        (one for one in telling(case.moved_patterns()[:8])
         if one.first_seen_at is not None and (one.service in affected or case.is_major)),
        key=lambda one: (one.first_seen_at or case.facts.onset_at, one.key))
    groups: list[list[LogPatternWindow]] = []
    for pattern in moved:
        first = groups[-1][0] if groups else None
        if first and pattern.service == first.service and _gap(first, pattern) <= TOGETHER:
            groups[-1].append(pattern)
        else:
            groups.append([pattern])
    shown = 160 if case.is_major else 80
    for group in groups[: MOST_PATTERNS[case.is_major]]:
        first, more = group[0], group[1:]
        frame = f", from {quoted(first.root_frame, 120)}" if first.root_frame else ""
        beside = ""
        keys = [first.key]
        if more:
            keys += [one.key for one in more]
            total = case.derive(derived_evidence(
                f"patterns/{first.service}/{first.pattern}", "Log patterns that began beside it",
                {"patterns": str(len(more)), "lines": f"{sum(one.count for one in more):,}"}, service=first.service))
            keys.append(total)
            beside = f", beside {counted(len(more), 'more pattern')}"
        yield 0.72, TimelineRow(first.first_seen_at or case.facts.onset_at, case.say(
            f"{first.service} begins to log {quoted(first.example or first.template, shown)}{frame}, "
            f"{counted(first.count, 'time')} in all{beside}.", *keys))


def _gap(earlier: LogPatternWindow, later: LogPatternWindow) -> timedelta:
    if earlier.first_seen_at is None or later.first_seen_at is None:
        return timedelta.max
    return later.first_seen_at - earlier.first_seen_at


def _life(case: Case) -> Weighed:
    facts = case.facts
    yield 0.95, TimelineRow(facts.detected_at, case.say(
        f"The incident is opened for {facts.service} as {facts.severity.name}.", INCIDENT))
    for entry in case.incident.entries:
        if entry.kind is EntryKind.ACKNOWLEDGED:
            yield 0.8, TimelineRow(entry.at, case.say("The incident is acknowledged.", INCIDENT))
    if facts.recovered_at is not None:
        yield 0.95, TimelineRow(facts.recovered_at, case.say(f"{facts.service} is back in its baseline.", INCIDENT))
    if facts.resolved_at is not None and (facts.recovered_at is None or case.is_major):
        yield 0.7, TimelineRow(facts.resolved_at, case.say("The incident is resolved.", INCIDENT))
