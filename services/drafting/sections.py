"""The eight parts of a draft, each from the case's material; what the material does not say is asked at its place."""

from collections.abc import Iterable
from dataclasses import replace

from services.drafting.case import Case
from services.drafting.draft import Draft, Factor, Impact, Question, Section, SuggestedItem
from services.drafting.factors import FEWEST_FACTORS, factors, notes_during, skipped_checks, traffic_growth
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.impact import impact
from services.drafting.lessons import lessons, unknown_moments
from services.drafting.log_story import story
from services.drafting.markdown import SectionKind
from services.drafting.milestones import Milestones, culprit_change, milestones, undoes
from services.drafting.observations import Deploy, Event, Note
from services.drafting.runbook_steps import diagnosis_steps, mitigation_steps, triggers
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement, quoted
from services.drafting.suggestions import suggestions
from services.drafting.timeline import event_sentence, timeline
from services.drafting.wording import between, clock, counted, listed, quantity

Asked = list[tuple[SectionKind, str]]


def draft(case: Case) -> Draft:
    """Everything but the Markdown, which rendering.py makes of it."""
    course = milestones(case)
    found = factors(case, course)
    cost = impact(case)
    items = suggestions(case, course, found)
    rows = timeline(case)
    learnt, slow = lessons(case, course)
    asked: Asked = []
    sections = (
        Section(SectionKind.TITLE, _title(case)),
        Section(SectionKind.SUMMARY, _summary(case, course, cost)),
        Section(SectionKind.TIMELINE, tuple(row.statement for row in rows)),
        Section(SectionKind.ROOT_CAUSE, _root_cause(case, course, asked)),
        Section(SectionKind.FACTORS, tuple(factor.statement for factor in found)),
        Section(SectionKind.IMPACT, cost.statements),
        Section(SectionKind.ACTION_ITEMS),
        Section(SectionKind.LESSONS, learnt),
    )
    asked += [(SectionKind.TIMELINE, text) for text in unknown_moments(course)]
    asked += [(SectionKind.FACTORS, text) for text in _factor_questions(case, found)]
    asked += [(SectionKind.IMPACT, text) for text in _impact_questions(case, cost)]
    asked += [(SectionKind.ACTION_ITEMS, text) for text in _item_questions(items)]
    asked += [(SectionKind.LESSONS, text) for text in slow[: 1 if case.is_major else 0]]
    asked += [
        (
            SectionKind.SUMMARY,
            f"This could not be had when the draft was written: {what}. Is anything missing that matters?",
        )
        for what in case.gathered.missing
    ]
    facts = case.facts
    return Draft(
        incident=facts.name,
        stream=facts.stream,
        title=facts.title or facts.service,
        severity=facts.severity,
        services=facts.services or (facts.service,),
        onset_at=facts.onset_at,
        detected_at=facts.detected_at,
        recovered_at=facts.recovered_at,
        resolved_at=facts.resolved_at,
        sections=_with_questions(sections, asked),
        timeline=rows,
        factors=found,
        impact=cost,
        action_items=items,
        evidence=tuple(case.book),
        hypotheses=case.hypotheses,
        tags=tuple(dict.fromkeys(factor.category for factor in found)),
        alert_names=_alert_names(case),
        log_patterns=tuple(one.template for one in case.moved_patterns()[:10]),
        triggers=triggers(case),
        diagnosis_steps=diagnosis_steps(case, course),
        mitigation_steps=mitigation_steps(case, course),
        missing=case.gathered.missing,
        ticket_url=case.incident.ticket_url,
        evidence_ids={one.key: one.id for one in case.book},
    )


def _with_questions(sections: Iterable[Section], asked: Asked) -> tuple[Section, ...]:
    """Questions numbered in the order of the sections."""
    numbered: list[Section] = []
    count = 0
    for section in sections:
        texts = list(dict.fromkeys(text for kind, text in asked if kind is section.kind))
        questions = tuple(Question(f"Q{count + place}", section.kind, text) for place, text in enumerate(texts, 1))
        count += len(questions)
        numbered.append(replace(section, questions=questions))
    return tuple(numbered)


