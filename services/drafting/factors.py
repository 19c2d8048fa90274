"""What contributed, each with a category and what shows it. Where data shows fewer than three, sections.py asks.

A factor is a way in which the system or the process made the incident possible, longer or worse; it is found in a
number that moved, an attribute of a change, or words that a responder wrote, never assumed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from services.drafting.blameless import lint
from services.drafting.case import Case
from services.drafting.draft import Factor
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.milestones import Milestones, culprit_change
from services.drafting.observations import (
    Alert,
    ConfigChange,
    Deploy,
    Event,
    FlagChange,
    Note,
    Observations,
    OperationWindow,
    SeriesWindow,
)
from services.drafting.requests import requests, step
from services.drafting.showing import INCIDENT, derived_evidence
from services.drafting.statements import quoted
from services.drafting.wording import between, clock, length, number, percent_change

MOST_FACTORS, FEWEST_FACTORS = 6, 3
CATEGORIES: dict[CauseKind, str] = {
    CauseKind.DEPLOYMENT: "deployment",
    CauseKind.CONFIGURATION: "configuration",
    CauseKind.CODE_EXCEPTION: "deployment",
    CauseKind.CODE_RETURN: "deployment",
    CauseKind.LATENCY: "dependency",
    CauseKind.UNAVAILABLE: "dependency",
    CauseKind.OVERLOAD: "capacity",
    CauseKind.CPU: "capacity",
    CauseKind.MEMORY: "capacity",
    CauseKind.DISK: "capacity",
    CauseKind.DATABASE: "database",
    CauseKind.CAPACITY: "capacity",
    CauseKind.NETWORK_DELAY: "network",
    CauseKind.NETWORK: "network",
    CauseKind.DEPENDENCY: "third-party",
    CauseKind.CERTIFICATE: "security",
    CauseKind.QUOTA: "capacity",
    CauseKind.TRAFFIC: "capacity",
    CauseKind.PROCESS: "dependency",
}
# So much more of something per request is a change of behaviour, not chance; and so many requests must tell it.
AMPLIFIED, ENOUGH_SPANS = 1.5, 20
GREW = 0.15
LATE_PAGE = timedelta(minutes=5)
SLOW_RECOVERY = timedelta(minutes=5)
_UNDOCUMENTED = re.compile(
    r"\b(undocumented|not documented|documented nowhere|nowhere documented|no documentation|"
    r"no runbook|not in the (docs|runbook|wiki)|no (alert|dashboard|monitoring|metric)\b[^.]*|"
    r"not monitored|not alerted)\b",
    re.IGNORECASE,
)
_CHECK_WORDS = re.compile(r"(review|test|approv|canary|load|check|scan|gate|dry.?run)", re.IGNORECASE)
_NOT_DONE = frozenset({"false", "no", "none", "skipped", "0", "missing", "bypassed", "disabled", "not run", "failed"})
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")


@dataclass(frozen=True, slots=True)
class Amplification:
    """More calls for each request than before."""

    service: str
    before: float
    after: float
    keys: tuple[str, ...]


def factors(case: Case, course: Milestones) -> tuple[Factor, ...]:
    """What data shows, what says most first; at most six."""
    found = [
        *_cause(case, course),
        *_watched_too_short(case, course),
        *_amplified(case),
        *_undocumented(case),
        *_checks(case, course),
        *_traffic(case),
        *_second_cause(case),
        *_unalerted(case),
        *_late_page(case, course),
        *_slow_recovery(case, course),
    ]
    unique = {factor.statement.text: factor for factor in found}
    return tuple(unique.values())[:MOST_FACTORS]


def amplification(observations: Observations, service: str) -> Amplification | None:
    """How many calls `service` makes for each request that it serves, now and before, where that rose."""

    def total(spans: Iterable[OperationWindow], field: str) -> float:
        return float(sum(getattr(one, field) for one in spans))

    mine = [one for one in observations.operations if one.service == service]
    served = [one for one in mine if one.span_kind in ("server", "consumer")]
    made = [one for one in mine if one.span_kind in ("client", "producer")]
    now, past = total(served, "count"), total(served, "baseline_count")
    if now < ENOUGH_SPANS or past < ENOUGH_SPANS or not total(made, "baseline_count"):
        return None
    before, after = total(made, "baseline_count") / past, total(made, "count") / now
    if after < AMPLIFIED * before:
        return None
    busiest = sorted(made, key=lambda one: -one.count)[:2]
    return Amplification(service, before, after, tuple(one.key for one in busiest))


def _cause(case: Case, course: Milestones) -> Iterable[Factor]:
    cause, change = case.cause, culprit_change(case)
    if cause is None or not case.cite(cause.mechanism_keys):
        return
    if change is not None and course.change is not None:
        what = _named(change)
        yield Factor(
            "configuration" if isinstance(change.detail, ConfigChange | FlagChange) else "deployment",
            case.say(
                f"{what} reached production {between(change.occurred_at, case.facts.onset_at)} before the onset.",
                change.key,
                INCIDENT,
            ),
        )
        return
    yield Factor(CATEGORIES.get(cause.kind, "process"), case.say(cause.mechanism, *cause.mechanism_keys))


def _second_cause(case: Case) -> Iterable[Factor]:
    """Saturation that a change led to is a factor of its own; of other services only what is likely."""
    for hypothesis in case.hypotheses[1:3]:
        if (
            hypothesis.kind is CauseKind.UNKNOWN
            or hypothesis.probability < 0.15
            or not case.cite(hypothesis.mechanism_keys)
        ):
            continue
        yield Factor(
            CATEGORIES.get(hypothesis.kind, "process"), case.say(hypothesis.mechanism, *hypothesis.mechanism_keys)
        )


def _watched_too_short(case: Case, course: Milestones) -> Iterable[Factor]:
    change = culprit_change(case)
    if change is None or not isinstance(change.detail, Deploy) or not change.detail.watch_window:
        return
    ended = change.occurred_at + change.detail.watch_window
    if ended >= case.facts.onset_at:
        return
    yield Factor(
        "monitoring",
        case.say(
            f"The deploy of {change.detail.version} was watched for {length(change.detail.watch_window)}, "
            f"until {clock(ended)}; the incident began {between(change.occurred_at, case.facts.onset_at)} after it.",
            change.key,
            INCIDENT,
        ),
    )


def wider_window(watched: timedelta, needed: timedelta) -> timedelta:
    """The next multiple of what was watched that would have seen it."""
    return watched * ceil(needed / watched + 1e-9)


def _amplified(case: Case) -> Iterable[Factor]:
    found = amplification(case.observations, case.cause.service if case.cause else case.facts.service)
    if found is None:
        return
    values = {"before": number(found.before), "after": number(found.after)}
    key = case.derive(
        derived_evidence(
            f"calls-per-request/{found.service}",
            "Recorded client spans over recorded server spans.",
            values,
            service=found.service,
        )
    )
    yield Factor(
        "database",
        case.say(
            f"{found.service} made {values['after']} calls for each request that it served, {values['before']} before.",
            key,
            *found.keys,
        ),
    )


def notes_during(case: Case) -> list[Event]:
    """What responders wrote from the onset on, as far as it may be quoted: not where it blames somebody."""
    return [
        event
        for event in case.events
        if isinstance(event.detail, Note) and event.occurred_at >= case.facts.onset_at and not lint(event.detail.text)
    ]


def undocumented(case: Case) -> list[tuple[Event, str]]:
    """Sentences of notes that say that something is written down or watched nowhere."""
    return [
        (event, sentence.strip())
        for event in notes_during(case)
        if isinstance(event.detail, Note)
        for sentence in _SENTENCE.findall(event.detail.text)
        if _UNDOCUMENTED.search(sentence)
    ]


def _undocumented(case: Case) -> Iterable[Factor]:
    for event, sentence in undocumented(case)[:2]:
        yield Factor(
            "process", case.say(f"A responder noted at {clock(event.occurred_at)}: {quoted(sentence)}", event.key)
        )


def skipped_checks(change: Event | None) -> list[tuple[str, str]]:
    """Checks of a change that its own event says were not done."""
    attributes = sorted(change.attributes.items()) if change else []
    return [
        (name, value)
        for name, value in attributes
        if _CHECK_WORDS.search(name) and value.strip().casefold() in _NOT_DONE
    ]


def _checks(case: Case, course: Milestones) -> Iterable[Factor]:
    """About the process, whoever made the change."""
    change = culprit_change(case)
    if change is not None:
        for name, value in skipped_checks(change):
            yield Factor(
                "process",
                case.say(f"The pipeline let {_named(change)} pass with {quoted(f'{name}: {value}', 80)}.", change.key),
            )


def traffic_growth(case: Case) -> tuple[float, float, tuple[str, ...]] | None:
    """Requests a minute of the incident's service shortly before and during it, where they rose enough to matter."""
    facts = case.facts
    end = facts.recovered_at or facts.resolved_at or facts.detected_at
    answered = requests(case.observations, facts.service, facts.onset_at, end)
    if not answered or answered[0].is_sampled or not answered[0].minutes:
        return None
    keys = {key for one in answered for key in one.keys}
    counted = [one for one in case.observations.series if one.key in keys]
    during = sum(one.count for one in answered) / answered[0].minutes
    before = sum(_recent_rate(one) for one in counted)
    if before <= 0 or during < before * (1 + GREW):
        return None
    return before, during, tuple(one.key for one in sorted(counted, key=lambda one: -sum(one.counts))[:2])


