"""What happened when, in order, a line each with its evidence."""

from collections.abc import Iterable
from datetime import timedelta

from services.drafting.case import Case
from services.drafting.draft import TimelineRow
from services.drafting.incident import EntryKind
from services.drafting.milestones import culprit_change, undoes
from services.drafting.observations import (
    Alert,
    Anomaly,
    ConfigChange,
    Deploy,
    Event,
    FlagChange,
    InfrastructureEvent,
    Note,
    Page,
    PageState,
)
from services.drafting.showing import INCIDENT
from services.drafting.statements import quoted
from services.drafting.wording import counted, listed, number, quantity

# Changes this long before the onset may have to do with it.
BEFORE = timedelta(hours=3)
MOST_ROWS = {True: 40, False: 14}
MOST_PATTERNS = {True: 5, False: 2}


def timeline(case: Case) -> tuple[TimelineRow, ...]:
    """The lines in order of time; of too many, those that say most."""
    rows = [*_changes_and_events(case), *_anomalies(case), *_patterns(case), *_life(case)]
    unique = {(row.at, row.statement.text): (weight, row) for weight, row in rows}
    most = sorted(unique.values(), key=lambda pair: (-pair[0], pair[1].at))[: MOST_ROWS[case.is_major]]
    return tuple(row for _, row in sorted(most, key=lambda pair: (pair[1].at, -pair[0])))


def event_sentence(event: Event) -> str:
    """What an event says, without its time."""
    detail, service = event.detail, event.service or "the system"
    match detail:
        case Deploy(is_rollback=True):
            return f"Rollback of {service} to {detail.version} starts."
        case Deploy():
            where = f" to {counted(detail.instances, 'instance')}" if detail.instances else ""
            return f"{detail.version} of {service} is deployed{where}."
        case ConfigChange():
            values = (
                f" from {quoted(detail.old_value, 60)} to {quoted(detail.new_value, 60)}" if detail.old_value else ""
            )
            return f"The setting {detail.setting} of {service} changes{values}."
        case FlagChange():
            values = (
                f" from {quoted(detail.old_value, 60)} to {quoted(detail.new_value, 60)}" if detail.old_value else ""
            )
            return f"The flag {detail.flag} of {service} is switched{values}."
        case Alert():
            said = f": {quoted(detail.summary, 120)}" if detail.summary else "."
            return f"The alert {detail.alert_name} {'fires' if detail.is_firing else 'ends'}{said}"
        case Page():
            verb = {
                PageState.SENT: "is sent",
                PageState.ACKNOWLEDGED: "is acknowledged",
                PageState.RESOLVED: "is closed",
            }[detail.state]
            return f"A page {verb}{f': {quoted(detail.summary, 120)}' if detail.summary else '.'}"
        case Note():
            return f"A responder notes: {quoted(detail.text)}"
        case InfrastructureEvent():
            return f"Infrastructure reports {detail.reason} for {detail.resource or service}."


def _changes_and_events(case: Case) -> Iterable[tuple[float, TimelineRow]]:
    facts = case.facts
    end = facts.resolved_at or facts.recovered_at
    culprit = culprit_change(case)
    affected = {*facts.services, facts.service}
    for event in case.events:
        if event.occurred_at < facts.onset_at - BEFORE or (end is not None and event.occurred_at > end):
            continue
        if event.occurred_at < facts.onset_at and not event.is_change and not isinstance(event.detail, Alert):
            continue
        weight = 0.5
        if event.is_change:
            weight = 0.9 if not event.service or event.service in affected else 0.3
        if isinstance(event.detail, Note | Page):
            weight = 0.8
        if culprit is not None and (event == culprit or undoes(event, culprit)):
            weight = 1.0
        yield weight, TimelineRow(event.occurred_at, case.say(event_sentence(event), event.key))


def _anomalies(case: Case) -> Iterable[tuple[float, TimelineRow]]:
    for anomaly in case.facts.anomalies:
        weight = 0.95 if anomaly.is_opening else 0.4
        yield weight, TimelineRow(anomaly.onset_at, case.say(_departs(anomaly), anomaly.key))
        if anomaly.is_opening and anomaly.peak_at is not None and anomaly.peak_at > anomaly.onset_at:
            yield (
                0.6,
                TimelineRow(
                    anomaly.peak_at,
                    case.say(
                        f"{anomaly.metric_name} of {anomaly.service} is at its worst: "
                        f"{quantity(anomaly.peak_observed, anomaly.unit)}.",
                        anomaly.key,
                    ),
                ),
            )


def _departs(anomaly: Anomaly) -> str:
    where = f"{anomaly.service} {anomaly.operation}".strip()
    return (
        f"{anomaly.metric_name} of {where} leaves its baseline of {quantity(anomaly.baseline, anomaly.unit)}; "
        f"{quantity(anomaly.observed, anomaly.unit)} when it was detected (z {number(anomaly.z)})."
    )


def _patterns(case: Case) -> Iterable[tuple[float, TimelineRow]]:
    for pattern in case.moved_patterns()[: MOST_PATTERNS[case.is_major]]:
        if pattern.first_seen_at is None:
            continue
        frame = f", from {pattern.root_frame}" if pattern.root_frame else ""
        yield (
            0.7,
            TimelineRow(
                pattern.first_seen_at,
                case.say(
                    f"{pattern.service} begins to log {quoted(pattern.example or pattern.template, 160)}{frame}; "
                    f"{counted(pattern.count, 'such line')} in all.",
                    pattern.key,
                ),
            ),
        )


def _life(case: Case) -> Iterable[tuple[float, TimelineRow]]:
    facts = case.facts
    yield (
        0.95,
        TimelineRow(
            facts.detected_at,
            case.say(f"The incident is opened for {listed([facts.service])} as {facts.severity.name}.", INCIDENT),
        ),
    )
    for entry in case.incident.entries:
        if entry.kind is EntryKind.ACKNOWLEDGED:
            yield 0.8, TimelineRow(entry.at, case.say("The incident is acknowledged.", INCIDENT))
    if facts.recovered_at is not None:
        yield 0.95, TimelineRow(facts.recovered_at, case.say(f"{facts.service} is back in its baseline.", INCIDENT))
    if facts.resolved_at is not None and facts.resolved_at != facts.recovered_at:
        yield 0.7, TimelineRow(facts.resolved_at, case.say("The incident is resolved.", INCIDENT))
