"""Detection's incidents."""

from afteraction.v1 import incident_pb2
from services.drafting.incident import Entry, EntryKind, Incident, Objective, State
from services.drafting.messages.events import event
from services.drafting.observations import Anomaly, CallEdge, Change, IncidentFacts, Severity, Signal
from shared.timestamps import duration_from_proto, from_proto, required

_SIGNALS = {
    incident_pb2.SIGNAL_TRAFFIC: Signal.TRAFFIC,
    incident_pb2.SIGNAL_ERRORS: Signal.ERRORS,
    incident_pb2.SIGNAL_LATENCY: Signal.LATENCY,
    incident_pb2.SIGNAL_SATURATION: Signal.SATURATION,
    incident_pb2.SIGNAL_ALERT: Signal.ALERT,
    incident_pb2.SIGNAL_DECLARED: Signal.DECLARED,
}


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
