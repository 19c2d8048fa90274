"""A document as search sees it: its names, its terms, the failures it speaks of, its vectors; the text stays away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.memory import failure_modes
from services.memory.documents import Document, Kind, Passage
from services.memory.embedding import Vectors
from services.memory.failure_modes import Counts
from services.memory.identifiers import alert_like, terms

TITLE_WEIGHT = 3  # a term of the title counts as often; measured flat between 2 and 4


@dataclass(frozen=True, slots=True)
class Entry:
    """A document as search sees it; its text stays in PostgreSQL. `position` is of its last change."""

    name: str
    kind: int
    stream: str
    source_id: str
    url: str
    severity: int
    occurred_at: datetime | None
    services: tuple[str, ...]
    tags: tuple[str, ...]
    alert_names: tuple[str, ...]
    """As written; a runbook whose title is one identifier is the runbook of that alert."""
    title_terms: frozenset[str]
    position: int


def entry(document: Document, position: int) -> Entry:
    """What search needs of `document`."""
    return Entry(
        document.name,
        int(document.kind),
        document.stream,
        document.source_id,
        document.url,
        document.severity,
        document.occurred_at,
        tuple(name.lower() for name in document.services),
        tuple(tag.lower() for tag in document.tags),
        alert_names(document),
        frozenset(terms(document.title)),
        position,
    )


def alert_names(document: Document) -> tuple[str, ...]:
    """The alerts that `document` is about: those that it says, and its title when that is written like one."""
    title = document.title.strip()
    is_named_so = document.kind is Kind.RUNBOOK and alert_like(title) == [title.lower()]
    return tuple(dict.fromkeys((*document.alert_names, *((title,) if is_named_so else ()))))


def counted(document: Document, passages: Sequence[Passage]) -> Mapping[str, int]:
    """The terms of a document with their counts: its text once, its title and its names a few times."""
    found = Counter[str]()
    for passage in passages:
        found.update(terms(passage.text))
    for said in (document.title, *document.services, *document.tags):
        for term in terms(said):
            found[term] += TITLE_WEIGHT
    return found


@dataclass(frozen=True, slots=True)
class Remembered:
    """A document to put in, cut, counted and embedded."""

    entry: Entry
    counts: Mapping[str, int]
    modes: Counts
    vectors: Vectors


def remembered(document: Document, passages: Sequence[Passage], vectors: Vectors, position: int) -> Remembered:
    """`document` as search takes it in. vectors: of its passages, shape (passages, dimension)."""
    text = "\n".join((document.title, *(passage.text for passage in passages)))
    return Remembered(
        entry(document, position), counted(document, passages), failure_modes.modes(text), vectors
    )


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A document to take out."""

    name: str
    position: int
