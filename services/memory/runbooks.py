"""The runbook of a failure mode: learnt from published post-mortems, revised by people, never taken from them.

Pure. A runbook that nobody edited is rewritten with what a new post-mortem teaches; one that a person has edited gets a
proposal instead, shown as a difference against the person's text.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from services.memory.documents import LIVE, Document, Kind, Role
from services.memory.importing.sections import sections
from services.memory.passages import plain
from shared.names import deterministic_id
from shared.plain_text import code
from shared.plain_text import markdown as shown

_EXAMPLE = re.compile(r"\s*\([^()]*\)\s*$")

MOST_STEPS = 40  # of one kind; who has more has several runbooks in one


@dataclass(frozen=True, slots=True)
class Proposal:
    """A revision that waits for a person."""

    id: str
    postmortem: str
    markdown: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Runbook:
    """What to do about a failure mode of a service."""

    name: str
    title: str
    service: str
    category: str
    stream: str = LIVE
    markdown: str = ""
    triggers: tuple[str, ...] = ()
    diagnosis_steps: tuple[str, ...] = ()
    mitigation_steps: tuple[str, ...] = ()
    postmortems: tuple[str, ...] = ()
    alert_names: tuple[str, ...] = ()
    url: str = ""
    times_used: int = 0
    last_verified_at: datetime | None = None
    revision: int = 0
    is_edited: bool = False
    document: str = ""
    proposals: tuple[Proposal, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a published post-mortem teaches about a failure mode."""

    postmortem: str
    service: str
    category: str
    stream: str = LIVE
    title: str = ""
    triggers: tuple[str, ...] = ()
    diagnosis_steps: tuple[str, ...] = ()
    mitigation_steps: tuple[str, ...] = ()
    alert_names: tuple[str, ...] = ()
    verified_at: datetime | None = None
    runbook: str = ""


def name_of(lesson: Lesson) -> str:
    """The runbook that the lesson names; else that of its failure mode, which has one name: service and category in a
    stream."""
    return lesson.runbook or f"runbooks/{deterministic_id(lesson.stream, lesson.service, lesson.category)}"


def name_for_document(document: str) -> str:
    """The name of the runbook that a person brought as `document`."""
    return f"runbooks/{deterministic_id('document', document)}"


def begun(lesson: Lesson) -> Runbook:
    """An empty runbook for the lesson's failure mode."""
    failure = lesson.category.replace("_", " ").replace("-", " ").strip()
    title = lesson.title or f"{lesson.service}: {failure}" if lesson.service else lesson.title or failure
    return Runbook(name_of(lesson), title, lesson.service, lesson.category, lesson.stream)


def taught(runbook: Runbook, lesson: Lesson) -> Runbook:
    """`runbook` with what the lesson adds; the same lesson again adds nothing. The text is written anew."""
    known = runbook.last_verified_at
    later = max((at for at in (known, lesson.verified_at) if at is not None), default=None)
    learnt = replace(
        runbook,
        triggers=_joined(runbook.triggers, lesson.triggers),
        diagnosis_steps=_joined(runbook.diagnosis_steps, lesson.diagnosis_steps),
        mitigation_steps=_joined(runbook.mitigation_steps, lesson.mitigation_steps),
        alert_names=_joined(runbook.alert_names, lesson.alert_names),
        postmortems=_joined(runbook.postmortems, (lesson.postmortem,)),
        last_verified_at=later,
    )
    return replace(learnt, markdown=written(learnt))


def written(runbook: Runbook) -> str:
    """The Markdown of a runbook, from its parts, which are plain text: a log line in one of them stays a log line."""
    parts = [f"# {shown(runbook.title)}"]
    facts = []
    if runbook.service:
        facts.append(f"Service: {shown(runbook.service)}")
    if runbook.category:
        facts.append(f"Failure mode: {shown(runbook.category.replace('-', ' ').replace('_', ' '))}")
    if runbook.last_verified_at:
        facts.append(f"Last verified: {runbook.last_verified_at:%Y-%m-%d %H:%M} UTC")
    parts.append("\n".join(f"- {fact}" for fact in facts))
    symptoms = [shown(each) for each in runbook.triggers]
    parts.append(_section("Symptoms", (*symptoms, *(f"Alert {code(name)}" for name in runbook.alert_names))))
    parts.append(_section("Diagnosis", map(shown, runbook.diagnosis_steps), numbered=True))
    parts.append(_section("Mitigation", map(shown, runbook.mitigation_steps), numbered=True))
    parts.append(_section("Learnt from", runbook.postmortems))
    return "\n\n".join(part for part in parts if part) + "\n"


def edited(runbook: Runbook, markdown: str) -> Runbook:
    """`runbook` with a person's text; from now on generated text comes as proposals."""
    return replace(runbook, markdown=markdown, title=_title(markdown) or runbook.title, is_edited=True)


