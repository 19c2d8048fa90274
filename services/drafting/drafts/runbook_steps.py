"""What a runbook can be learnt from one incident: when it applies, how one finds out, what helped.

Each line speaks of the failure mode: the affected service, by whatever name it goes the next time, the measure, the
line that was logged, what was done. What it was that time (names, versions, values) stands in brackets at the line's
end, so that the next on-call knows what bad looked like.
"""

from collections.abc import Iterable

from services.drafting.case import Case
from services.drafting.drafts.event_sentences import event_sentence
from services.drafting.drafts.milestones import Milestones, culprit_change
from services.drafting.observations import Anomaly, ConfigChange, Deploy, Event, FlagChange, LogPatternWindow, Note
from services.drafting.statements import quoted
from services.drafting.wording import between, counted, quantity

MOST_MEASURES, MOST_PATTERNS = 3, 3


def alert_names(case: Case) -> tuple[str, ...]:
    """Alerts that came with it."""
    names = (getattr(event.detail, "alert_name", "") for event in case.events)
    return tuple(dict.fromkeys(name for name in names if name))


def triggers(case: Case) -> tuple[str, ...]:
    """When a runbook made of this applies: what left its normal, and what was logged that never was before."""
    measures = [
        f"{_measure(one, case)} is out of its normal ({_values(one, case)})"
        for one in case.facts.anomalies
        if one.is_opening
    ]
    patterns = [
        f"{_role(one.service, case)} logs {quoted(one.template)}" for one in case.moved_patterns()[:MOST_PATTERNS]
    ]
    return _distinct((*_first(measures, MOST_MEASURES), *patterns))


def diagnosis_steps(case: Case, course: Milestones) -> tuple[str, ...]:
    """Where the cause was to be seen, the quickest look first."""
    cause = case.cause
    if cause is None:
        return ()
    keys = set(cause.mechanism_keys) | set(cause.evidence_for)
    change = culprit_change(case)
    steps = [_change_step(change, case)] if change is not None else []
    opening = {(one.metric_name, one.service) for one in case.facts.anomalies if one.is_opening}
    steps += _first(
        (
            f"Look at {one.metric_name} of {_role(one.service, case)} "
            f"({_then(one.service, case)}{quantity(one.extreme_value, one.unit)} at its worst, "
            f"{quantity(one.baseline_median, one.unit)} before)"
            for one in case.observations.series
            if one.key in keys and one.extreme_at and (one.metric_name, one.service) not in opening
        ),
        MOST_MEASURES,
    )
    steps += [_pattern_step(one, case) for one in case.moved_patterns()[:MOST_PATTERNS]]
    note = next((event for event in case.events if course.diagnosis and event.key == course.diagnosis.key), None)
    if note is not None and isinstance(note.detail, Note):
        steps.append(f"Ask whether it is what a responder found then: {quoted(note.detail.text)}")
    return _distinct(steps)


def mitigation_steps(case: Case, course: Milestones) -> tuple[str, ...]:
    """What helped, as far as it was followed by recovery, and how one sees that it did."""
    if course.mitigation is None or course.recovery is None:
        return ()
    event = next((event for event in case.events if event.key == course.mitigation.key), None)
    if event is None:
        return ()
    what, example = _action(event, case)
    after = f"signals were back {between(course.mitigation.at, course.recovery.at)} later"
    done = f"{what} ({example}; {after})" if example else f"{what} ({after})"
    opening = next((one for one in case.facts.anomalies if one.is_opening), None)
    if opening is None:
        return (done,)
    normal = quantity(opening.baseline, opening.unit)
    return (done, f"Watch {_measure(opening, case)} until it is back in its normal (about {normal} then)")


def _role(service: str, case: Case) -> str:
    """What a service was to the failure. The cause's own service is the one that a runbook is about; whoever showed the
    failure to its users may be another."""
    if service == _home(case):
        return "the affected service"
    return "the service that fails" if service == case.facts.service else service


def _home(case: Case) -> str:
    return (case.cause.service if case.cause is not None else "") or case.facts.service


def _then(service: str, case: Case) -> str:
    """`then checkout-api: `, where the line itself names only what the service was to the failure."""
    return "then " if _role(service, case) == service else f"then {service}: "


def _change_step(change: Event, case: Case) -> str:
    before = f"{between(change.occurred_at, case.facts.onset_at)} before it"
    role = _role(change.service, case)
    match change.detail:
        case Deploy(version=version):
            example = f"then {version} of {change.service}, {before}" if version else f"then {change.service}, {before}"
            return f"Look for a deploy of {role} shortly before the onset ({example})"
        case ConfigChange(setting=setting):
            return (
                f"Look whether a setting of {role} was changed shortly before the onset "
                f"(then {quoted(setting, 80)}, {before})"
            )
        case FlagChange(flag=flag):
            return f"Look whether a flag was switched shortly before the onset (then {quoted(flag, 80)}, {before})"
        case _:
            return f"Look for a change of {role} shortly before the onset (then {change.service}, {before})"


def _pattern_step(one: LogPatternWindow, case: Case) -> str:
    lines = counted(one.count, "line")
    before = f"{one.baseline_count:,} before" if one.baseline_count else "none before"
    seen = f"{_then(one.service, case)}{lines}, {before}"
    return f"Search the log of {_role(one.service, case)} for {quoted(one.template)} ({seen})"


def _action(event: Event, case: Case) -> tuple[str, str]:
    """What helped, and what exactly it was that time."""
    role = _role(event.service, case)
    match event.detail:
        case Deploy(is_rollback=True, version=version):
            to = f" to {version}" if version else ""
            return f"Roll {role} back to the version before", f"then {event.service}{to}"
        case Deploy(version=version):
            return f"Deploy a mended version of {role}", f"then {version} of {event.service}" if version else ""
        case ConfigChange(setting=setting, new_value=value):
            return f"Set {quoted(setting, 80)} of {role} to a value that serves", f"then {quoted(value, 80)}"
        case FlagChange(flag=flag, new_value=value):
            return f"Switch the flag {quoted(flag, 80)} to {quoted(value, 80)}", ""
        case Note(text=text):
            return f"Do as a responder did then: {quoted(text)}", ""
        case _:
            return event_sentence(event).rstrip("."), ""


def _measure(one: Anomaly, case: Case) -> str:
    return f"{one.metric_name} of {_role(one.service, case)}"


def _values(one: Anomaly, case: Case) -> str:
    worst = one.peak_observed if one.peak_at is not None else one.observed
    where = f"then {' '.join((one.service, one.operation)).strip()}: " if one.operation else _then(one.service, case)
    return f"{where}{quantity(worst, one.unit)} at its worst, normally {quantity(one.baseline, one.unit)}"


def _first(texts: Iterable[str], most: int) -> list[str]:
    """The first `most` that speak of different things: what stands in brackets is only an example."""
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(text.split(" (", 1)[0], text)
    return list(kept.values())[:most]


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
