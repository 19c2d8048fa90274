"""What detection says: the incident, and each measure that left its baseline."""

from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.incident import Incident
from services.drafting.observations import INCIDENT, Anomaly
from services.drafting.showing.labels import pairs
from services.drafting.wording import clock, number, quantity


def incident_evidence(incident: Incident) -> Evidence:
    """What detection says of the incident: its times, severity and services."""
    facts = incident.facts
    values = {
        "incident": facts.name,
        "service": facts.service,
        "services": ", ".join(facts.services),
        "services.count": str(len(facts.services)),
        "severity": facts.severity.name,
        "onset": facts.onset_at.isoformat(),
        "detected": facts.detected_at.isoformat(),
        "reason": facts.severity_reason,
        "operations": ", ".join(facts.operations),
        "stream": facts.stream,
        "title": facts.title,
    }
    said = (
        f"{facts.service} left its normal at {clock(facts.onset_at)}, which was detected at {clock(facts.detected_at)}"
    )
    for name, at in (
        ("recovered", facts.recovered_at),
        ("resolved", facts.resolved_at),
        ("acknowledged", incident.acknowledged_at),
    ):
        if at is not None:
            values[name] = at.isoformat()
            said += f", {name} at {clock(at)}"
    return Evidence(
        INCIDENT,
        EvidenceKind.INCIDENT,
        f"{said}; severity {facts.severity.name}.",
        facts.service,
        facts.onset_at,
        facts.recovered_at or facts.resolved_at,
        1.0,
        values=values,
        example=facts.severity_reason,
    )


def anomaly_evidence(anomaly: Anomaly) -> Evidence:
    """A measure that left its baseline, as detection found it."""
    unit = anomaly.unit
    where = f"{anomaly.service} {anomaly.operation}".strip()
    said = (
        f"{anomaly.metric_name} of {where} was {quantity(anomaly.observed, unit)} at {clock(anomaly.detected_at)} "
        f"against a baseline of {quantity(anomaly.baseline, unit)} (z {number(anomaly.z)})"
    )
    values = {
        "metric": anomaly.metric_name,
        "operation": anomaly.operation,
        "peer": anomaly.peer,
        "signal": anomaly.signal.value,
        "observed": quantity(anomaly.observed, unit),
        "baseline": quantity(anomaly.baseline, unit),
        "spread": quantity(anomaly.spread, unit),
        "z": number(anomaly.z),
        "current": quantity(anomaly.current, unit),
        "onset": anomaly.onset_at.isoformat(),
        "detected": anomaly.detected_at.isoformat(),
        **pairs(anomaly.attributes),
    }
    if anomaly.peak_at is not None:
        values |= {
            "peak": quantity(anomaly.peak_observed, unit),
            "peak.z": number(anomaly.peak_z),
            "peak.at": anomaly.peak_at.isoformat(),
        }
        said += f", {quantity(anomaly.peak_observed, unit)} at its worst at {clock(anomaly.peak_at)}"
    if anomaly.recovered_at is not None:
        values["recovered"] = anomaly.recovered_at.isoformat()
    return Evidence(
        anomaly.key,
        EvidenceKind.ANOMALY,
        said + ".",
        anomaly.service,
        anomaly.onset_at,
        anomaly.recovered_at,
        1.0 if anomaly.is_opening else 0.8,
        values=values,
    )
