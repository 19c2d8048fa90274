"""The messages of ingestion, detection and memory, read into values; nothing else reads them."""

from collections.abc import Iterable
from datetime import timedelta

from afteraction.v1 import (
    document_pb2,
    event_pb2,
    evidence_pb2,
    incident_pb2,
    memory_service_pb2,
    runbook_pb2,
    series_pb2,
)
from services.drafting.incident import Entry, EntryKind, Incident, Objective, Runbook, Similar, State
from services.drafting.observations import (
    Alert,
    Anomaly,
    CallEdge,
    CallWindow,
    Change,
    ConfigChange,
    Deploy,
    Event,
    EventDetail,
    FlagChange,
    IncidentFacts,
    InfrastructureEvent,
    LogPatternWindow,
    LogRecord,
    Note,
    Observations,
    OperationWindow,
    Page,
    PageState,
    PatternChange,
    SeriesSource,
    SeriesWindow,
    Severity,
    Signal,
    SimilarPast,
    SpanRecord,
    TraceExample,
)
from shared.names import deterministic_id
from shared.timestamps import duration_from_proto, from_proto, required
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
_SIGNALS = {
    incident_pb2.SIGNAL_TRAFFIC: Signal.TRAFFIC,
    incident_pb2.SIGNAL_ERRORS: Signal.ERRORS,
    incident_pb2.SIGNAL_LATENCY: Signal.LATENCY,
    incident_pb2.SIGNAL_SATURATION: Signal.SATURATION,
    incident_pb2.SIGNAL_ALERT: Signal.ALERT,
    incident_pb2.SIGNAL_DECLARED: Signal.DECLARED,
}
_PAGES = {event_pb2.Page.STATE_ACKNOWLEDGED: PageState.ACKNOWLEDGED, event_pb2.Page.STATE_RESOLVED: PageState.RESOLVED}


def incident(message: incident_pb2.Incident) -> Incident:
    """Detection's incident."""
    onset = required(message.onset_at)
    facts = IncidentFacts(
        name=message.name,
        stream=message.stream,
        onset_at=onset,
        detected_at=from_proto(message.detected_at) or onset,
        service=message.service,
        services=tuple(message.services) or (message.service,),
        severity=Severity(message.severity) if message.severity else Severity.P3,
        title=message.title,
        severity_reason=message.severity_reason,
        operations=tuple(message.operations),
        recovered_at=from_proto(message.recovered_at),
        resolved_at=from_proto(message.resolved_at),
        anomalies=tuple(_anomaly(each) for each in message.anomalies),
        changes=tuple(
            Change(event(each.event), duration_from_proto(each.before_onset), each.hops if each.hops >= 0 else None)
            for each in message.changes
        ),
        call_graph=tuple(CallEdge(edge.caller, edge.callee) for edge in message.call_graph),
    )
    return Incident(
        facts=facts,
        state=State(message.state) if message.state else State.OPEN,
        revision=message.revision,
        entries=tuple(_entry(each) for each in message.timeline),
        objectives=tuple(
            Objective(
                each.objective, each.target, duration_from_proto(each.period), each.budget_consumed, each.burn_rate
            )
            for each in message.objectives
        ),
        acknowledged_at=from_proto(message.acknowledged_at),
        acknowledged_by=message.acknowledged_by,
        tags=tuple(message.tags),
        ticket_url=message.ticket_url,
        deciding_record_received_at=from_proto(message.deciding_record_received_at),
        opened_at=from_proto(message.opened_at),
        closed_at=from_proto(message.closed_at),
    )


