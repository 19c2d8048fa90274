"""What an incident is, in plain values: the anomalies in it, the changes before it, its states and transitions."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, IntEnum

from services.detection.series import Signal

# The stream of what happens now; every other one is a replay.
LIVE = "live"


class State(Enum):
    """Open leads to acknowledged and resolved; resolved leads back to open when a person says so; merged is an end."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    MERGED = "merged"


class Severity(IntEnum):
    """P1 is the worst."""

    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4


class Kind(Enum):
    """What a transition or a timeline entry tells, as in afteraction.v1.TimelineEntry.Kind."""

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


class EventKind(Enum):
    """What an event tells, as far as detection makes a difference."""

    DEPLOY = "deploy"
    CONFIG_CHANGE = "config_change"
    FLAG_CHANGE = "flag_change"
    INFRASTRUCTURE = "infrastructure"
    ALERT = "alert"
    PAGE = "page"
    NOTE = "note"

    @property
    def is_change(self) -> bool:
        return self in (EventKind.DEPLOY, EventKind.CONFIG_CHANGE, EventKind.FLAG_CHANGE, EventKind.INFRASTRUCTURE)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a time. payload: the serialised afteraction.v1.Event, passed on as it came.

    fingerprint, alert_name, alert_severity, is_firing: alerts only. text: in words. incident: notes that name one.
    """

    id: str
    occurred_at: datetime
    kind: EventKind
    service: str = ""
    payload: bytes = b""
    fingerprint: str = ""
    alert_name: str = ""
    alert_severity: str = ""
    is_firing: bool = False
    text: str = ""
    incident: str = ""
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An interval in which a measure is outside its baseline. Values in `unit`, as a person reads them."""

    service: str
    operation: str
    signal: Signal
    metric_name: str
    unit: str
    onset_at: datetime
    detected_at: datetime
    observed: float
    baseline: float
    spread: float
    z: float
    peak_observed: float
    peak_z: float
    peak_at: datetime
    current: float
    recovered_at: datetime | None = None
    is_opening: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    peer: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The same for every moment of the same anomaly."""
        return (self.service, self.operation, self.signal.value, self.metric_name, self.peer, self.onset_at.isoformat(),
                *(f"{key}={value}" for key, value in sorted(self.attributes.items())))

    @property
    def distance(self) -> float:
        """Of its worst value from its baseline."""
        return abs(self.peak_observed - self.baseline)

    def is_of_the_measure_of(self, other: "Anomaly") -> bool:
        """Whether both tell of one measure, at whatever time."""
        return replace(self, onset_at=other.onset_at).key == other.key

    def relapsed(self, again: "Anomaly") -> "Anomaly":
        """This anomaly, not over after all: from its own onset and baseline, at the worst of both."""
        worse = again if abs(again.peak_observed - self.baseline) > self.distance else self
        return replace(self, current=again.current, recovered_at=again.recovered_at, peak_at=worse.peak_at,
                       peak_observed=worse.peak_observed, peak_z=worse.peak_z)


@dataclass(frozen=True, slots=True)
class Change:
    """A change before the onset, with its distance in time and in the call graph (-1: no path is known)."""

    event: Event
    before_onset: timedelta
    hops: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on the timeline."""

    occurred_at: datetime
    kind: Kind
    text: str
    actor: str = ""
    event: bytes = b""


@dataclass(frozen=True, slots=True)
class ObjectiveImpact:
    """What an objective says of the incident. budget_consumed: share of the period's error budget."""

    objective: str
    target: float
    period: timedelta
    budget_consumed: float
    burn_rate: float


@dataclass(frozen=True, slots=True)
class Incident:
    """A service away from its normal until it is back."""

    name: str
    stream: str
    title: str
    state: State
    severity: Severity
    severity_reason: str
    service: str
    services: tuple[str, ...]
    onset_at: datetime
    detected_at: datetime
    operations: tuple[str, ...] = ()
    recovered_at: datetime | None = None
    resolved_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    anomalies: tuple[Anomaly, ...] = ()
    changes: tuple[Change, ...] = ()
    timeline: tuple[Entry, ...] = ()
    call_graph: tuple[tuple[str, str], ...] = ()
    merged_into: str = ""
    objectives: tuple[ObjectiveImpact, ...] = ()
    revision: int = 0
    ticket_url: str = ""
    tags: tuple[str, ...] = ()
    deciding_record_received_at: datetime | None = None
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    # What people decided: telemetry does not overrule it.
    is_severity_set: bool = False
    is_title_set: bool = False
    is_resolved_by_person: bool = False
    # Services whose anomalies a person moved to another incident, with its name.
    moved: tuple[tuple[str, str], ...] = ()


def noted(incident: Incident, entry: Entry) -> Incident:
    """With one more entry on its timeline, which is in the order of the times; those of one time as they came."""
    return replace(incident, timeline=tuple(sorted((*incident.timeline, entry), key=lambda each: each.occurred_at)))


_RANKS = {Signal.ERRORS: 0, Signal.LATENCY: 1, Signal.TRAFFIC: 2, Signal.ALERT: 3, Signal.DECLARED: 3,
          Signal.SATURATION: 4, Signal.UNKNOWN: 5, Signal.EVIDENCE: 5}


def headlines_first(incident: Incident) -> Incident:
    """With its anomalies in the order in which an on-call wants them: what opened it, then what users notice, of the
    services that nobody else calls before the others, then saturation and evidence; of several instances of one
    metric the furthest out, and the others after everything else."""
    called = {callee for _, callee in incident.call_graph}
    found = sorted(incident.anomalies, key=lambda each: (
        not each.is_opening, _RANKS[each.signal], each.service in called, -abs(each.peak_z), each.key))
    seen: set[tuple[str, ...]] = set()
    first: list[Anomaly] = []
    again: list[Anomaly] = []
    for each in found:
        fact = (each.service, each.operation, each.metric_name, each.peer)
        (again if fact in seen else first).append(each)
        seen.add(fact)
    return replace(incident, anomalies=(*first, *again))


@dataclass(frozen=True, slots=True)
class Transition:
    """What detection saw of an incident: its whole telemetry side after the step, and what the step was."""

    kind: Kind
    at: datetime
    text: str
    seen: Incident
    event: Event | None = None
