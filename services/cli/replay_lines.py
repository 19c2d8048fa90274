"""Lines of a recorded case (telemetry.ndjson) to OTLP requests and events.

A line has `t` (RFC 3339), `kind` and `service`; metric, log and span lines become OTLP, all other kinds events.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from afteraction.v1.event_pb2 import Alert, ConfigChange, Deploy, Event, FlagChange, InfrastructureEvent, Note, Page
from services.cli.otlp import KINDS, SCOPE, SEVERITIES, attributes, resource, value
from shared.timestamps import to_proto

Line = Mapping[str, Any]
TELEMETRY = ("metric", "log", "span")
_ALERT_STATES = {"firing": Alert.STATE_FIRING, "resolved": Alert.STATE_RESOLVED}
_PAGE_STATES = {"sent": Page.STATE_SENT, "acknowledged": Page.STATE_ACKNOWLEDGED, "resolved": Page.STATE_RESOLVED}
_STATUSES = {"ok": Status.STATUS_CODE_OK, "error": Status.STATUS_CODE_ERROR}


class MalformedLine(ValueError):
    """A line that is not of this format; the message says what is missing or wrong."""


def moment(text: str) -> datetime:
    """An RFC 3339 time, in UTC, cut to the microsecond. Raises MalformedLine."""
    try:
        at = datetime.fromisoformat(text)
    except (ValueError, TypeError) as error:
        raise MalformedLine(f"{text!r} is not a time such as 2026-07-05T03:35:00Z") from error
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def nanoseconds(text: str) -> int:
    """An RFC 3339 time as Unix nanoseconds, with all nine digits that it may have."""
    whole, dot, rest = text.partition(".")
    digits = ""
    while dot and rest[:1].isdigit():
        digits, rest = digits + rest[0], rest[1:]
    at = moment(whole + (rest if dot else ""))
    return int(at.timestamp()) * 1_000_000_000 + int(digits[:9].ljust(9, "0") if digits else 0)


def requests(lines: Iterable[Line]) -> Iterator[Message]:
    """OTLP requests, one a signal, for the telemetry among `lines`. Raises MalformedLine."""
    grouped: dict[str, defaultdict[str, list[Line]]] = {kind: defaultdict(list) for kind in TELEMETRY}
    for line in lines:
        grouped[line["kind"]][_needed(line, "service")].append(line)
    if grouped["metric"]:
        yield ExportMetricsServiceRequest(resource_metrics=[
            ResourceMetrics(resource=resource(service), scope_metrics=[
                ScopeMetrics(scope=SCOPE, metrics=list(_metrics(each)))])
            for service, each in grouped["metric"].items()])
    if grouped["log"]:
        yield ExportLogsServiceRequest(resource_logs=[
            ResourceLogs(resource=resource(service), scope_logs=[
                ScopeLogs(scope=SCOPE, log_records=[_log(line) for line in each])])
            for service, each in grouped["log"].items()])
    if grouped["span"]:
        yield ExportTraceServiceRequest(resource_spans=[
            ResourceSpans(resource=resource(service), scope_spans=[
                ScopeSpans(scope=SCOPE, spans=[_span(line) for line in each])])
            for service, each in grouped["span"].items()])


def _metrics(lines: Iterable[Line]) -> Iterator[Metric]:
    by_metric: defaultdict[tuple[str, str, str], list[Line]] = defaultdict(list)
    for line in lines:
        by_metric[_needed(line, "name"), line.get("unit", ""), line.get("type", "gauge")].append(line)
    for (name, unit, kind), each in by_metric.items():
        points = [_point(line) for line in each]
        if kind == "sum":
            # A sum of this format is what came together in the period that ends at `t`.
            yield Metric(name=name, unit=unit, sum=Sum(
                data_points=points, is_monotonic=True,
                aggregation_temporality=AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA))
        elif kind == "gauge":
            yield Metric(name=name, unit=unit, gauge=Gauge(data_points=points))
        else:
            raise MalformedLine(f"type {kind!r} of metric {name} is neither gauge nor sum")


def _point(line: Line) -> NumberDataPoint:
    try:
        number = float(_needed(line, "value"))
    except (TypeError, ValueError) as error:
        raise MalformedLine(f"value {line.get('value')!r} of metric {line.get('name')} is not a number") from error
    return NumberDataPoint(time_unix_nano=nanoseconds(line["t"]), as_double=number,
                           attributes=attributes(line.get("attributes") or {}))


def _log(line: Line) -> LogRecord:
    at = nanoseconds(line["t"])
    severity = str(line.get("severity", ""))
    number = SEVERITIES.get(severity.upper(), SeverityNumber.SEVERITY_NUMBER_UNSPECIFIED)
    return LogRecord(time_unix_nano=at, observed_time_unix_nano=at, severity_text=severity,
                     severity_number=number, body=value(str(line.get("body", ""))),
                     attributes=attributes(line.get("attributes") or {}),
                     trace_id=_identity(line.get("trace_id"), 16), span_id=_identity(line.get("span_id"), 8))


def _span(line: Line) -> Span:
    return Span(trace_id=_identity(_needed(line, "trace_id"), 16), span_id=_identity(_needed(line, "span_id"), 8),
                parent_span_id=_identity(line.get("parent_span_id"), 8), name=_needed(line, "name"),
                kind=KINDS.get(str(line.get("span_kind", "")), Span.SPAN_KIND_UNSPECIFIED),
                start_time_unix_nano=nanoseconds(line.get("start") or line["t"]),
                end_time_unix_nano=nanoseconds(_needed(line, "end")),
                attributes=attributes(line.get("attributes") or {}),
                status=Status(code=_STATUSES.get(str(line.get("status", "")), Status.STATUS_CODE_UNSET)))


def _identity(text: str | None, size: int) -> bytes:
    """Trace and span ids of the right length; sources with ids of their own get the hash of theirs."""
    if not text:
        return b""
    try:
        identity = bytes.fromhex(text)
    except ValueError:
        identity = b""
    return identity if len(identity) == size else hashlib.sha256(text.encode()).digest()[:size]


def event(line: Line) -> Event:
    """The event that a line of another kind tells. Raises MalformedLine."""
    common = Event(occurred_at=to_proto(moment(line["t"])), service=line.get("service", ""), source="replay",
                   attributes={key: str(each) for key, each in (line.get("attributes") or {}).items()})
    match line["kind"]:
        case "deploy":
            common.deploy.CopyFrom(Deploy(
                version=_needed(line, "version"), previous_version=line.get("previous", ""), url=line.get("url", ""),
                environment=line.get("environment", ""), commit=line.get("commit", ""),
                is_rollback=bool(line.get("rollback", False)), description=line.get("description", "")))
        case "config":
            common.config_change.CopyFrom(ConfigChange(key=_needed(line, "key"), old_value=str(line.get("old", "")),
                                                       new_value=str(line.get("new", ""))))
        case "flag":
            common.flag_change.CopyFrom(FlagChange(key=_needed(line, "key"), old_value=str(line.get("old", "")),
                                                   new_value=str(line.get("new", ""))))
        case "alert":
            common.alert.CopyFrom(Alert(
                alert_name=_needed(line, "name"), severity=line.get("severity", ""), summary=line.get("summary", ""),
                state=_ALERT_STATES.get(line.get("state", "firing"), Alert.STATE_FIRING),
                labels={key: str(each) for key, each in (line.get("labels") or {}).items()}))
        case "page":
            common.page.CopyFrom(Page(state=_PAGE_STATES.get(line.get("state", "sent"), Page.STATE_SENT),
                                      target=line.get("target", ""), summary=line.get("summary", "")))
        case "note":
            common.note.CopyFrom(Note(author=line.get("author", ""), text=_needed(line, "text")))
        case "infrastructure":
            common.infrastructure.CopyFrom(InfrastructureEvent(
                reason=_needed(line, "reason"), resource=line.get("resource", ""), message=line.get("message", "")))
        case other:
            raise MalformedLine(f"kind {other!r} is none of {', '.join(TELEMETRY)}, deploy, config, flag, alert, page, "
                                "note, infrastructure")
    return common


def _needed(line: Line, key: str) -> Any:
    if line.get(key) in (None, ""):
        raise MalformedLine(f"a {line.get('kind', 'line')} line needs {key!r}")
    return line[key]
