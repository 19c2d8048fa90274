"""The eight parts of a draft, each from the case's material; what the material does not say is asked at its place."""

from dataclasses import replace

from services.drafting.case import Case
from services.drafting.drafts.draft import Draft, Section
from services.drafting.drafts.factors import factors
from services.drafting.drafts.impact import impact
from services.drafting.drafts.lessons import lessons
from services.drafting.drafts.milestones import milestones
from services.drafting.drafts.questions import numbered, questions
from services.drafting.drafts.root_cause import root_cause
from services.drafting.drafts.runbook_steps import alert_names, diagnosis_steps, mitigation_steps, triggers
from services.drafting.drafts.suggestions import suggestions
from services.drafting.drafts.summary import summary, title
from services.drafting.drafts.timeline import timeline
from services.drafting.markdown.document import SectionKind
from services.drafting.showing import INCIDENT
from services.drafting.statements import Statement, quoted

MOST_LOG_PATTERNS = 10


def draft(case: Case) -> Draft:
    """Everything but the Markdown, which rendering.py makes of it."""
    course = milestones(case)
    found, cost, rows = factors(case, course), impact(case), timeline(case)
    items = suggestions(case, course)
    learnt, slow = lessons(case, course)
    sections = (
        Section(SectionKind.TITLE, _severity(case)),
        Section(SectionKind.SUMMARY, summary(case, course, cost)),
        Section(SectionKind.TIMELINE, tuple(row.statement for row in rows)),
        Section(SectionKind.ROOT_CAUSE, root_cause(case, course)),
        Section(SectionKind.FACTORS, tuple(factor.statement for factor in found)),
        Section(SectionKind.IMPACT, cost.statements),
        Section(SectionKind.ACTION_ITEMS),
        Section(SectionKind.LESSONS, learnt),
    )
    asked = numbered(sections, questions(case, course, found, cost, items, slow))
    facts = case.facts
    return Draft(
        incident=facts.name,
        stream=facts.stream,
        title=title(case),
        severity=facts.severity,
        services=facts.services or (facts.service,),
        onset_at=facts.onset_at,
        detected_at=facts.detected_at,
        recovered_at=facts.recovered_at,
        resolved_at=facts.resolved_at,
        sections=tuple(replace(section, questions=those) for section, those in zip(sections, asked, strict=True)),
        timeline=rows,
        factors=found,
        impact=cost,
        action_items=items,
        evidence=tuple(case.book),
        hypotheses=case.hypotheses,
        tags=tuple(dict.fromkeys(factor.category for factor in found)),
        alert_names=alert_names(case),
        log_patterns=tuple(one.template for one in case.moved_patterns()[:MOST_LOG_PATTERNS]),
        triggers=triggers(case),
        diagnosis_steps=diagnosis_steps(case, course),
        mitigation_steps=mitigation_steps(case, course),
        missing=case.gathered.missing,
        ticket_url=case.incident.ticket_url,
        evidence_ids={one.key: one.id for one in case.book},
    )


def _severity(case: Case) -> tuple[Statement, ...]:
    reason = case.facts.severity_reason
    said = f"Severity {case.facts.severity.name}{f', because {quoted(reason)}' if reason else ''}."
    return (case.say(said, INCIDENT),)
