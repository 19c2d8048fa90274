"""What a search is asked: words, what is known of an incident, and which documents may be found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from services.memory.documents import LIVE, Kind

_NUMBERED = re.compile(r"\w*\d\w*")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: words, what is known of an incident, or both."""

    text: str = ""
    services: tuple[str, ...] = ()
    alert_names: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    log_patterns: tuple[str, ...] = ()
    error_messages: tuple[str, ...] = ()
    probable_causes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    runbook_urls: tuple[str, ...] = ()

    def words(self) -> str:
        """All that may be found word for word."""
        return "\n".join(part for part in (self.for_model(), *self.services, *self.tags) if part)

    def for_model(self) -> str:
        """What the model reads, the telling parts first, since it reads 256 word pieces at most."""
        parts = (self.text, *self.alert_names, *self.symptoms, *self.error_messages, *self.probable_causes,
                 *self.log_patterns)  # fmt: skip
        return _each_kind_once("\n".join(dict.fromkeys(part.strip() for part in parts if part.strip())))


def _each_kind_once(text: str) -> str:
    """`text` without lines that differ from an earlier one in numbers only: of a pasted log each kind of line once.

    Forty lines of one request would outweigh the sentence above them, in words and in meaning.
    """
    kinds: dict[str, str] = {}
    for line in text.split("\n"):
        kinds.setdefault(_NUMBERED.sub("#", line), line)
    return "\n".join(kinds.values())


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents may be found; empty parts let everything through."""

    kinds: frozenset[Kind] = frozenset()
    services: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    severities: frozenset[int] = frozenset()
    occurred_after: datetime | None = None
    occurred_before: datetime | None = None
    exclude: frozenset[str] = frozenset()
    stream: str = LIVE
    as_of: datetime | None = None
