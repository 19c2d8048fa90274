"""A Markdown file, as a team keeps it, read as a document.

`read` is what to call. It never raises on content: a file that cannot be a document is `Skipped` with a reason that
its owner understands, because one bad file must not end the import of a thousand.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from services.memory.documents import LIVE, Document, Kind, Role
from services.memory.importing import front_matter
from services.memory.importing.sections import Section, role_of, sections
from services.memory.importing.times import times

MOST_BYTES = 1_048_576
MOST_TITLE = 1024

_SUFFIXES = {".md", ".markdown", ".mdown", ".mkd", ".mdx", ".txt", ".adoc", ".asciidoc", ""}
# Files that a repository of post-mortems holds besides them.
_NOT_DOCUMENTS = re.compile(
    r"\A(readme|contributing|changelog|license|licence|code[-_]of[-_]conduct|security|authors|_?index|summary|"
    r".*template.*)\Z",
    re.IGNORECASE,
)
_RUNBOOK_PATH = re.compile(r"run[-_ ]?books?|play[-_ ]?books?|\bsops?\b", re.IGNORECASE)
_POSTMORTEM_PATH = re.compile(
    r"post[-_ ]?mortems?|incidents?|outages?|\brcas?\b|\bpirs?\b|retrospectives?|"
    r"ausfall|störung|panne|incidencia|incidente|障害|故障|事故",
    re.IGNORECASE,
)
_SEVERITY = re.compile(r"\b(?:sev(?:erity)?[-_ ]?:?\s*|priority[-_ ]?:?\s*|p)([1-5])\b", re.IGNORECASE)
_FIRST_HEADING = re.compile(r"\A\s*#\s+(.+?)\s*#*\s*$", re.MULTILINE)

_OPENING = re.compile(
    r"\A\s*((?:post[-_ ]?mortem|incident|outage|run[-_ ]?book|play[-_ ]?book)\b[^\n]{0,200})(?:\n|\Z)", re.IGNORECASE
)
"""A first line of plain text that says what it is about: `Postmortem: flux capacitor overload`."""

_LOOKS_BACK = re.compile(
    r"summary|tl;?dr|what happened|impact|affected|damage|blast radius|[^\W\da-zA-Z_]", re.IGNORECASE
)
_OF_AN_INCIDENT = frozenset(("start_time", "started_at", "occurred_at", "end_time", "severity", "sev", "incident_date"))


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that became a document, with what was recognised in it."""

    document: Document
    sections: tuple[str, ...]
    times: int
    notes: str = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that did not, and why."""

    reason: str


def read(path: str, content: bytes, *, kind: Kind | None = None, stream: str = LIVE) -> Imported | Skipped:
    """`content` of the file at `path` (relative to what the caller named) as a document.

    kind: what the caller says it is; None: told from front matter, headings and path, in this order.
    """
    place = PurePosixPath(path.replace("\\", "/"))
    if place.suffix.lower() not in _SUFFIXES:
        return Skipped(f"{place.suffix} is not Markdown or text")
    if kind is None and _NOT_DOCUMENTS.match(place.stem) and len(place.parts) <= 8:
        return Skipped(f"{place.name} is about the collection, not a document of it; name its kind to import it")
    text = _decoded(content)
    if isinstance(text, Skipped):
        return text
    front, body = front_matter.split(text)
    parts = sections(body)
    title = _title(front, body, place)
    told = kind or _kind(front, title, parts, place, body)
    if told is None:
        return Skipped(
            "neither post-mortem nor runbook: no such heading (Summary, Impact, Root cause, Timeline; Diagnosis, "
            "Mitigation, Steps) nor title nor kind in the front matter; say which it is with --kind"
        )
    mentions = times(f"{title}\n{front_matter.string(front, 'date', 'start_time')}\n{body}")
    document = Document(
        kind=told,
        title=title,
        markdown=text,
        services=front_matter.strings(front, "services", "service", "component", "components"),
        tags=front_matter.strings(front, "tags", "tag", "categories", "category", "labels"),
        severity=_severity(front, title),
        occurred_at=front_matter.moment(front, "occurred_at", "start_time", "started_at", "date", "incident_date")
        or (mentions[0].at if mentions and told is Kind.POSTMORTEM else None),
        alert_names=front_matter.strings(front, "alerts", "alert", "alert_names", "alertname"),
        source_id=path[:2048],
        url=front_matter.string(front, "url", "source", "link", "runbook_url")[:2048],
        stream=stream,
    )
    recognised = tuple(dict.fromkeys(part.role.name.lower() for part in parts if part.role is not Role.OTHER))
    notes = []
    if not recognised:
        notes.append("no section recognised; the text is searched as one")
    if front_matter.looks_unread(text):
        notes.append("its front matter is no YAML and was not read")
    return Imported(document, recognised, len(mentions), "; ".join(notes))


def _decoded(content: bytes) -> str | Skipped:
    if len(content) > MOST_BYTES:
        return Skipped(f"{len(content)} bytes; a document has at most {MOST_BYTES}")
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        return Skipped(f"not {error.encoding} text: byte {error.start} is {content[error.start]:#04x}")
    if "\x00" in text:
        return Skipped("holds NUL characters: binary, not text")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.strip() else Skipped("empty")


def _kind(
    front: Mapping[str, object], title: str, parts: list[Section], place: PurePosixPath, body: str
) -> Kind | None:
    said = front_matter.string(front, "kind", "type", "document_type").lower()
    if said:
        if _RUNBOOK_PATH.search(said):
            return Kind.RUNBOOK
        if _POSTMORTEM_PATH.search(said):
            return Kind.POSTMORTEM
    roles = {role for part in parts if part.heading and (role := role_of(part.heading))}
    if Role.STEPS in roles and not roles & {Role.TIMELINE, Role.LESSONS, Role.FACTORS}:
        return Kind.RUNBOOK
    if roles & {Role.TIMELINE, Role.ROOT_CAUSE, Role.LESSONS, Role.FACTORS, Role.ACTION}:
        return Kind.POSTMORTEM
    # `Overview` and `Scope` stand in any text; these words stand in what is written after something happened. Of the
    # headings in other languages only telling ones are known.
    if any(part.role in (Role.SUMMARY, Role.IMPACT) and _LOOKS_BACK.search(part.heading) for part in parts):
        return Kind.POSTMORTEM
    where = "/".join((*place.parts, title))
    if _RUNBOOK_PATH.search(where):
        return Kind.RUNBOOK
    if _POSTMORTEM_PATH.search(where) or times(body):
        return Kind.POSTMORTEM
    if _OF_AN_INCIDENT & front.keys():
        return Kind.POSTMORTEM
    return Kind.RUNBOOK if roles & {Role.MITIGATION, Role.STEPS} else None


def _title(front: Mapping[str, object], body: str, place: PurePosixPath) -> str:
    match = _FIRST_HEADING.search(body.lstrip())
    heading = match.group(1) if match and match.start() == 0 else ""
    first = next((part.heading for part in sections(body) if part.heading), "")
    opening = _OPENING.match(body)
    said = (
        heading
        or front_matter.string(front, "title", "name")
        or (opening.group(1) if opening else "")
        or (first if role_of(first) is None else "")
    )
    return (re.sub(r"[*`]", "", said).strip() or re.sub(r"[-_]+", " ", place.stem).strip() or "untitled")[:MOST_TITLE]


def _severity(front: Mapping[str, object], title: str) -> int:
    """1 to 5 as `Severity` numbers them, 0 where nothing says."""
    said = front_matter.string(front, "severity", "priority", "sev")
    match = _SEVERITY.search(f"severity {said}" if said.isdigit() else said) or _SEVERITY.search(title)
    return int(match.group(1)) if match else 0
