"""Facts that can be shown, numbered within their incident and frozen with it.

An evidence says one fact in one sentence, with the numbers, names and times in it as `values`, so that whatever is
written about the incident can be checked against it after the telemetry itself is gone. `Book` gives out the numbers:
the same fact has the same one in every version of the card and in the draft.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum


class EvidenceKind(Enum):
    """What kind of fact; the numbers are those of the contract."""

    ANOMALY = 1
    METRIC = 2
    LOG_PATTERN = 3
    SPAN = 4
    CALL = 5
    DEPLOY = 6
    CONFIG_CHANGE = 7
    FLAG_CHANGE = 8
    ALERT = 9
    PAGE = 10
    NOTE = 11
    INFRASTRUCTURE = 12
    INCIDENT = 13
    POSTMORTEM = 14
    RUNBOOK = 15
    SETTING = 16


@dataclass(frozen=True, slots=True)
class Evidence:
    """One fact. `key` is the same for the same fact; `id` is its number, empty until a book gave it one."""

    key: str
    kind: EvidenceKind
    statement: str
    service: str = ""
    occurred_at: datetime | None = None
    ended_at: datetime | None = None
    # How much it says about the incident: 0 to 1.
    strength: float = 0.5
    # An address that the sender gave; empty: the dashboard shows it.
    link: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    # A log line, a trace or an excerpt, redacted.
    example: str = ""
    id: str = ""


class Book:
    """The evidence of one incident. What is cited gets a number and stays; what is not cited is not kept."""

    def __init__(self, incident: str, kept: Mapping[str, str] | None = None) -> None:
        """kept: numbers that were given out before, by key."""
        self._incident = incident
        self._ids = dict(kept or {})
        self._evidence: dict[str, Evidence] = {}

    def cite(self, evidence: Evidence) -> str:
        """The id under which `evidence` stands in the book from now on; the first wording of a version stays."""
        known = self._evidence.get(evidence.key)
        if known is not None:
            return known.id
        identifier = self._ids.setdefault(evidence.key, f"E{len(self._ids) + 1}")
        link = evidence.link or f"/{self._incident}/evidence#{identifier}"
        self._evidence[evidence.key] = replace(evidence, id=identifier, link=link)
        return identifier

    def __iter__(self) -> Iterator[Evidence]:
        return iter(sorted(self._evidence.values(), key=lambda one: int(one.id[1:])))

    def by_id(self) -> dict[str, Evidence]:
        """Everything that was cited so far."""
        return {one.id: one for one in self._evidence.values()}
