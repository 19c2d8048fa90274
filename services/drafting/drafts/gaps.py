"""Where watching and answering left a gap: signs that nobody was told of, no alert, a late page, slow steps."""

from collections.abc import Iterable
from datetime import timedelta

from services.drafting.case import Case
from services.drafting.drafts.draft import Factor
from services.drafting.drafts.early_signs import early_signs
from services.drafting.drafts.measured import measure, sentence
from services.drafting.drafts.milestones import Milestones
from services.drafting.observations import Alert, Event, Page, PageState
from services.drafting.showing import INCIDENT, derived_evidence
from services.drafting.wording import between, clock

# Changes this long before the onset may have to do with it.
BEFORE = timedelta(hours=3)
LATE_PAGE = timedelta(minutes=5)
SLOW_STEP = timedelta(minutes=5)


def gaps(case: Case, course: Milestones) -> Iterable[Factor]:
    """Factors about monitoring and the way to the end."""
    yield from _unheeded_sign(case)
    yield from _unalerted(case)
    yield from _late_page(case, course)
    yield from _slow_steps(case, course)


def alerts_during(case: Case) -> list[Event]:
    """Alerts that fired and pages that were sent while it lasted, or shortly before."""
    end = case.facts.resolved_at or case.facts.recovered_at
    return [
        event
        for event in case.events
        if _tells(event)
        and event.occurred_at >= case.facts.onset_at - timedelta(minutes=30)
        and (end is None or event.occurred_at <= end)
    ]


def is_alert_known(case: Case) -> bool:
    """Whether anybody was told; True as well where events could not be had, as nothing can be said."""
    return bool(case.gathered.missing) or bool(alerts_during(case))


def _tells(event: Event) -> bool:
    match event.detail:
        case Alert(is_firing=is_firing):
            return is_firing
        case Page(state=state):
            return state is PageState.SENT
        case _:
            return False


def event_counts(case: Case) -> str:
    """Puts among the material how many events of each kind were received, from before the onset to the end of the
    window; returns the key."""
    since, until = case.facts.onset_at - BEFORE, case.observations.window.end
    inside = [event for event in case.events if since <= event.occurred_at < until]
    kinds = {
        "alerts": sum(isinstance(event.detail, Alert) for event in inside),
        "pages": sum(isinstance(event.detail, Page) for event in inside),
        "changes": sum(event.is_change for event in inside),
        "events": len(inside),
    }
    return case.derive(derived_evidence(
        "events", f"Events received from {clock(since)} to {clock(until)}",
        {name: str(count) for name, count in kinds.items()}, at=since, until=until))


def _unheeded_sign(case: Case) -> Iterable[Factor]:
    if case.gathered.missing:
        return
    told = min(alerts_during(case), key=lambda event: event.occurred_at, default=None)
    for sign in early_signs(case)[:1]:
        if told is not None and told.occurred_at <= case.facts.onset_at:
            return
        unheeded = "no alert was received" if told is None else f"nobody was told before {clock(told.occurred_at)}"
        yield Factor("monitoring", case.say(
            sentence(f"{measure(sign)} had left its baseline at {clock(sign.detected_at)}, "
                     f"{between(sign.detected_at, case.facts.onset_at)} before the onset, and {unheeded}"),
            sign.key, INCIDENT, event_counts(case), *((told.key,) if told else ())))


def _unalerted(case: Case) -> Iterable[Factor]:
    if is_alert_known(case) or case.facts.recovered_at is None or early_signs(case):
        return
    yield Factor("monitoring", case.say(
        f"No alert was received while {case.facts.service} was out of its normal.", event_counts(case), INCIDENT))


def _late_page(case: Case, course: Milestones) -> Iterable[Factor]:
    if course.page is not None and course.page.at - course.onset.at >= LATE_PAGE:
        yield Factor("monitoring", case.say(
            f"The page came {between(course.onset.at, course.page.at)} after the onset.", course.page.key, INCIDENT))


def _slow_steps(case: Case, course: Milestones) -> Iterable[Factor]:
    if course.diagnosis is not None and course.mitigation is not None:
        took = course.mitigation.at - course.diagnosis.at
        if took >= SLOW_STEP:
            yield Factor("process", case.say(
                f"{between(course.diagnosis.at, course.mitigation.at)} passed from the recognised cause to the start "
                "of the mitigation.", course.diagnosis.key, course.mitigation.key))
    acted, over = course.mitigation, course.recovery
    if acted is not None and over is not None and over.at - acted.at >= SLOW_STEP:
        yield Factor("process", case.say(
            f"The mitigation took {between(acted.at, over.at)} to take effect.", acted.key, INCIDENT))
