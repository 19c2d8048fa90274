"""What a published post-mortem teaches: the document that memory keeps, and the steps of a runbook.

Read from the evidence that its text still refers to, and from the text itself: what a reviewer struck out teaches
nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from afteraction.v1 import document_pb2
from afteraction.v1.evidence_pb2 import (
    EVIDENCE_KIND_ALERT,
    EVIDENCE_KIND_ANOMALY,
    EVIDENCE_KIND_CONFIG_CHANGE,
    EVIDENCE_KIND_DEPLOY,
    EVIDENCE_KIND_FLAG_CHANGE,
    EVIDENCE_KIND_LOG_PATTERN,
    EVIDENCE_KIND_METRIC,
    EVIDENCE_KIND_NOTE,
    EVIDENCE_KIND_PAGE,
    EVIDENCE_KIND_SPAN,
    Evidence,
)
from afteraction.v1.postmortem_pb2 import SECTION_KIND_ROOT_CAUSE, Postmortem
from services.drafting.markdown.document import references, without_references
from services.drafting.publishing.titles import failure, title
from services.drafting.statements import quoted

_MOST_TRIGGERS = 5
_MOST_STEPS = 6
_MOST_PATTERNS = 20
_SYMPTOMS = (EVIDENCE_KIND_ANOMALY, EVIDENCE_KIND_METRIC, EVIDENCE_KIND_LOG_PATTERN, EVIDENCE_KIND_SPAN)
_CHANGES = (EVIDENCE_KIND_DEPLOY, EVIDENCE_KIND_CONFIG_CHANGE, EVIDENCE_KIND_FLAG_CHANGE)
_MITIGATION = re.compile(
    r"\b(?:roll(?:ed|ing)?[ -]?back|rollback|revert\w*|restart\w*|scal(?:ed?|ing) (?:up|out)|fail(?:ed)?[ -]?over|"
    r"disabl\w+|switch\w* off|turn\w* off|drain\w*|purg\w+|mitigat\w+|block\w+|throttl\w+|increas\w+|rais(?:ed|ing)|"
    r"renew\w*|rotat\w+|clear\w*|free\w* (?:up )?(?:disk|space))\b",
    re.IGNORECASE,
)
# Times of one incident are no part of a step that serves the next.
_TIME = re.compile(
    r"\s*\(?\b(?:at|since|from|by|around)?\s*(?:\d{4}-\d{2}-\d{2}[T ])?"
    r"\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\s*(?:UTC|Z)?\b\)?"
)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to do about a failure mode, as one incident showed it."""

    title: str
    service: str
    category: str
    triggers: tuple[str, ...]
    diagnosis_steps: tuple[str, ...]
    mitigation_steps: tuple[str, ...]
    alert_names: tuple[str, ...]


def document(postmortem: Postmortem) -> document_pb2.Document:
    """The post-mortem as memory remembers it; its identity is its name, so that an amendment replaces it."""
    named = _in_text(postmortem)
    patterns = list(postmortem.lesson.log_patterns) or [
        _pattern(evidence) for evidence in named if evidence.kind == EVIDENCE_KIND_LOG_PATTERN
    ]
    message = document_pb2.Document(
        kind=document_pb2.DOCUMENT_KIND_POSTMORTEM,
        title=postmortem.title[:1024] or postmortem.name,
        markdown=postmortem.markdown,
        services=postmortem.services[:200],
        tags=postmortem.tags[:200],
        severity=postmortem.severity,
        alert_names=list(postmortem.lesson.alert_names) or _alerts(named),
        log_patterns=list(dict.fromkeys(filter(None, patterns)))[:_MOST_PATTERNS],
        source_id=postmortem.name,
        url=f"/{postmortem.name}",
        stream=postmortem.stream,
        resolution=resolution(postmortem)[:4000],
    )
    if postmortem.HasField("onset_at"):
        message.occurred_at.CopyFrom(postmortem.onset_at)
    return message


