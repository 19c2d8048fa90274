"""Action items: each answers one factor, gap or open item of a similar incident, and says with which numbers.

They are suggestions until a person accepts them. The owner is the catalogue's for the service that the work is on, the
due date follows from priority and effort.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from services.drafting.case import Case
from services.drafting.draft import Factor, SuggestedItem
from services.drafting.factors import (
    alerts_during,
    amplification,
    event_counts,
    traffic_growth,
    undocumented,
    wider_window,
)
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.milestones import Milestones, culprit_change
from services.drafting.observations import Deploy, LogPatternWindow
from services.drafting.showing import INCIDENT, derived_evidence
from services.drafting.statements import quoted
from services.drafting.wording import between, length, number

MOST_ITEMS = {True: 8, False: 4}
# What is used up, in the words of an engineer who has to look at it.
_RESOURCES: Mapping[CauseKind, str] = {
    CauseKind.CAPACITY: "pools and limits",
    CauseKind.CPU: "processor limits",
    CauseKind.MEMORY: "memory limits",
    CauseKind.DISK: "disk space and throughput",
    CauseKind.DATABASE: "database locks and slow queries",
    CauseKind.QUOTA: "quotas",
    CauseKind.CERTIFICATE: "certificates' expiry",
    CauseKind.NETWORK: "network errors",
    CauseKind.NETWORK_DELAY: "time between caller and callee",
    CauseKind.DEPENDENCY: "third-party answers",
    CauseKind.LATENCY: "latency",
    CauseKind.UNAVAILABLE: "availability",
    CauseKind.OVERLOAD: "load",
    CauseKind.CODE_EXCEPTION: "exceptions",
    CauseKind.CODE_RETURN: "wrong answers",
    CauseKind.TRAFFIC: "load",
    CauseKind.PROCESS: "restarts",
}
_SATURATION = frozenset(
    {CauseKind.CAPACITY, CauseKind.CPU, CauseKind.MEMORY, CauseKind.DISK, CauseKind.QUOTA, CauseKind.DATABASE}
)


@dataclass(frozen=True, slots=True)
class _Idea:
    title: str
    reason: str
    keys: tuple[str, ...]
    category: str
    priority: int
    is_small: bool
    service: str


def suggestions(case: Case, course: Milestones, found: Sequence[Factor]) -> tuple[SuggestedItem, ...]:
    """The most urgent first; none that no data asks for."""
    ideas = [
        *_saturation(case),
        *_amplified(case),
        *_watch(case),
        *_documented(case),
        *_headroom(case),
        *_alert(case),
        *_recovery(case, course),
        *_mechanism(case),
        *_past(case),
    ]
    items = [item for idea in ideas if (item := _item(case, idea)) is not None]
    unique = {item.title: item for item in items}
    return tuple(sorted(unique.values(), key=lambda item: item.priority)[: MOST_ITEMS[case.is_major]])


def _item(case: Case, idea: _Idea) -> SuggestedItem | None:
    evidence = case.cite(idea.keys)
    if not evidence:
        return None
    closed = case.facts.resolved_at or case.facts.recovered_at or case.facts.detected_at
    small, large = case.policy.due_days.get(idea.priority, (30, 30))
    due = (closed + timedelta(days=small if idea.is_small else large)).date()
    return SuggestedItem(
        idea.title, idea.reason, evidence, idea.category, idea.priority, due, case.gathered.owners.get(idea.service, "")
    )


def _saturation(case: Case) -> Iterable[_Idea]:
    """What a change used up belongs before the eyes of whoever reviews the next one."""
    change, pattern = culprit_change(case), _telling_pattern(case)
    cause = case.cause
    if cause is None or change is None or not isinstance(change.detail, Deploy):
        return
    resource = next(
        (words for kind, words in _RESOURCES.items() if kind in _SATURATION and _speaks_of(case, kind)), None
    )
    if resource is None:
        return
    keys = (*cause.mechanism_keys, *((pattern.key,) if pattern else ()), change.key)
    yield _Idea(
        f"Add {resource} of {cause.service} to the checklist for reviewing changes",
        cause.mechanism,
        keys,
        "capacity",
        1,
        True,
        cause.service,
    )


def _speaks_of(case: Case, kind: CauseKind) -> bool:
    """Whether the likeliest service has a finding of that kind: told by the words of its mechanism's evidence."""
    cause = case.cause
    if cause is None:
        return False
    words = {
        CauseKind.CAPACITY: ("pool", "queue", "descriptor", "threads"),
        CauseKind.CPU: ("processor",),
        CauseKind.MEMORY: ("memory",),
        CauseKind.DISK: ("disk",),
        CauseKind.QUOTA: ("quota",),
        CauseKind.DATABASE: ("database",),
    }
    return cause.kind is kind or any(word in cause.mechanism for word in words.get(kind, ()))


