"""What a runbook can be learnt from: when it applies, how one finds out, what helped."""

from services.drafting.case import Case
from services.drafting.event_sentences import event_sentence
from services.drafting.milestones import Milestones, culprit_change
from services.drafting.observations import Deploy, Note
from services.drafting.wording import between


def alert_names(case: Case) -> tuple[str, ...]:
    """Alerts that came with it."""
    names = (getattr(event.detail, "alert_name", "") for event in case.events)
    return tuple(dict.fromkeys(name for name in names if name))


def triggers(case: Case) -> tuple[str, ...]:
    """When a runbook made of this applies."""
    measures = [
        f"{one.metric_name} of {one.service} leaves its baseline" for one in case.facts.anomalies if one.is_opening
    ]
    patterns = [f"{one.service} logs: {one.template}" for one in case.moved_patterns()[:3]]
    return tuple(dict.fromkeys((*measures, *patterns)))


def diagnosis_steps(case: Case) -> tuple[str, ...]:
    """Where the cause was to be seen."""
    cause = case.cause
    if cause is None:
        return ()
    steps = []
    if culprit_change(case) is not None:
        steps.append(f"Look for a recent change of {cause.service}")
    keys = set(cause.mechanism_keys) | set(cause.evidence_for)
    steps += [f"Look at {one.metric_name} of {one.service}" for one in case.observations.series if one.key in keys][:3]
    steps += [f"Search the log of {one.service} for: {one.template}" for one in case.moved_patterns()[:2]]
    return tuple(dict.fromkeys(steps))


def mitigation_steps(case: Case, course: Milestones) -> tuple[str, ...]:
    """What helped, as far as it was followed by recovery."""
    if course.mitigation is None or course.recovery is None:
        return ()
    event = next((event for event in case.events if event.key == course.mitigation.key), None)
    if event is None:
        return ()
    after = between(course.mitigation.at, course.recovery.at)
    match event.detail:
        case Deploy(is_rollback=True):
            return (f"Roll {event.service} back to the version before (recovery came {after} after that)",)
        case Note() as note:
            return (f"{note.text} (recovery came {after} after that)",)
        case _:
            return (f"{event_sentence(event).rstrip('.')} (recovery came {after} after that)",)