def _recent_rate(series: SeriesWindow) -> float:
    """Per minute, over the last ten values before the window."""
    recent = series.baseline_counts[-10:]
    minutes = len(recent) * (step(series) / timedelta(minutes=1))
    return sum(recent) / minutes if minutes else 0.0


def _traffic(case: Case) -> Iterable[Factor]:
    grown = traffic_growth(case)
    if grown is None:
        return
    before, during, keys = grown
    values = {"before": number(before), "during": number(during), "growth": percent_change(before, during)}
    key = case.derive(
        derived_evidence(
            f"traffic/{case.facts.service}",
            "Requests per minute before and during the incident.",
            values,
            service=case.facts.service,
        )
    )
    yield Factor(
        "capacity",
        case.say(
            f"Traffic to {case.facts.service} was {values['growth']} higher than shortly before: "
            f"{values['during']} requests per minute against {values['before']}.",
            key,
            *keys,
        ),
    )


def alerts_during(case: Case) -> list[Event]:
    """Alerts that fired while it lasted."""
    end = case.facts.resolved_at or case.facts.recovered_at
    return [
        event
        for event in case.events
        if isinstance(event.detail, Alert)
        and event.detail.is_firing
        and event.occurred_at >= case.facts.onset_at - timedelta(minutes=30)
        and (end is None or event.occurred_at <= end)
    ]


