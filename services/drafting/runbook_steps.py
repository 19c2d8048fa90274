"""What a runbook can be learnt from one incident: when it applies, how one finds out, what helped.

Each line names what was really measured, logged or done, with the values of that time in brackets at its end, so that
the next on-call knows where to look and what bad looked like.
"""

from collections.abc import Iterable

from services.drafting.case import Case
from services.drafting.event_sentences import event_sentence
from services.drafting.milestones import Milestones, culprit_change
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
        f"{_measure(one)} is out of its normal ({_values(one)})" for one in case.facts.anomalies if one.is_opening
    ]
    patterns = [f"{one.service} logs {quoted(one.template)}" for one in case.moved_patterns()[:MOST_PATTERNS]]
    return _distinct((*measures[:MOST_MEASURES], *patterns))


def diagnosis_steps(case: Case, course: Milestones) -> tuple[str, ...]:
    """Where the cause was to be seen, the quickest look first."""
    cause = case.cause
    if cause is None:
        return ()
    keys = set(cause.mechanism_keys) | set(cause.evidence_for)
    change = culprit_change(case)
    steps = [_change_step(change, case)] if change is not None else []
    opening = {_measure(one) for one in case.facts.anomalies if one.is_opening}
    steps += _first(
        (
            f"Look at {one.metric_name} of {one.service} (then {quantity(one.extreme_value, one.unit)} at its worst, "
            f"{quantity(one.baseline_median, one.unit)} before)"
            for one in case.observations.series
            if one.key in keys and one.extreme_at and f"{one.metric_name} of {one.service}" not in opening
        ),
        MOST_MEASURES,
    )
    steps += [_pattern_step(one) for one in case.moved_patterns()[:MOST_PATTERNS]]
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
    after = between(course.mitigation.at, course.recovery.at)
    done = f"{_action(event)} (signals were back {after} later)"
    opening = next((one for one in case.facts.anomalies if one.is_opening), None)
    if opening is None:
        return (done,)
    normal = quantity(opening.baseline, opening.unit)
    return (done, f"Watch {_measure(opening)} until it is back in its normal (about {normal})")


def _change_step(change: Event, case: Case) -> str:
    before = between(change.occurred_at, case.facts.onset_at)
    match change.detail:
        case Deploy(version=version):
            return f"Look for a deploy of {change.service} shortly before the onset ({version} came {before} before it)"
        case ConfigChange(setting=setting):
            what = f"{quoted(setting, 80)} of {change.service}"
            return f"Look whether {what} was changed shortly before the onset ({before} before it then)"
        case FlagChange(flag=flag):
            return f"Look whether the flag {quoted(flag, 80)} was switched shortly before the onset ({before} then)"
        case _:
            return f"Look for a change of {change.service} shortly before the onset ({before} before it then)"


def _pattern_step(one: LogPatternWindow) -> str:
    lines = counted(one.count, "line")
    before = f"{one.baseline_count:,} before" if one.baseline_count else "none before"
    return f"Search the log of {one.service} for {quoted(one.template)} ({lines} then, {before})"


def _action(event: Event) -> str:
    match event.detail:
        case Deploy(is_rollback=True, version=version):
            to = f" to the version before, as to {version} then" if version else " to the version before"
            return f"Roll {event.service} back{to}"
        case Deploy(version=version):
            return f"Deploy a mended version of {event.service}, as {version} then"
        case ConfigChange(setting=setting, new_value=value):
            return f"Set {quoted(setting, 80)} of {event.service} to a value like {quoted(value, 80)}"
        case FlagChange(flag=flag, new_value=value):
            return f"Switch the flag {quoted(flag, 80)} to {quoted(value, 80)}"
        case Note(text=text):
            return f"Do as a responder did then: {quoted(text)}"
        case _:
            return event_sentence(event).rstrip(".")


def _measure(one: Anomaly) -> str:
    return f"{one.metric_name} of {' '.join((one.service, one.operation)).strip()}"


def _values(one: Anomaly) -> str:
    worst = one.peak_observed if one.peak_at is not None else one.observed
    return f"then {quantity(worst, one.unit)} at its worst, normally {quantity(one.baseline, one.unit)}"


def _first(texts: Iterable[str], most: int) -> list[str]:
    """The first `most` that speak of different things: what stands in brackets is only an example."""
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(text.split(" (", 1)[0], text)
    return list(kept.values())[:most]


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
