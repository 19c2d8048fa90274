"""afteraction.v1 to values and back: the only place where detection touches messages."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from afteraction.v1 import event_pb2, incident_pb2, incident_service_pb2, ingestion_service_pb2, series_pb2
from services.detection.detector import StreamDetector
from services.detection.incident import (
    Anomaly,
    Change,
    Entry,
    Event,
    EventKind,
    Incident,
    Kind,
    ObjectiveImpact,
    Severity,
    State,
)
from services.detection.series import Series, SeriesSource, SeriesType, Signal
from shared.rpc.etag import etag
from shared.timestamps import duration_from_proto, duration_to_proto, from_proto, required, to_proto

_STATES = {State.OPEN: incident_pb2.INCIDENT_STATE_OPEN, State.ACKNOWLEDGED: incident_pb2.INCIDENT_STATE_ACKNOWLEDGED,
           State.RESOLVED: incident_pb2.INCIDENT_STATE_RESOLVED, State.MERGED: incident_pb2.INCIDENT_STATE_MERGED}
_STATES_BACK = {message: state for state, message in _STATES.items()}
_SIGNALS = {Signal.TRAFFIC: incident_pb2.SIGNAL_TRAFFIC, Signal.ERRORS: incident_pb2.SIGNAL_ERRORS,
            Signal.LATENCY: incident_pb2.SIGNAL_LATENCY, Signal.SATURATION: incident_pb2.SIGNAL_SATURATION,
            Signal.ALERT: incident_pb2.SIGNAL_ALERT, Signal.DECLARED: incident_pb2.SIGNAL_DECLARED,
            Signal.EVIDENCE: incident_pb2.SIGNAL_UNSPECIFIED}
_SIGNALS_BACK = {message: signal for signal, message in _SIGNALS.items()}
_EVENT_KINDS = {"deploy": EventKind.DEPLOY, "config_change": EventKind.CONFIG_CHANGE,
                "flag_change": EventKind.FLAG_CHANGE, "infrastructure": EventKind.INFRASTRUCTURE,
                "alert": EventKind.ALERT, "page": EventKind.PAGE, "note": EventKind.NOTE}


def feed(detector: StreamDetector, row: ingestion_service_pb2.TailResponse, defined: dict[int, Series]) -> None:
    """Hands everything that a row of the log says to the detector of its stream. defined: see `learn`."""
    learn(row, defined)
    points = row.points
    for identity in sorted({*np.frombuffer(points.series_ids, "<u8").tolist(),
                     *np.frombuffer(row.histograms.series_ids, "<u8").tolist()}):
        if not detector.alignment.knows(identity) and identity in defined:
            detector.define(defined[identity])
    if points.series_ids:
        detector.add(np.frombuffer(points.series_ids, "<u8"), np.frombuffer(points.times, "<i8"),
                     np.frombuffer(points.start_times, "<i8"), np.frombuffer(points.values, "<f8"))
    if row.histograms.series_ids:
        _feed_histograms(detector, row.histograms)
    for message in row.events:
        kind = event(message)
        if kind is not None:
            detector.event(kind)


def learn(row: ingestion_service_pb2.TailResponse, defined: dict[int, Series]) -> None:
    """Keeps the definitions of a row, also of one that is of no other interest: a call of Tail tells each series once,
    with the first row that has it, in whatever stream."""
    for each in row.series:
        defined[each.id] = series(each)


def _feed_histograms(detector: StreamDetector, columns: series_pb2.HistogramColumns) -> None:
    offsets = np.frombuffer(columns.bucket_offsets, "<u4").tolist()
    bounds = np.frombuffer(columns.bucket_bounds, "<f8").tolist()
    counts = np.frombuffer(columns.bucket_counts, "<u8").astype(np.float64).tolist()
    ids, times = np.frombuffer(columns.series_ids, "<u8").tolist(), np.frombuffer(columns.times, "<i8").tolist()
    starts, totals = np.frombuffer(columns.start_times, "<i8").tolist(), np.frombuffer(columns.counts, "<u8").tolist()
    for place, identity in enumerate(ids):
        here = slice(offsets[place], offsets[place + 1])
        detector.add_histogram(identity, times[place], starts[place], float(totals[place]), bounds[here], counts[here])


def series(message: series_pb2.Series) -> Series:
    """A definition. A source or type that a newer ingestion may send is read as a gauge of a sender."""
    kind = SeriesType(message.type) if message.type else SeriesType.GAUGE
    source = SeriesSource(message.source) if message.source else SeriesSource.METRIC
    return Series(message.id, message.service, message.metric_name, message.unit, kind, source,
                  dict(message.attributes))


def event(message: event_pb2.Event) -> Event | None:
    """An event; None for a kind that this version does not know."""
    kind = _EVENT_KINDS.get(message.WhichOneof("kind") or "")
    if kind is None:
        return None
    alert = message.alert
    return Event(
        id=message.id, occurred_at=required(message.occurred_at), kind=kind, service=message.service,
        payload=message.SerializeToString(deterministic=True), fingerprint=alert.fingerprint,
        alert_name=alert.alert_name, alert_severity=alert.severity,
        is_firing=alert.state == event_pb2.Alert.STATE_FIRING, text=_told(message, kind),
        incident=message.note.incident, actor=message.note.author)


def _told(message: event_pb2.Event, kind: EventKind) -> str:
    """The event in a line of a timeline."""
    match kind:
        case EventKind.DEPLOY:
            deploy = message.deploy
            verb = "rolled back to" if deploy.is_rollback else "deployed"
            return f"{message.service} {verb} {deploy.version}".strip()
        case EventKind.CONFIG_CHANGE:
            return f"{message.service} configuration {message.config_change.key} changed".strip()
        case EventKind.FLAG_CHANGE:
            return f"{message.service} flag {message.flag_change.key} is {message.flag_change.new_value}".strip()
        case EventKind.INFRASTRUCTURE:
            return f"{message.infrastructure.reason} {message.infrastructure.resource}".strip()
        case EventKind.ALERT:
            state = "firing" if message.alert.state == event_pb2.Alert.STATE_FIRING else "resolved"
            summary = f": {message.alert.summary}" if message.alert.summary else ""
            return f"alert {message.alert.alert_name} {state}{summary}"
        case EventKind.PAGE:
            state = event_pb2.Page.State.Name(message.page.state).removeprefix("STATE_").lower()
            return f"page {state}" + (f" to {message.page.target}" if message.page.target else "")
        case EventKind.NOTE:
            return message.note.text


def incident(value: Incident) -> incident_pb2.Incident:
    """The message of an incident, with its etag."""
    return incident_pb2.Incident(
        name=value.name, stream=value.stream, title=value.title, state=_STATES[value.state],
        severity=incident_pb2.Severity.ValueType(value.severity), severity_reason=value.severity_reason,
        service=value.service, services=value.services, operations=value.operations, onset_at=to_proto(value.onset_at),
        detected_at=to_proto(value.detected_at), recovered_at=to_proto(value.recovered_at),
        resolved_at=to_proto(value.resolved_at), acknowledged_at=to_proto(value.acknowledged_at),
        acknowledged_by=value.acknowledged_by, anomalies=[anomaly(each) for each in value.anomalies],
        changes=[_change(each) for each in value.changes], timeline=[_entry(each) for each in value.timeline],
        call_graph=[incident_pb2.CallEdge(caller=caller, callee=callee) for caller, callee in value.call_graph],
        merged_into=value.merged_into, objectives=[_objective(each) for each in value.objectives],
        etag=etag(value.name, value.revision), revision=value.revision, ticket_url=value.ticket_url, tags=value.tags,
        deciding_record_received_at=to_proto(value.deciding_record_received_at), opened_at=to_proto(value.opened_at),
        closed_at=to_proto(value.closed_at))


def decisions(value: Incident) -> dict[str, Any]:
    """What people decided of an incident, for the store."""
    return {"is_severity_set": value.is_severity_set, "is_title_set": value.is_title_set,
            "is_resolved_by_person": value.is_resolved_by_person, "moved": [list(each) for each in value.moved]}


def from_stored(message: incident_pb2.Incident, decided: Mapping[str, Any]) -> Incident:
    """The value of what `incident` and `decisions` made."""
    return Incident(
        name=message.name, stream=message.stream, title=message.title, state=_STATES_BACK[message.state],
        severity=Severity(message.severity), severity_reason=message.severity_reason, service=message.service,
        services=tuple(message.services), onset_at=required(message.onset_at),
        detected_at=required(message.detected_at), operations=tuple(message.operations),
        recovered_at=from_proto(message.recovered_at), resolved_at=from_proto(message.resolved_at),
        acknowledged_at=from_proto(message.acknowledged_at), acknowledged_by=message.acknowledged_by,
        anomalies=tuple(_anomaly_back(each) for each in message.anomalies),
        changes=tuple(_change_back(each) for each in message.changes),
        timeline=tuple(_entry_back(each) for each in message.timeline),
        call_graph=tuple((each.caller, each.callee) for each in message.call_graph), merged_into=message.merged_into,
        objectives=tuple(_objective_back(each) for each in message.objectives), revision=message.revision,
        ticket_url=message.ticket_url, tags=tuple(message.tags),
        deciding_record_received_at=from_proto(message.deciding_record_received_at),
        opened_at=from_proto(message.opened_at), closed_at=from_proto(message.closed_at),
        is_severity_set=bool(decided.get("is_severity_set")), is_title_set=bool(decided.get("is_title_set")),
        is_resolved_by_person=bool(decided.get("is_resolved_by_person")),
        moved=tuple((str(service), str(name)) for service, name in decided.get("moved", [])))


def anomaly(value: Anomaly) -> incident_pb2.Anomaly:
    """The message of an anomaly."""
    return incident_pb2.Anomaly(
        service=value.service, operation=value.operation, signal=_SIGNALS[value.signal],
        metric_name=value.metric_name, unit=value.unit, onset_at=to_proto(value.onset_at),
        detected_at=to_proto(value.detected_at), recovered_at=to_proto(value.recovered_at), observed=value.observed,
        baseline=value.baseline, spread=value.spread, z=value.z, peak_observed=value.peak_observed,
        peak_z=value.peak_z, peak_at=to_proto(value.peak_at), current=value.current, is_opening=value.is_opening,
        attributes=dict(value.attributes), peer=value.peer)


def _anomaly_back(message: incident_pb2.Anomaly) -> Anomaly:
    return Anomaly(
        service=message.service, operation=message.operation, signal=_SIGNALS_BACK[message.signal],
        metric_name=message.metric_name, unit=message.unit, onset_at=required(message.onset_at),
        detected_at=required(message.detected_at), observed=message.observed, baseline=message.baseline,
        spread=message.spread, z=message.z, peak_observed=message.peak_observed, peak_z=message.peak_z,
        peak_at=required(message.peak_at), current=message.current, recovered_at=from_proto(message.recovered_at),
        is_opening=message.is_opening, attributes=dict(message.attributes), peer=message.peer)


def _change(value: Change) -> incident_pb2.Change:
    return incident_pb2.Change(event=event_pb2.Event.FromString(value.event.payload),
                               before_onset=duration_to_proto(value.before_onset), hops=value.hops)


def _change_back(message: incident_pb2.Change) -> Change:
    found = event(message.event)
    if found is None:
        raise ValueError(f"a stored change of unknown kind: {message.event.id}")
    return Change(found, duration_from_proto(message.before_onset), message.hops)


def _entry(value: Entry) -> incident_pb2.TimelineEntry:
    return incident_pb2.TimelineEntry(
        occurred_at=to_proto(value.occurred_at), kind=incident_pb2.TimelineEntry.Kind.ValueType(value.kind.value),
        text=value.text, actor=value.actor, event=event_pb2.Event.FromString(value.event) if value.event else None)


def _entry_back(message: incident_pb2.TimelineEntry) -> Entry:
    payload = message.event.SerializeToString(deterministic=True) if message.HasField("event") else b""
    return Entry(required(message.occurred_at), Kind(message.kind), message.text, message.actor, payload)


def _objective(value: ObjectiveImpact) -> incident_pb2.ObjectiveImpact:
    return incident_pb2.ObjectiveImpact(objective=value.objective, target=value.target,
                                        period=duration_to_proto(value.period), budget_consumed=value.budget_consumed,
                                        burn_rate=value.burn_rate)


def _objective_back(message: incident_pb2.ObjectiveImpact) -> ObjectiveImpact:
    return ObjectiveImpact(message.objective, message.target, duration_from_proto(message.period),
                           message.budget_consumed, message.burn_rate)


def state(message: "incident_pb2.IncidentState.ValueType") -> State:
    """The state that a filter names."""
    return _STATES_BACK[message]


def watched(position: int, stored: incident_pb2.Incident, kind: Kind) -> incident_service_pb2.WatchIncidentsResponse:
    """One transition as Watch tells it."""
    return incident_service_pb2.WatchIncidentsResponse(
        position=position, incident=stored,
        transition=incident_pb2.TimelineEntry.Kind.ValueType(kind.value))


