"""OTLP requests, made of a few words."""

from collections.abc import Mapping, Sequence

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SECOND = 1_000_000_000
# 2026-07-05 03:00:00 UTC
T0 = 1_783_220_400 * SECOND


def gauge(service: str, name: str, points: Sequence[tuple[int, float]],
          **attributes: str) -> ExportMetricsServiceRequest:
    """points: seconds after T0, value."""
    request = ExportMetricsServiceRequest()
    part = request.resource_metrics.add()
    part.resource.attributes.add(key="service.name").value.string_value = service
    metric = part.scope_metrics.add().metrics.add(name=name, unit="1")
    for at, value in points:
        point = metric.gauge.data_points.add(time_unix_nano=T0 + at * SECOND, as_double=value)
        for key, text in attributes.items():
            point.attributes.add(key=key).value.string_value = text
    return request


def logs(service: str, lines: Sequence[tuple[int, str]], severity: int = 9) -> ExportLogsServiceRequest:
    """lines: seconds after T0, body."""
    request = ExportLogsServiceRequest()
    part = request.resource_logs.add()
    part.resource.attributes.add(key="service.name").value.string_value = service
    records = part.scope_logs.add().log_records
    for at, body in lines:
        records.add(time_unix_nano=T0 + at * SECOND, severity_number=severity).body.string_value = body
    return request


def spans(rows: Sequence[tuple[str, str, str, str, float, float]], *, trace: str = "a" * 32,
          attributes: Mapping[str, str] | None = None, is_error: bool = False) -> ExportTraceServiceRequest:
    """rows: service, span id (16 hex digits), parent, operation, start and end in seconds after T0."""
    request = ExportTraceServiceRequest()
    for service, span_id, parent, operation, start, end in rows:
        part = request.resource_spans.add()
        part.resource.attributes.add(key="service.name").value.string_value = service
        span = part.scope_spans.add().spans.add(
            trace_id=bytes.fromhex(trace), span_id=bytes.fromhex(span_id), parent_span_id=bytes.fromhex(parent),
            name=operation, start_time_unix_nano=T0 + int(start * SECOND), end_time_unix_nano=T0 + int(end * SECOND))
        if is_error:
            span.status.code = 2  # type: ignore[assignment]
        for key, text in (attributes or {}).items():
            span.attributes.add(key=key).value.string_value = text
    return request
