"""An incident as drafting reads it: detection's facts, its life, and who did what to it when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from services.drafting.observations import Event, IncidentFacts, Observations, SimilarPast


class State(Enum):
    """Where an incident is in its life; the numbers are those of the contract."""

    OPEN = 1
    ACKNOWLEDGED = 2
    RESOLVED = 3
    MERGED = 4

    @classmethod
    def _missing_(cls, value: object) -> "State":
        """Of a newer detection than this drafting: it burns, as far as anybody here knows."""
        return cls.OPEN


class EntryKind(Enum):
    """What an entry on the incident's own timeline tells; the numbers are those of the contract."""

    UNSPECIFIED = 0
    OPENED = 1
    ANOMALY_JOINED = 2
    ANOMALY_RECOVERED = 3
    SEVERITY_CHANGED = 4
    ACKNOWLEDGED = 5
    RECOVERED = 6
    RESOLVED = 7
    REOPENED = 8
    MERGED = 9
    SPLIT = 10
    DECLARED = 11
    UPDATED = 12
    ALERT = 13
    CHANGE = 14
    PAGE = 15
    NOTE = 16

    @classmethod
    def _missing_(cls, value: object) -> "EntryKind":
        """Of a newer detection than this drafting."""
        return cls.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on the incident's own timeline."""

    at: datetime
    kind: EntryKind
    text: str
    actor: str = ""
    event: Event | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """What a service level objective says of the incident, as detection computed it."""

    name: str
    target: float
    period: timedelta
    budget_consumed: float
    burn_rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Incident:
    """Detection's view, complete."""

    facts: IncidentFacts
    state: State
    revision: int = 0
    entries: tuple[Entry, ...] = ()
    objectives: tuple[Objective, ...] = ()
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    tags: tuple[str, ...] = ()
    ticket_url: str = ""
    # Wall clock: arrival of the record that decided the opening, and when opening and resolution were stored.
    deciding_record_received_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def name(self) -> str:
        return self.facts.name

    @property
    def is_over(self) -> bool:
        return self.state is State.RESOLVED


@dataclass(frozen=True, slots=True)
class Similar:
    """A past incident that memory found, with what a card shows of it."""

    past: SimilarPast
    occurred_at: datetime | None = None
    reasons: tuple[str, ...] = ()
    link: str = ""
    # Action items of it that were open when this incident began.
    open_action_items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Runbook:
    """The runbook that applies, with its steps."""

    name: str
    title: str
    score: float
    reasons: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    link: str = ""
    last_verified_at: datetime | None = None
    times_used: int = 0


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that is known of an incident at one moment. `missing` names what could not be had, and why."""

    incident: Incident
    observations: Observations
    similar: tuple[Similar, ...] = ()
    runbooks: tuple[Runbook, ...] = ()
    missing: tuple[str, ...] = ()
    # Owning team by service, where the catalogue names one.
    owners: Mapping[str, str] = field(default_factory=dict)
