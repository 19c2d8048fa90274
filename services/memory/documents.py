"""The values of this service: documents, the passages they are cut into, and what a passage says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

LIVE = "live"


class Kind(IntEnum):
    """What a document is; the numbers are those of `DocumentKind`."""

    POSTMORTEM = 1
    RUNBOOK = 2


class Role(IntEnum):
    """What a passage says, so that a query of symptoms can meet symptoms; the numbers are those of `PassageRole`."""

    SYMPTOMS = 1
    SUMMARY = 2
    ROOT_CAUSE = 3
    FACTORS = 4
    IMPACT = 5
    TIMELINE = 6
    MITIGATION = 7
    ACTION = 8
    LESSONS = 9
    STEPS = 10
    OTHER = 11


@dataclass(frozen=True, slots=True)
class Passage:
    """The part of a document that is retrieved: one thing said, short enough for the model to read whole."""

    ordinal: int
    role: Role
    heading: str
    text: str

    def for_model(self, title: str) -> str:
        """What the model reads: the passage under its document's title, since a part rarely repeats its subject."""
        return under_title(title, self.text)


def under_title(title: str, text: str) -> str:
    """`text` below the title of its document, unless it begins with it."""
    return f"{title}\n{text}" if title and not text.startswith(title) else text


@dataclass(frozen=True, slots=True)
class Document:
    """A post-mortem or a runbook as memory holds it. `name` is empty until it is stored."""

    kind: Kind
    title: str
    markdown: str
    name: str = ""
    services: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    severity: int = 0
    occurred_at: datetime | None = None
    alert_names: tuple[str, ...] = ()
    log_patterns: tuple[str, ...] = ()
    source_id: str = ""
    url: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None
    stream: str = LIVE
    resolution: str = ""
    etag: str = ""
