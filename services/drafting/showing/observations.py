"""What ingestion observed: series, log lines, operations and traces, each against the time before."""

from services.drafting.drafts.courses import is_rate
from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.observations import (
    CallWindow,
    Event,
    LogPatternWindow,
    LogRecord,
    Observation,
    OperationWindow,
    SeriesWindow,
    TraceExample,
)
from services.drafting.showing.events import event_evidence
from services.drafting.showing.labels import pairs
from services.drafting.statements import quoted
from services.drafting.wording import clock, counted, duration, listed, number, quantity, share

# What tells a series from its namesakes, as far as a line has room.
MOST_LABELS = 4


def evidence(observation: Observation) -> Evidence:
    """What ingestion observed."""
    match observation:
        case SeriesWindow():
            return _series(observation)
        case LogPatternWindow():
            return _pattern(observation)
        case OperationWindow() | CallWindow():
            return _operation(observation)
        case TraceExample():
            return _trace(observation)
        case LogRecord():
            return Evidence(
                observation.key,
                EvidenceKind.LOG_PATTERN,
                f"{observation.service} logged {quoted(observation.body)} at {clock(observation.occurred_at)}.",
                observation.service,
                observation.occurred_at,
                example=observation.body,
            )
        case Event():
            return event_evidence(observation)


def _series(series: SeriesWindow) -> Evidence:
    labels = [quoted(f"{name}: {value}", 60) for name, value in sorted(series.attributes.items())][:MOST_LABELS]
    where = f" ({', '.join(labels)})" if labels else ""
    unit = f"{series.unit}/s" if series.unit and is_rate(series) else series.unit
    said = f"{series.metric_name} of {series.service}{where} was {quantity(series.baseline_median, unit)} before"
    if series.extreme_at:
        said += f" and {quantity(series.extreme_value, unit)} at {clock(series.extreme_at)}"
    if series.counts:
        said += f"; it was counted {number(sum(series.counts))} times in the window"
    values = {
        "metric": series.metric_name,
        "baseline": quantity(series.baseline_median, unit),
        "extreme": quantity(series.extreme_value, unit),
        "z": number(series.extreme_z),
        "counted": number(sum(series.counts)) if series.counts else "",
        **pairs(series.attributes),
    }
    if series.extreme_at:
        values["extreme.at"] = series.extreme_at.isoformat()
    if series.departed_at:
        values["departed"] = series.departed_at.isoformat()
    return Evidence(
        series.key,
        EvidenceKind.METRIC,
        said + ".",
        series.service,
        series.departed_at or series.extreme_at,
        None,
        min(abs(series.extreme_z) / 10, 1.0),
        values=values,
    )


def _pattern(pattern: LogPatternWindow) -> Evidence:
    said = (
        f"{pattern.service} logged {quoted(pattern.example or pattern.template)} or alike "
        f"{counted(pattern.count, 'time')}, {pattern.baseline_count:,} before the window"
    )
    values = {
        "pattern": pattern.pattern,
        "template": pattern.template,
        "severity": pattern.severity,
        "count": str(pattern.count),
        "baseline": str(pattern.baseline_count),
        "change": pattern.change.value,
        "frame": pattern.root_frame,
        "trace": pattern.example_trace_id,
    }
    for name, at in (
        ("first", pattern.first_seen_at),
        ("last", pattern.last_seen_at),
        ("example.at", pattern.example_at),
    ):
        if at is not None:
            values[name] = at.isoformat()
    return Evidence(
        pattern.key,
        EvidenceKind.LOG_PATTERN,
        said + ".",
        pattern.service,
        pattern.first_seen_at,
        pattern.last_seen_at,
        0.8 if pattern.change.value in ("new", "burst") else 0.3,
        values=values,
        example=pattern.example,
    )


def _operation(window: OperationWindow | CallWindow) -> Evidence:
    is_call = isinstance(window, CallWindow)
    what = f"{window.caller} calling {window.service}" if isinstance(window, CallWindow) else window.service
    values = {
        "operation": window.operation,
        "count": str(window.count),
        "errors": str(window.errors),
        "baseline.count": str(window.baseline_count),
        "baseline.errors": str(window.baseline_errors),
        "p50": quantity(window.p50_s, "s"),
        "p95": quantity(window.p95_s, "s"),
        "baseline.p50": quantity(window.baseline_p50_s, "s"),
        "baseline.p95": quantity(window.baseline_p95_s, "s"),
        "error share": share(window.errors / window.count) if window.count else "",
        "window": duration(window.window_s),
        "caller": window.caller if isinstance(window, CallWindow) else "",
        "called": f"{window.service} {window.operation}" if is_call else "",
    }
    said = (
        f"{what}, {window.operation}: {window.errors:,} of {counted(window.count, 'recorded span')} failed, "
        f"95th percentile {values['p95']} against {values['baseline.p95']} before."
    )
    return Evidence(
        window.key,
        EvidenceKind.CALL if is_call else EvidenceKind.SPAN,
        said,
        window.service,
        window.first_error_at,
        None,
        0.6,
        values=values,
    )


def _trace(trace: TraceExample) -> Evidence:
    path = listed(list(dict.fromkeys(trace.error_path)), 10)
    began = min((span.started_at for span in trace.spans), default=None)
    failed = [span for span in trace.spans if span.is_error]
    said = f"Trace {trace.trace_id} failed along {path}." if path else f"Trace {trace.trace_id} shows the delay."
    message = next((span.status_message for span in reversed(failed) if span.status_message), "")
    return Evidence(
        trace.key,
        EvidenceKind.SPAN,
        said,
        trace.error_path[-1] if trace.error_path else "",
        began,
        None,
        0.6,
        values={
            "trace": trace.trace_id,
            "path": " > ".join(trace.error_path),
            "message": message,
            "spans": str(len(trace.spans)),
            "services": ", ".join(dict.fromkeys(span.service for span in trace.spans)),
        },
        example=message,
    )
