"""What is known of an incident, as plain values: what ingestion observed, what detection says, what memory recalls.

These mirror afteraction.v1's evidence.proto, event.proto and incident.proto; messages.py translates. Every observation
has a `key`, the same for the same fact in every answer about the incident; hypotheses and sections refer to it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from shared.window import Window

# The key of what detection says of the incident itself.
INCIDENT = "incident"


class SeriesSource(Enum):
    METRIC = "metric"
    SPAN = "span"
    CALL = "call"
    LOG = "log"


class PatternChange(Enum):
    STEADY = "steady"
    NEW = "new"
    BURST = "burst"
    GONE = "gone"


class Severity(Enum):
    P1 = 1
    P2 = 2
    P3 = 3
    P4 = 4

    @property
    def is_major(self) -> bool:
        """Whether it asks for a long text rather than a short one."""
        return self in (Severity.P1, Severity.P2)


class Signal(Enum):
    TRAFFIC = "traffic"
    ERRORS = "errors"
    LATENCY = "latency"
    SATURATION = "saturation"
    ALERT = "alert"
    DECLARED = "declared"


@dataclass(frozen=True, slots=True)
class SeriesWindow:
    """A series in a window, beside what it was before. Values are those of ingestion: mean, rate per s or median."""

    service: str
    metric_name: str
    unit: str = ""
    source: SeriesSource = SeriesSource.METRIC
    attributes: Mapping[str, str] = field(default_factory=dict)
    times: tuple[datetime, ...] = ()
    values: tuple[float, ...] = ()
    baseline_median: float = 0.0
    # 1.4826 × median absolute deviation
    baseline_spread: float = 0.0
    baseline_points: int = 0
    # The single values of the time before, where ingestion gave them; what chance can do is read off them.
    baseline_values: tuple[float, ...] = ()
    extreme_value: float = 0.0
    extreme_at: datetime | None = None
    extreme_z: float = 0.0
    departed_at: datetime | None = None
    # What was counted per step, beside the values: a histogram's recordings, a counter's increase; empty for gauges.
    counts: tuple[float, ...] = ()
    baseline_counts: tuple[float, ...] = ()

    @property
    def key(self) -> str:
        pairs = ",".join(f"{name}={value}" for name, value in sorted(self.attributes.items()))
        return f"series/{self.source.value}/{self.service}/{self.metric_name}/{pairs}"


@dataclass(frozen=True, slots=True)
class LogPatternWindow:
    """A log pattern in a window, beside what it was before."""

    service: str
    pattern: str
    template: str
    severity: str = ""
    count: int = 0
    baseline_count: int = 0
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None
    change: PatternChange = PatternChange.STEADY
    example: str = ""
    example_at: datetime | None = None
    # Lines per minute, from the minute in which the window begins.
    counts_per_minute: tuple[int, ...] = ()
    example_trace_id: str = ""
    root_frame: str = ""

    @property
    def key(self) -> str:
        return f"log/{self.service}/{self.pattern}"


@dataclass(frozen=True, slots=True)
class OperationWindow:
    """An operation of a service in a window, beside what it was before."""

    service: str
    operation: str
    span_kind: str = ""
    count: int = 0
    errors: int = 0
    baseline_count: int = 0
    baseline_errors: int = 0
    p50_s: float = 0.0
    p95_s: float = 0.0
    baseline_p50_s: float = 0.0
    baseline_p95_s: float = 0.0
    window_s: float = 0.0
    baseline_s: float = 0.0
    first_error_at: datetime | None = None
    # Duration less the time covered by the span's direct children; None where ingestion cannot tell.
    self_p50_s: float | None = None
    baseline_self_p50_s: float | None = None

    @property
    def key(self) -> str:
        return f"operation/{self.service}/{self.operation}/{self.span_kind}"


@dataclass(frozen=True, slots=True)
class CallWindow:
    """The calls of one service to an operation of another in a window, beside what they were before."""

    caller: str
    # The callee.
    service: str
    operation: str
    span_kind: str = ""
    count: int = 0
    errors: int = 0
    baseline_count: int = 0
    baseline_errors: int = 0
    p50_s: float = 0.0
    p95_s: float = 0.0
    baseline_p50_s: float = 0.0
    baseline_p95_s: float = 0.0
    window_s: float = 0.0
    baseline_s: float = 0.0
    first_error_at: datetime | None = None
    # What the caller's span lasts longer than the callee's: network and queueing; None where ingestion cannot tell.
    gap_p50_s: float | None = None
    baseline_gap_p50_s: float | None = None

    @property
    def key(self) -> str:
        return f"call/{self.caller}/{self.service}/{self.operation}/{self.span_kind}"


@dataclass(frozen=True, slots=True)
class SpanRecord:
    """One span as it was recorded, redacted."""

    service: str
    trace_id: str
    span_id: str
    parent_span_id: str
    operation: str
    span_kind: str
    started_at: datetime
    duration_s: float
    is_error: bool = False
    status_message: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TraceExample:
    """A whole trace that shows an error or a delay, spans in order of start."""

    trace_id: str
    spans: tuple[SpanRecord, ...]
    # Services from the entry to where the error began.
    error_path: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return f"trace/{self.trace_id}"


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A raw log line, redacted."""

    service: str
    occurred_at: datetime
    severity: str
    body: str
    trace_id: str = ""
    pattern: str = ""

    @property
    def key(self) -> str:
        return f"line/{self.service}/{self.occurred_at.isoformat()}/{self.pattern}"