def _title(case: Case) -> tuple[Statement, ...]:
    reason = case.facts.severity_reason
    return (
        case.say(f"Severity {case.facts.severity.name}{f', because {quoted(reason)}' if reason else ''}.", INCIDENT),
    )


def _summary(case: Case, course: Milestones, cost: Impact) -> tuple[Statement, ...]:
    facts = case.facts
    opening = next((one for one in facts.anomalies if one.is_opening), None)
    lasted = (
        f" for {between(facts.onset_at, facts.recovered_at)}, from {clock(facts.onset_at)} to "
        f"{clock(facts.recovered_at)} UTC on {facts.onset_at:%Y-%m-%d}"
        if facts.recovered_at
        else f" from {clock(facts.onset_at)} UTC on {facts.onset_at:%Y-%m-%d} on"
    )
    said = [
        case.say(
            f"{facts.service} was out of its normal{lasted}"
            + (
                f": {opening.metric_name} reached {quantity(opening.peak_observed, opening.unit)} against "
                f"{quantity(opening.baseline, opening.unit)} before"
                if opening and opening.peak_at
                else ""
            )
            + ".",
            INCIDENT,
            *((opening.key,) if opening else ()),
        )
    ]
    cause, change = case.cause, culprit_change(case)
    if cause is not None and case.cite(cause.mechanism_keys):
        said.append(case.say(cause.mechanism, *cause.mechanism_keys))
    else:
        said.append(case.say("What caused it is not known from data.", INCIDENT))
    undone = None if change is None else next((event for event in case.events if undoes(event, change)), None)
    if undone is not None and course.recovery is not None:
        said.append(
            case.say(
                f"{_action(undone)} at {clock(undone.occurred_at)} was followed by recovery "
                f"{between(undone.occurred_at, course.recovery.at)} later.",
                undone.key,
                INCIDENT,
            )
        )
    elif course.mitigation is not None and course.recovery is not None:
        said.append(
            case.say(
                f"The first action against it is known from {clock(course.mitigation.at)}; recovery came "
                f"{between(course.mitigation.at, course.recovery.at)} later.",
                course.mitigation.key,
                INCIDENT,
            )
        )
    return tuple(said)


def _action(event: Event) -> str:
    if isinstance(event.detail, Deploy):
        return f"The rollback to {event.detail.version}"
    return "Taking the change back"


def _root_cause(case: Case, course: Milestones, asked: Asked) -> tuple[Statement, ...]:
    cause, change = case.cause, culprit_change(case)
    said: list[Statement] = []
    if cause is None or not case.cite(cause.mechanism_keys):
        said.append(case.say("No cause could be told from data.", INCIDENT))
        likely = [one for one in case.hypotheses if one.kind is not CauseKind.UNKNOWN and case.cite(one.mechanism_keys)]
        said += [case.say(f"Possible: {one.mechanism}", *one.mechanism_keys) for one in likely[:2]]
        asked.append((SectionKind.ROOT_CAUSE, "What caused this incident, and what shows it?"))
        return tuple(said)
    said.append(case.say(cause.mechanism, *cause.mechanism_keys))
    if change is not None:
        said += _about_change(case, change)
        undone = next((event for event in case.events if undoes(event, change)), None)
        if undone is not None and case.facts.recovered_at is not None:
            said.append(
                case.say(
                    f"It was taken back at {clock(undone.occurred_at)}, and {case.facts.service} was back in its "
                    f"baseline {between(undone.occurred_at, case.facts.recovered_at)} later.",
                    undone.key,
                    INCIDENT,
                )
            )
        if not skipped_checks(change):
            text = "Was the change tested under the load at which it failed? No evidence of it was found."
            asked.append((SectionKind.ROOT_CAUSE, text))
    told = notes_during(case)
    quotable = [event for event in told if isinstance(event.detail, Note)]
    diagnosis = next((event for event in quotable if course.diagnosis and event.key == course.diagnosis.key), None)
    for event in [diagnosis] if diagnosis else quotable[:1]:
        if isinstance(event.detail, Note):
            said.append(
                case.say(
                    f"A responder noted at {clock(event.occurred_at)}: {quoted(event.detail.text, 600)}", event.key
                )
            )
    said += story(case, most=4 if case.is_major else 1)
    said += _traces(case, most=2 if case.is_major else 0)
    said += _against(case)
    return tuple(said)