def observations(messages: Iterable[evidence_pb2.Observation], window: Window, baseline: Window) -> Observations:
    """What ingestion answered for a window."""
    series, patterns, operations, calls, traces, events, records = [], [], [], [], [], [], []
    for message in messages:
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
    return Observations(
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


def event(message: event_pb2.Event) -> Event:
    """One event. An id that nobody gave is derived from the content."""
    identifier = message.id or deterministic_id("event", message.SerializeToString(deterministic=True).hex())
    return Event(
        id=identifier,
        occurred_at=required(message.occurred_at),
        detail=_detail(message),
        service=message.service,
        source=message.source,
        attributes=dict(message.attributes),
    )


def similar(message: memory_service_pb2.SearchResult) -> Similar:
    """A post-mortem that memory found."""
    document = message.document
    past = SimilarPast(
        document=document.name,
        source_id=document.source_id,
        title=document.title,
        score=message.score,
        kinds=tuple(document.tags),
        services=tuple(document.services),
        resolution=document.resolution,
        passage=message.passage.text,
    )
    link = document.url or (
        f"/{document.source_id}" if document.source_id.startswith("postmortems/") else f"/{document.name}"
    )
    return Similar(past, from_proto(document.occurred_at), tuple(message.reasons), link)


def is_runbook(message: memory_service_pb2.SearchResult) -> bool:
    """Whether memory found a runbook rather than a post-mortem."""
    return bool(message.runbook) or message.document.kind == document_pb2.DOCUMENT_KIND_RUNBOOK


def runbook(found: memory_service_pb2.SearchResult, message: runbook_pb2.Runbook | None) -> Runbook:
    """A runbook that memory found; its steps where memory gave the runbook itself."""
    if message is None:
        return Runbook(
            found.runbook or found.document.name,
            found.document.title,
            found.score,
            tuple(found.reasons),
            (),
            found.document.url or f"/{found.document.name}",
        )
    return Runbook(
        message.name,
        message.title,
        found.score,
        tuple(found.reasons),
        (*message.diagnosis_steps, *message.mitigation_steps),
        message.url or f"/{message.name}",
        from_proto(message.last_verified_at),
        message.times_used,
    )


def _anomaly(message: incident_pb2.Anomaly) -> Anomaly:
    onset = required(message.onset_at)
    return Anomaly(
        service=message.service,
        signal=_SIGNALS.get(message.signal, Signal.ERRORS),
        metric_name=message.metric_name,
        onset_at=onset,
        detected_at=from_proto(message.detected_at) or onset,
        operation=message.operation,
        unit=message.unit,
        recovered_at=from_proto(message.recovered_at),
        observed=message.observed,
        baseline=message.baseline,
        spread=message.spread,
        z=message.z,
        peak_observed=message.peak_observed,
        peak_z=message.peak_z,
        peak_at=from_proto(message.peak_at),
        current=message.current,
        is_opening=message.is_opening,
        attributes=dict(message.attributes),
        peer=message.peer,
    )


def _entry(message: incident_pb2.TimelineEntry) -> Entry:
    happened = event(message.event) if message.HasField("event") and message.event.WhichOneof("kind") else None
    return Entry(required(message.occurred_at), EntryKind(message.kind), message.text, message.actor, happened)


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
        service=message.service,
        operation=message.operation,
        span_kind=message.span_kind,
        count=message.count,
        errors=message.errors,
        baseline_count=message.baseline_count,
        baseline_errors=message.baseline_errors,
        p50_s=message.p50_s,
        p95_s=message.p95_s,
        baseline_p50_s=message.baseline_p50_s,
        baseline_p95_s=message.baseline_p95_s,
        window_s=message.window_s,
        baseline_s=message.baseline_s,
        first_error_at=from_proto(message.first_error_at),
        self_p50_s=message.self_p50_s or None,
        baseline_self_p50_s=message.baseline_self_p50_s or None,
    )


def _call(message: evidence_pb2.OperationWindow) -> CallWindow:
    return CallWindow(
        caller=message.caller,
        service=message.service,
        operation=message.operation,
        span_kind=message.span_kind,
        count=message.count,
        errors=message.errors,
        baseline_count=message.baseline_count,
        baseline_errors=message.baseline_errors,
        p50_s=message.p50_s,
        p95_s=message.p95_s,
        baseline_p50_s=message.baseline_p50_s,
        baseline_p95_s=message.baseline_p95_s,
        window_s=message.window_s,
        baseline_s=message.baseline_s,
        first_error_at=from_proto(message.first_error_at),
        gap_p50_s=message.gap_p50_s or None,
        baseline_gap_p50_s=message.baseline_gap_p50_s or None,
    )


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


def _detail(message: event_pb2.Event) -> EventDetail:
    match message.WhichOneof("kind"):
        case "deploy":
            deploy = message.deploy
            return Deploy(
                version=deploy.version,
                previous_version=deploy.previous_version,
                environment=deploy.environment,
                commit=deploy.commit,
                url=deploy.url,
                is_rollback=deploy.is_rollback,
                changed_files=tuple(deploy.changed_files),
                watch_window=duration_from_proto(deploy.watch_window)
                if deploy.HasField("watch_window")
                else timedelta(0),
                instances=deploy.instances,
                description=deploy.description,
            )
        case "config_change":
            config = message.config_change
            return ConfigChange(config.key, config.old_value, config.new_value, config.url)
        case "flag_change":
            flag = message.flag_change
            return FlagChange(flag.key, flag.old_value, flag.new_value, flag.url)
        case "alert":
            alert = message.alert
            return Alert(
                alert_name=alert.alert_name,
                is_firing=alert.state != event_pb2.Alert.STATE_RESOLVED,
                severity=alert.severity,
                summary=alert.summary,
                description=alert.description,
                runbook_url=alert.runbook_url,
                labels=dict(alert.labels),
                fingerprint=alert.fingerprint,
                url=alert.url,
                ended_at=from_proto(alert.ended_at),
            )
        case "page":
            page = message.page
            return Page(_PAGES.get(page.state, PageState.SENT), page.target, page.summary, page.url)
        case "note":
            return Note(message.note.text, message.note.author, message.note.incident)
        case "infrastructure":
            below = message.infrastructure
            return InfrastructureEvent(below.reason, below.resource, below.message)
        case _:
            return Note(f"an event of a kind that this version does not know ({message.source or 'unknown source'})")
