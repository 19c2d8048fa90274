"""Action items: each answers one factor or gap, and says with which numbers.

They are suggestions until a person accepts them. The owner is the catalogue's for the service that the work is on, the
due date follows from priority and effort.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from services.drafting.case import Case
from services.drafting.drafts.calls_per_request import amplification, amplified_evidence
from services.drafting.drafts.draft import SuggestedItem
from services.drafting.drafts.early_signs import early_signs
from services.drafting.drafts.factors import CATEGORIES, wider_window
from services.drafting.drafts.gaps import SLOW_STEP, event_counts, is_alert_known
from services.drafting.drafts.measured import extreme, measure, normal, sentence
from services.drafting.drafts.milestones import Milestone, Milestones, culprit_change
from services.drafting.drafts.notes import undocumented
from services.drafting.drafts.resources import bound, resource
from services.drafting.drafts.root_cause import measured
from services.drafting.drafts.traffic_growth import growth_evidence, traffic_growth
from services.drafting.drafts.used_up import limit_line, saturated
from services.drafting.observations import ConfigChange, Deploy, FlagChange, LogPatternWindow
from services.drafting.showing import INCIDENT, derived_evidence
from services.drafting.statements import quoted
from services.drafting.wording import between, clock, length, number

MOST_ITEMS = {True: 8, False: 2}
_SEVERE = frozenset({"ERROR", "FATAL", "CRITICAL", "SEVERE"})


@dataclass(frozen=True, slots=True)
class _Idea:
    title: str
    reason: str
    keys: tuple[str, ...]
    category: str
    priority: int
    is_small: bool
    service: str


def suggestions(case: Case, course: Milestones) -> tuple[SuggestedItem, ...]:
    """The most urgent first; none that no data asks for."""
    ideas = [
        *_checklist(case),
        *_amplified(case),
        *_watch(case),
        *_documented(case),
        *_early_alert(case),
        *_headroom(case),
        *_prepared(case, course),
        *_alert(case),
        *_mechanism(case),
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


def _checklist(case: Case) -> Iterable[_Idea]:
    """What a change used up belongs before the eyes of whoever reviews the next one."""
    change, cause = culprit_change(case), case.cause
    if cause is None or change is None or not isinstance(change.detail, Deploy):
        return
    words = resource(cause)
    if words is None:
        return
    full, limit = saturated(case), limit_line(case)
    keys: tuple[str, ...]
    if full is not None:
        reason = sentence(f"{measure(full.whole)} rose from {normal(full.whole)} to {extreme(full.whole)} with "
                          f"{change.detail.version}")
        keys = (*full.keys, change.key)
    elif limit is not None:
        reason, keys = f"The log names the limit: {quoted(limit.example, 160)}", (limit.key,)
    else:
        reason, keys = cause.mechanism, cause.mechanism_keys
    yield _Idea(f"Add the {words} of {cause.service} to the checklist for reviewing changes", reason, keys,
                "capacity", 1, True, cause.service)


def _amplified(case: Case) -> Iterable[_Idea]:
    service = case.cause.service if case.cause else case.facts.service
    found = amplification(case.observations, service)
    if found is None:
        return
    risen = next((one for one in found.operations if one.after > one.before), None)
    what = f" ({quoted(risen.name, 60)} most of all)" if risen else ""
    yield _Idea(
        f"Assert in the CI of {service} how many calls one request may make{what}",
        f"{service} made {number(found.after)} calls for each request, {number(found.before)} before.",
        (amplified_evidence(case, found), *found.keys), "deployment", 1, False, service)


def _watch(case: Case) -> Iterable[_Idea]:
    change = culprit_change(case)
    if change is None or not isinstance(change.detail, Deploy) or not change.detail.watch_window:
        return
    watched, needed = change.detail.watch_window, case.facts.onset_at - change.occurred_at
    if needed <= watched:
        return
    wider = wider_window(watched, needed)
    key = case.derive(derived_evidence(
        f"watch-window/{change.service}",
        "The next multiple of the watch window that is longer than the time to the onset",
        {"wider": length(wider)}, service=change.service))
    yield _Idea(
        f"Extend the watch window after deploys of {change.service} from {length(watched)} to {length(wider)}",
        f"The onset came {between(change.occurred_at, case.facts.onset_at)} after the deploy.",
        (change.key, INCIDENT, key), "monitoring", 2, True, change.service)


def _documented(case: Case) -> Iterable[_Idea]:
    for event, said in undocumented(case)[:1]:
        service = event.service or case.facts.service
        words = resource(case.cause) if case.cause else None
        what = f"how the {words} of {service} are sized" if words else f"for {service} what was found written nowhere"
        yield _Idea(f"Document {what}", f"A responder noted: {quoted(said)}", (event.key,),
                    "process", 2, False, service)


def _early_alert(case: Case) -> Iterable[_Idea]:
    """The measure that moved first is the one to be told of."""
    if case.gathered.missing:
        return
    for sign in early_signs(case)[:1]:
        yield _Idea(
            f"Alert on {measure(sign)}",
            f"It left its baseline at {clock(sign.detected_at)}, "
            f"{between(sign.detected_at, case.facts.onset_at)} before the onset.",
            (sign.key, INCIDENT), "monitoring", 2, True, sign.service)


def _headroom(case: Case) -> Iterable[_Idea]:
    growth = traffic_growth(case)
    if growth is None or culprit_change(case) is None:
        return
    service = case.facts.service
    yield _Idea(
        f"Test releases of {service} at {number(growth.after)} requests per minute before they go out",
        f"The release held at {number(growth.before)} requests per minute and not at {number(growth.after)}.",
        (growth_evidence(case, growth), *growth.keys, INCIDENT), "process", 2, False, service)


def _prepared(case: Case, course: Milestones) -> Iterable[_Idea]:
    """The slower of the two steps after the cause was known."""
    service = case.facts.service
    known, acted, over = course.diagnosis, course.mitigation, course.recovery
    waited = acted.at - known.at if known and acted else timedelta(0)
    worked = over.at - acted.at if over and acted else timedelta(0)
    if known and acted and waited >= max(worked, SLOW_STEP):
        yield _Idea(
            _one_step(case, acted),
            f"{between(known.at, acted.at)} passed from the recognised cause to the start of the mitigation.",
            (known.key, acted.key), "process", 3, True, service)
    elif acted and over and worked >= SLOW_STEP:
        yield _Idea(
            f"Measure where the {length(worked)} go that the mitigation of {service} takes, and cut the longest step",
            f"{between(acted.at, over.at)} passed between its start and the recovery.",
            (acted.key, INCIDENT), "process", 3, True, service)


def _one_step(case: Case, acted: Milestone) -> str:
    """What was done to end it, as work: `make the rollback of checkout-api one command`."""
    event = next((event for event in case.events if event.key == acted.key), None)
    service = event.service if event is not None and event.service else case.facts.service
    match event.detail if event is not None else None:
        case Deploy(is_rollback=True):
            return f"Make the rollback of {service} one command that needs no build"
        case Deploy():
            return f"Make the release that ended it one command for {service}"
        case ConfigChange() | FlagChange():
            return f"Name the setting that ended it in the runbook of {service}, with its value"
        case _:
            return f"Write what ended it into the runbook of {service}, as the first step"


def _alert(case: Case) -> Iterable[_Idea]:
    if is_alert_known(case):
        return
    pattern = _telling_pattern(case)
    opening = next((one for one in case.facts.anomalies if one.is_opening), None)
    service = case.facts.service
    if pattern is not None:
        yield _Idea(f"Alert on the log pattern {quoted(pattern.template, 80)} of {pattern.service}",
                    "No alert was received while it was logged.", (pattern.key, event_counts(case)),
                    "monitoring", 3, True, pattern.service)
    elif opening is not None:
        yield _Idea(f"Alert on {measure(opening)}", "No alert was received while it was out of its baseline.",
                    (opening.key, event_counts(case)), "monitoring", 3, True, service)


def _mechanism(case: Case) -> Iterable[_Idea]:
    """Where no change is to blame, what was seen to give out should be watched or bounded."""
    cause = case.cause
    if cause is None or culprit_change(case) is not None:
        return
    shown = next((one.text for one in measured(case, cause)), sentence(cause.mechanism))
    keys = (*cause.mechanism_keys, *cause.evidence_for, INCIDENT)
    yield _Idea(bound(cause), shown, keys, CATEGORIES.get(cause.kind, "process"), 2, False, cause.service)


def _telling_pattern(case: Case) -> LogPatternWindow | None:
    moved = case.moved_patterns()
    return moved[0] if moved and moved[0].severity.upper() in _SEVERE else None
