"""A span and a log line, as they come out of OTLP: plain values, redacted."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """Times are Unix nanoseconds; ids are bytes, empty where there is none."""

    service: str
    trace_id: bytes
    span_id: bytes
    parent_span_id: bytes
    operation: str
    kind: str
    started_at: int
    ended_at: int
    is_error: bool = False
    status_message: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        return (self.ended_at - self.started_at) / 1e9


@dataclass(frozen=True, slots=True)
class Line:
    """One log record. pattern: the id that Drain gave it."""

    service: str
    occurred_at: int
    severity: str
    body: str
    trace_id: bytes = b""
    span_id: bytes = b""
    pattern: str = ""
