"""What a search is asked: words, what is known of an incident, and which documents may be found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.memory.documents import LIVE, Kind


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
        return "\n".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


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