def _amplified(case: Case) -> Iterable[_Idea]:
    service = case.cause.service if case.cause else case.facts.service
    found = amplification(case.observations, service)
    if found is None:
        return
    values = {"before": number(found.before), "after": number(found.after)}
    key = case.derive(
        derived_evidence(
            f"calls-per-request/{service}", "Recorded client spans over recorded server spans.", values, service=service
        )
    )
    yield _Idea(
        f"Assert in the build of {service} how many calls one request may make",
        f"{service} made {values['after']} calls for each request, {values['before']} before.",
        (key, *found.keys),
        "deployment",
        1,
        False,
        service,
    )


def _watch(case: Case) -> Iterable[_Idea]:
    change = culprit_change(case)
    if change is None or not isinstance(change.detail, Deploy) or not change.detail.watch_window:
        return
    watched, needed = change.detail.watch_window, case.facts.onset_at - change.occurred_at
    if needed <= watched:
        return
    wider = wider_window(watched, needed)
    key = case.derive(
        derived_evidence(
            f"watch-window/{change.service}",
            "The next multiple of the watch window that is longer than the time to the onset.",
            {"wider": length(wider)},
            service=change.service,
        )
    )
    yield _Idea(
        f"Extend the watch window after deploys of {change.service} from {length(watched)} to {length(wider)}",
        f"The onset came {between(change.occurred_at, case.facts.onset_at)} after the deploy.",
        (change.key, INCIDENT, key),
        "monitoring",
        2,
        True,
        change.service,
    )


def _documented(case: Case) -> Iterable[_Idea]:
    for event, sentence in undocumented(case)[:1]:
        service = event.service or case.facts.service
        yield _Idea(
            f"Write down for {service} what a responder found written nowhere, with how to size it",
            f"A responder noted: {quoted(sentence)}",
            (event.key,),
            "process",
            2,
            False,
            service,
        )


def _headroom(case: Case) -> Iterable[_Idea]:
    grown = traffic_growth(case)
    if grown is None or culprit_change(case) is None:
        return
    before, during, keys = grown
    values = {"before": number(before), "during": number(during)}
    service = case.facts.service
    key = case.derive(
        derived_evidence(
            f"headroom/{service}", "Requests per minute before and during the incident.", values, service=service
        )
    )
    yield _Idea(
        f"Test releases of {service} at {values['during']} requests per minute before they go out",
        f"The release held at {values['before']} requests per minute and not at {values['during']}.",
        (key, *keys, INCIDENT),
        "capacity",
        2,
        False,
        service,
    )


def _alert(case: Case) -> Iterable[_Idea]:
    if case.gathered.missing or alerts_during(case):
        return
    pattern = _telling_pattern(case)
    opening = next((one for one in case.facts.anomalies if one.is_opening), None)
    service = case.facts.service
    if pattern is not None:
        yield _Idea(
            f"Alert on the log pattern {quoted(pattern.template, 80)} of {pattern.service}",
            "No alert was received while it was logged.",
            (pattern.key, event_counts(case)),
            "monitoring",
            3,
            True,
            pattern.service,
        )
    elif opening is not None:
        yield _Idea(
            f"Alert on {opening.metric_name} of {service}",
            "No alert was received while it was out of its baseline.",
            (opening.key, event_counts(case)),
            "monitoring",
            3,
            True,
            service,
        )


def _recovery(case: Case, course: Milestones) -> Iterable[_Idea]:
    if course.mitigation is None or course.recovery is None:
        return
    took = course.recovery.at - course.mitigation.at
    if took < timedelta(minutes=5):
        return
    service = case.facts.service
    yield _Idea(
        f"Find out why the mitigation took {length(took)} to take effect on {service}",
        f"{between(course.mitigation.at, course.recovery.at)} passed between its start and the recovery.",
        (course.mitigation.key, INCIDENT),
        "process",
        3,
        True,
        service,
    )


def _mechanism(case: Case) -> Iterable[_Idea]:
    """Where no change is to blame, what was seen to give out should be watched or bounded."""
    cause = case.cause
    if cause is None or culprit_change(case) is not None:
        return
    resource = _RESOURCES.get(cause.kind, "behaviour")
    yield _Idea(
        f"Bound or alert on the {resource} of {cause.service}",
        cause.mechanism,
        cause.mechanism_keys,
        "dependency" if cause.kind in (CauseKind.DEPENDENCY, CauseKind.LATENCY) else "capacity",
        2,
        False,
        cause.service,
    )


def _past(case: Case) -> Iterable[_Idea]:
    for similar in case.gathered.similar[:2]:
        for title in similar.open_action_items[:2]:
            yield _Idea(
                f"Finish what a similar incident asked for: {quoted(title, 100)}",
                f"It was open when this incident began, from {quoted(similar.past.title, 100)}.",
                (similar.past.key,),
                "process",
                2,
                False,
                case.facts.service,
            )


def _telling_pattern(case: Case) -> LogPatternWindow | None:
    moved = case.moved_patterns()
    return moved[0] if moved and moved[0].severity.upper() in ("ERROR", "FATAL", "CRITICAL", "SEVERE") else None