def difference(before: str, after: str) -> str:
    """Unified diff from the present text to a proposed one."""
    return "\n".join(
        difflib.unified_diff(before.splitlines(), after.splitlines(), "present", "proposed", lineterm="")
    )


def proposal(runbook: Runbook, lesson: Lesson) -> Proposal:
    """What the lesson would add to a person's text, below the sections that it already has."""
    markdown = _with_additions(runbook.markdown, lesson)
    return Proposal(f"p{deterministic_id(runbook.name, lesson.postmortem, markdown)}", lesson.postmortem, markdown)


def brought_again(runbook: Runbook, markdown: str) -> Proposal:
    """What the file says now from which `runbook` came; a person edited the runbook here since."""
    return Proposal(f"p{deterministic_id(runbook.name, 'file', markdown)}", "", markdown)


def as_document(runbook: Runbook) -> Document:
    """How a runbook is found."""
    return Document(
        kind=Kind.RUNBOOK,
        title=runbook.title,
        markdown=runbook.markdown,
        services=(runbook.service,) if runbook.service else (),
        tags=(runbook.category,) if runbook.category else (),
        alert_names=runbook.alert_names,
        source_id=runbook.name,
        url=runbook.url,
        stream=runbook.stream,
    )


def adopted(document: Document) -> Runbook:
    """The runbook that a person brought as `document`: theirs, so nothing overwrites it."""
    parts = sections(document.markdown)
    steps = [_steps(part.text) for part in parts if part.role is Role.STEPS]
    fixes = [_steps(part.text) for part in parts if part.role is Role.MITIGATION]
    symptoms = [_steps(part.text) for part in parts if part.role is Role.SYMPTOMS]
    return Runbook(
        name=name_for_document(document.name),
        title=document.title,
        service=document.services[0] if document.services else "",
        category="",
        stream=document.stream,
        markdown=document.markdown,
        triggers=_joined((), sum(symptoms, ())),
        diagnosis_steps=_joined((), sum(steps, ())),
        mitigation_steps=_joined((), sum(fixes, ())),
        alert_names=document.alert_names,
        url=document.url,
        is_edited=True,
        document=document.name,
    )


def _with_additions(markdown: str, lesson: Lesson) -> str:
    text = markdown.rstrip()
    for heading, roles, new in (
        ("Symptoms", (Role.SYMPTOMS,), tuple(map(shown, lesson.triggers))),
        ("Diagnosis", (Role.STEPS,), tuple(map(shown, lesson.diagnosis_steps))),
        ("Mitigation", (Role.MITIGATION,), tuple(map(shown, lesson.mitigation_steps))),
        ("Learnt from", (), (lesson.postmortem,)),
    ):
        missing = [each for each in new if each.strip() and each.strip() not in text]
        if missing:
            text = _inserted(text, heading, roles, missing)
    return text + "\n"


def _inserted(text: str, heading: str, roles: tuple[Role, ...], lines: list[str]) -> str:
    """`text` with bullets at the end of the first section of one of `roles`, or of that heading; else in a new one."""
    added = "\n".join(f"- {line}" for line in lines)
    for part in sections(text):
        is_it = part.level > 0 and (part.role in roles or part.heading == heading)
        if is_it and part.text.strip() and text.count(part.text) == 1:
            return text.replace(part.text, f"{part.text.rstrip()}\n{added}", 1)
    return f"{text}\n\n## {heading}\n\n{added}"


def _section(heading: str, lines: Iterable[str], *, numbered: bool = False) -> str:
    kept = [" ".join(line.split()) for line in lines if line.strip()]
    if not kept:
        return ""
    marks = (f"{at}." if numbered else "-" for at in range(1, len(kept) + 1))
    return f"## {heading}\n\n" + "\n".join(f"{mark} {line}" for mark, line in zip(marks, kept, strict=True))


def _steps(text: str) -> tuple[str, ...]:
    lines = (re.sub(r"^\s*(?:[-*+]|\d+[.)])\s+", "", line).strip() for line in plain(text).split("\n"))
    return tuple(line[:1000] for line in lines if len(line) > 3)


def _joined(known: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    """Both, each thing said once, in the order in which it was first said.

    What stands in brackets at the end is an example (`(2,310 lines then)`): another one says nothing else, and the
    newest is shown.
    """
    said: dict[str, str] = {}
    for each in (*known, *new):
        if each.strip() and (_EXAMPLE.search(each) or _gist(each) not in said):
            said[_gist(each)] = each
    return tuple(said.values())[:MOST_STEPS]


def _gist(step: str) -> str:
    return " ".join(_EXAMPLE.sub("", step).lower().split())


def _title(markdown: str) -> str:
    match = re.search(r"^#\s+(.+?)\s*#*$", markdown, re.MULTILINE)
    return match.group(1)[:512] if match else ""
