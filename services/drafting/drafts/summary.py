"""The summary: what failed, when and how badly; what caused it; how it ended and what it cost. Three sentences."""

from services.drafting.case import Case
from services.drafting.drafts.calls_per_request import amplification, amplified_evidence
from services.drafting.drafts.courses import Course, course
from services.drafting.drafts.draft import Impact
from services.drafting.drafts.event_sentences import named, taken_back
from services.drafting.drafts.measured import extreme, in_short, is_failing, its_measure, measure, normal, sentence
from services.drafting.drafts.milestones import Milestone, Milestones, culprit_change, undoes
from services.drafting.drafts.notes import mechanism, notes_during
from services.drafting.drafts.used_up import saturated
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.observations import Anomaly, Event, Signal
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement, quoted
from services.drafting.wording import between, clock, from_to, listed, money, number


def title(case: Case) -> str:
    """What failed and how far, in one line; detection's own title where no measure tells."""
    facts = case.facts
    found = _opening(case)
    if found is None:
        return facts.title or facts.service
    opening = found.whole
    where = f"{facts.service} {opening.operation}".strip()
    worst = extreme(opening)
    if opening.signal is Signal.ALERT:
        return f"{facts.service}: alert {quoted(opening.metric_name, 80)} fired"
    if is_failing(opening):
        return f"{where}: up to {worst} of requests failed, {normal(opening)} before"
    return f"{where}: {in_short(opening.metric_name)} {worst}, {normal(opening)} before"


def summary(case: Case, course: Milestones, cost: Impact) -> tuple[Statement, ...]:
    """Two or three sentences."""
    return tuple(said for said in (_what(case), _why(case, course), _end(case, course, cost)) if said is not None)


def _opening(case: Case) -> Course | None:
    first = next((one for one in case.facts.anomalies if one.is_opening), None)
    return None if first is None else course(first, case.facts.anomalies)


def _what(case: Case) -> Statement:
    facts, found = case.facts, _opening(case)
    opening = None if found is None else found.whole
    if facts.recovered_at:
        when = (f"For {between(facts.onset_at, facts.recovered_at)} on {facts.onset_at:%Y-%m-%d}, "
                f"{from_to(facts.onset_at, facts.recovered_at)} UTC")
    else:
        when = f"From {clock(facts.onset_at)} UTC on {facts.onset_at:%Y-%m-%d} on"
    if opening is None:
        told = f": {quoted(facts.title)}" if facts.title else ""
        said = f"{facts.service} was out of its normal{told}"
    elif opening.signal is Signal.ALERT:
        said = f"the alert {quoted(opening.metric_name, 80)} was firing for {facts.service}"
    elif is_failing(opening):
        said = (f"up to {extreme(opening)} of the requests to {facts.service} failed, against "
                f"{normal(opening)} before")
    else:
        said = (f"{facts.service} was out of its normal: {_its(facts.service, opening)} reached {extreme(opening)}, "
                f"against {normal(opening)} before")
    others = [service for service in facts.services if service != facts.service]
    too = f"; {listed(others, 4)} suffered with it" if others else ""
    return case.say(f"{when}, {said}{too}.", INCIDENT, *(found.keys if found else ()))


def _its(service: str, opening: Anomaly) -> str:
    return its_measure(opening) if opening.service == service else measure(opening)


def _noted(case: Case, moment: Milestone | None, most: int = 240) -> str:
    """What the note of that moment says, quoted; empty where it is none that may be."""
    event = next((event for event in notes_during(case) if moment is not None and event.key == moment.key), None)
    return "" if event is None else quoted(mechanism(event), most)


def _why(case: Case, course: Milestones) -> Statement:
    cause, change = case.cause, culprit_change(case)
    if cause is None or not case.cite(cause.mechanism_keys):
        said = _noted(case, course.diagnosis)
        if said and course.diagnosis is not None:
            return case.say(f"On its cause a responder noted at {clock(course.diagnosis.at)}: {said}",
                            course.diagnosis.key)
        return case.say("What caused it is not known from data.", INCIDENT)
    if not case.is_major:
        return _where(case, cause, change)
    if change is None:
        return case.say(sentence(cause.mechanism), *cause.mechanism_keys)
    clauses: list[str] = []
    keys = [change.key, INCIDENT]
    more = amplification(case.observations, cause.service)
    if more is not None:
        clauses.append(f"with it {cause.service} made {number(more.after)} calls for each request instead of "
                       f"{number(more.before)}")
        keys += [amplified_evidence(case, more), *more.keys]
    full = saturated(case)
    if full is not None:
        clauses.append(f"{'' if clauses else 'with it '}{measure(full.whole)} rose from {normal(full.whole)} to "
                       f"{extreme(full.whole)}")
        keys += full.keys
    if not clauses:
        return case.say(sentence(cause.mechanism), *cause.mechanism_keys)
    gone_out = (f"The likeliest cause is {named(change)}, which went out at {clock(change.occurred_at)}, "
                f"{between(change.occurred_at, case.facts.onset_at)} before: ")
    return case.say(f"{gone_out}{' and '.join(clauses)}.", *keys)


def _where(case: Case, cause: Hypothesis, change: Event | None) -> Statement:
    """In a short text the summary says where the cause lies, and the root cause what it is."""
    if change is not None:
        return case.say(f"The likeliest cause is {named(change)}.", change.key, *cause.mechanism_keys[:1])
    return case.say(f"The likeliest cause lies in {cause.service} ({_kind(cause)}).", *cause.mechanism_keys)


def _kind(cause: Hypothesis) -> str:
    return "CPU" if cause.kind is CauseKind.CPU else cause.kind.value.replace("-", " ")


def _end(case: Case, course: Milestones, cost: Impact) -> Statement | None:
    change = culprit_change(case)
    if course.recovery is None:
        return None
    lost, keys = _lost(case, cost)
    undone = None if change is None else next((event for event in case.events if undoes(event, change)), None)
    if undone is not None:
        return case.say(
            sentence(f"{taken_back(undone)} at {clock(undone.occurred_at)} was followed by recovery "
                     f"{between(undone.occurred_at, course.recovery.at)} later{lost}"), undone.key, INCIDENT, *keys)
    if course.mitigation is not None:
        noted = _noted(case, course.mitigation)
        return case.say(
            f"The first action against it is known from {clock(course.mitigation.at)}"
            f"{f' ({noted})' if noted else ''}; recovery came "
            f"{between(course.mitigation.at, course.recovery.at)} later{lost}.", course.mitigation.key, INCIDENT, *keys)
    return None


def _lost(case: Case, cost: Impact) -> tuple[str, list[str]]:
    """What it cost, where one operation has a value; of several, the impact tells each."""
    keys = [key for part in case.policy.operation_values if case.knows(key := f"derived/cost/{part}")]
    if cost.cost is None or len(keys) != 1:
        return "", []
    return f"; what failed cost about {money(cost.cost, cost.currency)}", keys
