"""The incident card: what is broken since when and how badly, why, what changed, what helped before, what next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.drafting.case import Case
from services.drafting.event_sentences import event_sentence
from services.drafting.evidence import Evidence
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.incident import Incident, Runbook, Similar
from services.drafting.log_story import story
from services.drafting.observations import Anomaly, Event
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement, quoted
from services.drafting.wording import between, clock, listed, number, quantity

MOST_HYPOTHESES, MOST_CHANGES, MOST_ANOMALIES, MOST_CHECKS = 5, 8, 6, 5
RECENT = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Cause:
    """A hypothesis as the card shows it, with numbers of evidence in place of keys."""

    hypothesis: Hypothesis
    mechanism: Statement
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """One version. `version`, `created_at` and `latency_s` are given by whoever stores it."""

    incident: Incident
    title: str
    situation: tuple[Statement, ...]
    causes: tuple[Cause, ...]
    changes: tuple[Statement, ...]
    similar: tuple[Similar, ...]
    runbooks: tuple[Runbook, ...]
    owner: str
    next_checks: tuple[Statement, ...]
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]
    evidence_ids: dict[str, str] = field(default_factory=dict)

    def statements(self) -> Iterable[Statement]:
        """Every sentence that says something of the incident."""
        yield from self.situation
        yield from (cause.mechanism for cause in self.causes)
        yield from self.changes
        yield from self.next_checks


def card(case: Case) -> Card:
    """What the on-call should see."""
    facts, gathered = case.facts, case.gathered
    situation, causes = _situation(case), tuple(_causes(case))
    changes, checks = tuple(_changes(case)), tuple(_checks(case))
    for similar in gathered.similar:
        case.cite((similar.past.key,))
    case.cite(f"runbook/{runbook.name}" for runbook in gathered.runbooks)
    return Card(
        case.incident,
        facts.title or facts.service,
        situation,
        causes,
        changes,
        gathered.similar,
        gathered.runbooks,
        gathered.owners.get(facts.service, ""),
        checks,
        tuple(case.book),
        gathered.missing,
        {one.key: one.id for one in case.book},
    )


def _situation(case: Case) -> tuple[Statement, ...]:
    facts = case.facts
    since = f"since {clock(facts.onset_at)} UTC"
    if facts.recovered_at is not None:
        lasted = between(facts.onset_at, facts.recovered_at)
        since = f"from {clock(facts.onset_at)} to {clock(facts.recovered_at)} UTC, {lasted}"
    said = [
        case.say(
            f"{facts.service} is out of its normal {since}."
            if facts.recovered_at is None
            else f"{facts.service} was out of its normal {since}.",
            INCIDENT,
        )
    ]
    said += [_anomaly(case, one) for one in _worst(facts.anomalies)]
    others = [service for service in facts.services if service != facts.service]
    if others:
        said.append(case.say(f"Also affected: {listed(others)}.", INCIDENT))
    return (*said, *story(case, most=2))


def _worst(anomalies: Iterable[Anomaly]) -> list[Anomaly]:
    return sorted(anomalies, key=lambda one: (not one.is_opening, -abs(one.peak_z or one.z)))[:MOST_ANOMALIES]


def _anomaly(case: Case, one: Anomaly) -> Statement:
    where = f"{one.service} {one.operation}".strip()
    text = (
        f"{one.metric_name} of {where}: {quantity(one.observed, one.unit)} at {clock(one.detected_at)} "
        f"(z {number(one.z)}), baseline {quantity(one.baseline, one.unit)}"
    )
    if one.recovered_at is not None:
        text += f", back since {clock(one.recovered_at)}"
    elif one.current:
        text += f", now {quantity(one.current, one.unit)}"
    return case.say(text + ".", one.key)


def _causes(case: Case) -> Iterable[Cause]:
    for one in case.hypotheses[:MOST_HYPOTHESES]:
        keys = one.mechanism_keys if case.cite(one.mechanism_keys) else (INCIDENT,)
        if one.kind is not CauseKind.UNKNOWN and keys == (INCIDENT,):
            continue
        yield Cause(
            one, case.say(one.mechanism, *keys), case.cite(one.evidence_for[:8]), case.cite(one.evidence_against[:4])
        )


def _changes(case: Case) -> Iterable[Statement]:
    onset = case.facts.onset_at
    recent = [event for event in case.events if event.is_change and event.occurred_at >= onset - RECENT]
    for event in sorted(recent, key=lambda event: abs(event.occurred_at - onset))[:MOST_CHANGES]:
        yield case.say(
            f"{clock(event.occurred_at)}, {_distance(event, onset)}: {event_sentence(event)}", event.key, INCIDENT
        )


def _distance(event: Event, onset: datetime) -> str:
    side = "before" if event.occurred_at <= onset else "after"
    return f"{between(event.occurred_at, onset)} {side} the onset"


def _checks(case: Case) -> Iterable[Statement]:
    """What to look at next: what would tell the likeliest causes apart, and what helped before."""
    said: list[Statement] = []
    likely = [one for one in case.hypotheses if one.kind is not CauseKind.UNKNOWN][:3]
    for one in likely:
        change = next((event for event in case.events if event.is_change and event.key in one.mechanism_keys), None)
        if change is not None and case.facts.recovered_at is None:
            said.append(case.say(f"Consider taking back: {event_sentence(change)}", change.key))
            continue
        keys = [key for key in one.evidence_for if case.knows(key)][:2]
        if keys and one.service:
            said.append(
                case.say(f"Look at {one.service}: {one.mechanism}", *dict.fromkeys((*one.mechanism_keys, *keys)))
            )
    said += [
        case.say(
            f"First step of the runbook {quoted(runbook.title, 100)}: {quoted(runbook.steps[0], 200)}",
            f"runbook/{runbook.name}",
        )
        for runbook in case.gathered.runbooks[:1]
        if runbook.steps
    ]
    said += [
        case.say(
            f"What fixed {quoted(similar.past.title, 100)}: {quoted(similar.past.resolution, 200)}", similar.past.key
        )
        for similar in case.gathered.similar[:1]
        if similar.past.resolution
    ]
    return said[:MOST_CHECKS]