def lesson(postmortem: Postmortem) -> Lesson:
    """The steps that found the cause and those that ended it."""
    named = _in_text(postmortem)
    symptoms = sorted(
        (evidence for evidence in named if evidence.kind in _SYMPTOMS), key=lambda evidence: -evidence.strength
    )
    drafted = postmortem.lesson
    category = postmortem.factors[0].category if postmortem.factors else next(iter(postmortem.tags), "")
    service = next((h.service for h in postmortem.hypotheses if h.service), "") or next(iter(postmortem.services), "")
    failed = failure(postmortem, category or "unknown")
    return Lesson(
        title=title(service, failed, _causes(postmortem)),
        service=service,
        # The failure, not what led to it: a pool that is used up is mended alike after a deploy and after a surge.
        category=failed.replace(" ", "-"),
        triggers=tuple(drafted.triggers) or _steps(_symptom(evidence) for evidence in symptoms)[:_MOST_TRIGGERS],
        diagnosis_steps=tuple(drafted.diagnosis_steps) or _diagnosis(postmortem, named)[:_MOST_STEPS],
        mitigation_steps=tuple(drafted.mitigation_steps)
        or _steps(evidence.statement for evidence in _mitigations(postmortem, named))[:_MOST_STEPS],
        alert_names=tuple(drafted.alert_names) or tuple(_alerts(named)),
    )


def resolution(postmortem: Postmortem) -> str:
    """What fixed it, in one or two sentences; empty where nothing shows it."""
    return " ".join(_sentence(evidence.statement) for evidence in _mitigations(postmortem, _in_text(postmortem))[:2])


def _in_text(postmortem: Postmortem) -> list[Evidence]:
    """The evidence that the text refers to, in its order of time; all of it where the text refers to none."""
    marked = set(references(postmortem.markdown))
    found = [evidence for evidence in postmortem.evidence if evidence.id in marked] or list(postmortem.evidence)
    return sorted(found, key=lambda evidence: (evidence.occurred_at.seconds, evidence.occurred_at.nanos))


def _mitigations(postmortem: Postmortem, named: Iterable[Evidence]) -> list[Evidence]:
    """Changes after the onset that undo or relieve something; notes that say so where no change does."""
    after = [evidence for evidence in named if evidence.occurred_at.seconds > postmortem.onset_at.seconds]
    changes = [evidence for evidence in after if evidence.kind in _CHANGES and _is_mitigation(evidence)]
    notes = [e for e in after if e.kind == EVIDENCE_KIND_NOTE and _MITIGATION.search(e.statement)]
    return changes or notes


def _is_mitigation(evidence: Evidence) -> bool:
    said = evidence.values.get("is_rollback", evidence.values.get("rollback", "")).casefold()
    return said in ("true", "yes", "1") or bool(_MITIGATION.search(evidence.statement))


def _diagnosis(postmortem: Postmortem, named: Iterable[Evidence]) -> tuple[str, ...]:
    """What the root cause rests on: to be looked for again, in the order in which it was seen."""
    section = next((each for each in postmortem.sections if each.kind == SECTION_KIND_ROOT_CAUSE), None)
    marked = set(references(section.markdown)) if section else set()
    if not marked and postmortem.hypotheses:
        marked = set(postmortem.hypotheses[0].evidence_for)
    onset = postmortem.onset_at.seconds
    return _steps(
        f"Check whether this is so again: {_sentence(evidence.statement)}"
        for evidence in named
        if evidence.id in marked
        and not (evidence.kind in _CHANGES and evidence.occurred_at.seconds > onset)
        and evidence.kind not in (EVIDENCE_KIND_PAGE, EVIDENCE_KIND_ALERT)
    )


def _causes(postmortem: Postmortem) -> list[Evidence]:
    """What the likeliest cause rests on, without what undid it."""
    first = next(iter(postmortem.hypotheses), None)
    ids = {*first.mechanism.evidence_ids, *first.evidence_for} if first is not None else set[str]()
    before = (each for each in postmortem.evidence if each.occurred_at.seconds <= postmortem.onset_at.seconds)
    return [each for each in before if each.id in ids]


def _symptom(evidence: Evidence) -> str:
    pattern = _pattern(evidence) if evidence.kind == EVIDENCE_KIND_LOG_PATTERN else ""
    return f"Log lines like: {quoted(pattern)}" if pattern else evidence.statement


def _pattern(evidence: Evidence) -> str:
    for key in ("template", "pattern"):
        if evidence.values.get(key):
            return evidence.values[key]
    return evidence.example or evidence.statement


def _alerts(named: Iterable[Evidence]) -> list[str]:
    names = (
        evidence.values.get("alert_name") or evidence.values.get("alert") or evidence.values.get("name") or ""
        for evidence in named
        if evidence.kind == EVIDENCE_KIND_ALERT
    )
    return list(dict.fromkeys(filter(None, names)))


def _steps(statements: Iterable[str]) -> tuple[str, ...]:
    plain = (" ".join(_TIME.sub("", without_references(statement)).split()) for statement in statements)
    return tuple(dict.fromkeys(filter(None, plain)))


def _sentence(text: str) -> str:
    plain = without_references(text)
    return plain if not plain or plain.endswith((".", "!", "?")) else f"{plain}."