def event_counts(case: Case) -> str:
    """Puts among the material how many events of each kind were received for the window; returns the key."""
    window = case.observations.window
    inside = [event for event in case.events if event.occurred_at in window]
    kinds = {
        "alerts": sum(isinstance(event.detail, Alert) for event in inside),
        "notes": sum(isinstance(event.detail, Note) for event in inside),
        "changes": sum(event.is_change for event in inside),
        "events": len(inside),
    }
    return case.derive(
        derived_evidence(
            "events",
            f"Events received for the window: {kinds['events']}, of them {kinds['alerts']} alerts, {kinds['changes']} "
            f"changes and {kinds['notes']} notes.",
            {name: str(count) for name, count in kinds.items()},
            at=window.start,
            until=window.end,
        )
    )


def _unalerted(case: Case) -> Iterable[Factor]:
    if case.gathered.missing or alerts_during(case) or case.facts.recovered_at is None:
        return
    yield Factor(
        "monitoring",
        case.say(
            f"No alert was received while {case.facts.service} was out of its normal.", event_counts(case), INCIDENT
        ),
    )


def _late_page(case: Case, course: Milestones) -> Iterable[Factor]:
    if course.page is not None and course.page.at - course.onset.at >= LATE_PAGE:
        yield Factor(
            "monitoring",
            case.say(
                f"The page came {between(course.onset.at, course.page.at)} after the onset.", course.page.key, INCIDENT
            ),
        )


def _slow_recovery(case: Case, course: Milestones) -> Iterable[Factor]:
    if course.mitigation is None or course.recovery is None:
        return
    if course.recovery.at - course.mitigation.at >= SLOW_RECOVERY:
        yield Factor(
            "process",
            case.say(
                f"Recovery took {between(course.mitigation.at, course.recovery.at)} from the start of the mitigation.",
                course.mitigation.key,
                INCIDENT,
            ),
        )


def _named(change: Event) -> str:
    match change.detail:
        case Deploy() as deploy:
            return f"{deploy.version} of {change.service or 'the system'}"
        case ConfigChange() as config:
            return f"The change of {config.setting}"
        case FlagChange() as flag:
            return f"The switch of the flag {flag.flag}"
        case _:
            return "A change"