def _about_change(case: Case, change: Event) -> list[Statement]:
    deploy = change.detail
    said = []
    if not isinstance(deploy, Deploy):
        return [
            case.say(
                f"{event_sentence(change)} That was {between(change.occurred_at, case.facts.onset_at)} before the "
                "onset.",
                change.key,
                INCIDENT,
            )
        ]
    replaced = f", replacing {deploy.previous_version}," if deploy.previous_version else ""
    said.append(
        case.say(
            f"{deploy.version}{replaced} went out at {clock(change.occurred_at)}, "
            f"{between(change.occurred_at, case.facts.onset_at)} before the onset.",
            change.key,
            INCIDENT,
        )
    )
    if deploy.changed_files:
        said.append(
            case.say(
                f"It changed {counted(len(deploy.changed_files), 'file')}, among them "
                f"{listed(deploy.changed_files[:3])}.",
                change.key,
            )
        )
    if deploy.description:
        said.append(case.say(f"Its description says: {quoted(deploy.description, 300)}", change.key))
    return said


def _traces(case: Case, most: int) -> list[Statement]:
    said = []
    for trace in case.observations.traces[:most]:
        path = list(dict.fromkeys(trace.error_path))
        if len(path) > 1:
            said.append(
                case.say(
                    f"The recorded trace {trace.trace_id} failed along {listed(path)}; the error began in {path[-1]}.",
                    trace.key,
                )
            )
    return said


def _against(case: Case) -> list[Statement]:
    """The runner-up, where it is nearly as likely, and what speaks against the first."""
    cause = case.cause
    said = []
    if cause is not None and case.cite(cause.evidence_against):
        said.append(
            case.say(f"Not everything fits: see what speaks against {cause.service}.", *cause.evidence_against[:3])
        )
    return said


def _factor_questions(case: Case, found: tuple[Factor, ...]) -> Iterable[str]:
    categories = {factor.category for factor in found}
    if len(found) < FEWEST_FACTORS:
        yield (
            f"Data shows {len(found)} contributing factors. What else made this incident possible, longer or worse?"
            if found
            else "No contributing factor could be shown from data. What made this incident possible?"
        )
    if case.is_major and "process" not in categories:
        yield "Which step of the process could have caught this before production, and what let it pass?"
    if case.is_major and "capacity" not in categories and traffic_growth(case) is None:
        yield "Was a limit reached that nobody watches?"


def _impact_questions(case: Case, cost: Impact) -> Iterable[str]:
    if cost.failed_requests is None:
        yield f"How many requests of {case.facts.service} failed? No request metric of it tells."
    if cost.affected_users is None and case.is_major:
        yield "How many users were affected? No span or line of the window carries a user attribute."
    if cost.cost is None and case.is_major:
        yield "Did this cost revenue? No value is configured for the operations that failed."


def _item_questions(items: tuple[SuggestedItem, ...]) -> Iterable[str]:
    if not items:
        yield "What work follows from this? No data asks for any."
    elif any(not item.owner for item in items):
        yield "Who owns the items without an owner? The ownership catalogue names nobody for their services."


def _alert_names(case: Case) -> tuple[str, ...]:
    names = (getattr(event.detail, "alert_name", "") for event in case.events)
    return tuple(dict.fromkeys(name for name in names if name))
