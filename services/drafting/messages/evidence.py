"""What ingestion observed in a window."""

from collections.abc import Iterable
from typing import Any

from afteraction.v1 import evidence_pb2, series_pb2
from services.drafting.messages.events import event
from services.drafting.observations import (
    CallWindow,
    LogPatternWindow,
    LogRecord,
    Observations,
    OperationWindow,
    PatternChange,
    SeriesSource,
    SeriesWindow,
    SpanRecord,
    TraceExample,
)
from shared.timestamps import from_proto, required
from shared.window import Window

_SOURCES = {
    series_pb2.SERIES_SOURCE_METRIC: SeriesSource.METRIC,
    series_pb2.SERIES_SOURCE_SPAN: SeriesSource.SPAN,
    series_pb2.SERIES_SOURCE_CALL: SeriesSource.CALL,
    series_pb2.SERIES_SOURCE_LOG: SeriesSource.LOG,
}
_PATTERN_CHANGES = {
    evidence_pb2.PATTERN_CHANGE_NEW: PatternChange.NEW,
    evidence_pb2.PATTERN_CHANGE_BURST: PatternChange.BURST,
    evidence_pb2.PATTERN_CHANGE_GONE: PatternChange.GONE,
}


def observations(messages: Iterable[evidence_pb2.Observation], window: Window, baseline: Window) -> Observations:
    """What ingestion answered for a window, as far as it can be read."""
    return observed(messages, window, baseline)[0]


def observed(
    messages: Iterable[evidence_pb2.Observation], window: Window, baseline: Window
) -> tuple[Observations, int]:
    """The same, and how much of it could not be read: times beyond the calendar, for one."""
    unreadable = 0
    series, patterns, operations, calls, traces, events, records = [], [], [], [], [], [], []
    for message in messages:
        try:
            match message.WhichOneof("kind"):
                case "series":
                    series.append(_series(message.series))
                case "log_pattern":
                    patterns.append(_pattern(message.log_pattern))
                case "operation":
                    operations.append(_operation(message.operation))
                case "call":
                    calls.append(_call(message.call))
                case "trace":
                    traces.append(_trace(message.trace))
                case "event":
                    events.append(event(message.event))
                case "log_record":
                    records.append(_record(message.log_record))
                case _:
                    continue  # of a newer ingestion than this drafting
        except (ValueError, OverflowError):
            unreadable += 1
    read = Observations(
        window,
        baseline,
        tuple(series),
        tuple(patterns),
        tuple(operations),
        tuple(calls),
        tuple(traces),
        tuple(sorted(events, key=lambda one: (one.occurred_at, one.id))),
        tuple(records),
    )
    return read, unreadable


def _series(message: evidence_pb2.SeriesWindow) -> SeriesWindow:
    series = message.series
    return SeriesWindow(
        service=series.service,
        metric_name=series.metric_name,
        unit=series.unit,
        source=_SOURCES.get(series.source, SeriesSource.METRIC),
        attributes=dict(series.attributes),
        times=tuple(required(time) for time in message.times),
        values=tuple(message.values),
        baseline_median=message.baseline_median,
        baseline_spread=message.baseline_spread,
        baseline_points=message.baseline_points,
        baseline_values=tuple(message.baseline_values),
        extreme_value=message.extreme_value,
        extreme_at=from_proto(message.extreme_at),
        extreme_z=message.extreme_z,
        departed_at=from_proto(message.departed_at),
        counts=tuple(message.counts),
        baseline_counts=tuple(message.baseline_counts),
    )


def _pattern(message: evidence_pb2.LogPatternWindow) -> LogPatternWindow:
    return LogPatternWindow(
        service=message.service,
        pattern=message.pattern,
        template=message.template,
        severity=message.severity,
        count=message.count,
        baseline_count=message.baseline_count,
        first_seen_at=from_proto(message.first_seen_at),
        last_seen_at=from_proto(message.last_seen_at),
        change=_PATTERN_CHANGES.get(message.change, PatternChange.STEADY),
        example=message.example,
        example_at=from_proto(message.example_at),
        counts_per_minute=tuple(message.counts_per_minute),
        example_trace_id=message.example_trace_id,
        root_frame=message.root_frame,
    )


def _operation(message: evidence_pb2.OperationWindow) -> OperationWindow:
    return OperationWindow(
        **_spans(message),
        self_p50_s=message.self_p50_s or None,
        baseline_self_p50_s=message.baseline_self_p50_s or None,
    )


def _call(message: evidence_pb2.OperationWindow) -> CallWindow:
    return CallWindow(
        **_spans(message),
        caller=message.caller,
        gap_p50_s=message.gap_p50_s or None,
        baseline_gap_p50_s=message.baseline_gap_p50_s or None,
    )


def _spans(message: evidence_pb2.OperationWindow) -> dict[str, Any]:
    """What is said of an operation and of a call alike."""
    return {
        "service": message.service,
        "operation": message.operation,
        "span_kind": message.span_kind,
        "count": message.count,
        "errors": message.errors,
        "baseline_count": message.baseline_count,
        "baseline_errors": message.baseline_errors,
        "p50_s": message.p50_s,
        "p95_s": message.p95_s,
        "baseline_p50_s": message.baseline_p50_s,
        "baseline_p95_s": message.baseline_p95_s,
        "window_s": message.window_s,
        "baseline_s": message.baseline_s,
        "first_error_at": from_proto(message.first_error_at),
    }


def _trace(message: evidence_pb2.TraceExample) -> TraceExample:
    spans = tuple(
        SpanRecord(
            service=span.service,
            trace_id=span.trace_id,
            span_id=span.span_id,
            parent_span_id=span.parent_span_id,
            operation=span.operation,
            span_kind=span.span_kind,
            started_at=required(span.started_at),
            duration_s=span.duration_s,
            is_error=span.is_error,
            status_message=span.status_message,
            attributes=dict(span.attributes),
        )
        for span in message.spans
    )
    return TraceExample(message.trace_id, spans, tuple(message.error_path))


def _record(message: evidence_pb2.LogRecord) -> LogRecord:
    return LogRecord(
        message.service,
        required(message.occurred_at),
        message.severity,
        message.body,
        message.trace_id,
        message.pattern,
    )