@dataclass(frozen=True, slots=True)
class Deploy:
    version: str
    previous_version: str = ""
    environment: str = ""
    commit: str = ""
    url: str = ""
    is_rollback: bool = False
    changed_files: tuple[str, ...] = ()
    watch_window: timedelta = timedelta(0)
    instances: int = 0
    description: str = ""


@dataclass(frozen=True, slots=True)
class ConfigChange:
    setting: str
    old_value: str = ""
    new_value: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class FlagChange:
    flag: str
    old_value: str = ""
    new_value: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    alert_name: str
    is_firing: bool
    severity: str = ""
    summary: str = ""
    description: str = ""
    runbook_url: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    fingerprint: str = ""
    url: str = ""
    ended_at: datetime | None = None


class PageState(Enum):
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Page:
    state: PageState
    target: str = ""
    summary: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    author: str = ""
    incident: str = ""


@dataclass(frozen=True, slots=True)
class InfrastructureEvent:
    reason: str
    resource: str = ""
    message: str = ""


EventDetail = Deploy | ConfigChange | FlagChange | Alert | Page | Note | InfrastructureEvent


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened at a time, told by a person or by another system."""

    id: str
    occurred_at: datetime
    detail: EventDetail
    # Empty where it concerns no single one.
    service: str = ""
    source: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"event/{self.id}"

    @property
    def is_change(self) -> bool:
        """Whether somebody or something changed the system: a version, a setting, a flag."""
        return isinstance(self.detail, Deploy | ConfigChange | FlagChange)


Observation = SeriesWindow | LogPatternWindow | OperationWindow | CallWindow | TraceExample | LogRecord | Event


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything that ingestion knows of a window, by kind, each in the order in which it was answered."""

    window: Window
    baseline: Window
    series: tuple[SeriesWindow, ...] = ()
    log_patterns: tuple[LogPatternWindow, ...] = ()
    operations: tuple[OperationWindow, ...] = ()
    calls: tuple[CallWindow, ...] = ()
    traces: tuple[TraceExample, ...] = ()
    events: tuple[Event, ...] = ()
    log_records: tuple[LogRecord, ...] = ()

    def __iter__(self) -> Iterator[Observation]:
        parts: Sequence[Sequence[Observation]] = (
            self.series, self.log_patterns, self.operations, self.calls, self.traces, self.events, self.log_records)
        return (observation for part in parts for observation in part)

    def by_key(self) -> dict[str, Observation]:
        """Every observation under its key."""
        return {observation.key: observation for observation in self}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """An interval in which a series is outside its baseline, as detection found it."""

    service: str
    signal: Signal
    metric_name: str
    onset_at: datetime
    detected_at: datetime
    operation: str = ""
    unit: str = ""
    # None while it lasts.
    recovered_at: datetime | None = None
    observed: float = 0.0
    baseline: float = 0.0
    spread: float = 0.0
    z: float = 0.0
    peak_observed: float = 0.0
    peak_z: float = 0.0
    peak_at: datetime | None = None
    current: float = 0.0
    is_opening: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    # The other end, for anomalies of calls to another service.
    peer: str = ""

    @property
    def key(self) -> str:
        pairs = ",".join(f"{name}={value}" for name, value in sorted(self.attributes.items()))
        return (f"anomaly/{self.service}/{self.operation}/{self.signal.value}/{self.metric_name}/{self.peer}/{pairs}/"
                f"{self.onset_at.isoformat()}")


@dataclass(frozen=True, slots=True)
class Change:
    """A change before the onset, with its distance. It is shown by its event."""

    event: Event
    before_onset: timedelta
    # Hops in the call graph between the changed service and the incident's; None where no path is known.
    hops: int | None = None


@dataclass(frozen=True, slots=True)
class CallEdge:
    caller: str
    callee: str


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """What detection says of an incident."""

    name: str
    stream: str
    onset_at: datetime
    detected_at: datetime
    # The service that left its normal first, and every affected one.
    service: str
    services: tuple[str, ...] = ()
    severity: Severity = Severity.P3
    title: str = ""
    severity_reason: str = ""
    operations: tuple[str, ...] = ()
    recovered_at: datetime | None = None
    resolved_at: datetime | None = None
    anomalies: tuple[Anomaly, ...] = ()
    changes: tuple[Change, ...] = ()
    call_graph: tuple[CallEdge, ...] = ()


@dataclass(frozen=True, slots=True)
class SimilarPast:
    """A past incident that looks like this one, as memory recalls it."""

    # `documents/{id}`, which the observation's key is made of, and the identity that its source gave it.
    document: str
    source_id: str
    title: str
    # 0 to 1
    score: float
    # Causes or categories it was given: hypothesis kinds where memory knows them.
    kinds: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    # What fixed it then.
    resolution: str = ""
    # The passage that matched.
    passage: str = ""

    @property
    def key(self) -> str:
        return f"past/{self.document}"
