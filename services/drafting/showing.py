"""Observations as evidence: the fact in one sentence, with its numbers, times and names beside it.

Every text that came from outside (a log line, a note, a description) stands in quotation marks in the sentence and
whole in `example`.
"""

from collections.abc import Mapping
from datetime import datetime

from services.drafting.courses import is_rate
from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.hypotheses.hypothesis import Figure
from services.drafting.incident import Incident, Runbook, Similar
from services.drafting.observations import INCIDENT as INCIDENT
from services.drafting.observations import (
    Alert,
    Anomaly,
    CallWindow,
    ConfigChange,
    Deploy,
    Event,
    FlagChange,
    InfrastructureEvent,
    LogPatternWindow,
    LogRecord,
    Note,
    Observation,
    OperationWindow,
    Page,
    SeriesWindow,
    TraceExample,
)
from services.drafting.statements import quoted
from services.drafting.wording import clock, counted, duration, length, listed, number, quantity, share

# What tells a series from its namesakes, as far as a line has room.
MOST_LABELS = 4


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
        **_pairs(anomaly.attributes),
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


def similar_evidence(similar: Similar) -> Evidence:
    """A past incident that memory found."""
    past = similar.past
    values = {
        "document": past.document,
        "source": past.source_id,
        "title": past.title,
        "score": f"{past.score:.2f}",
        "resolution": past.resolution,
        "reasons": "; ".join(similar.reasons),
        "kinds": ", ".join(past.kinds),
        "open": "; ".join(similar.open_action_items),
    }
    return Evidence(
        past.key,
        EvidenceKind.POSTMORTEM,
        f"The past post-mortem {quoted(past.title)} is similar with a score of {past.score:.2f}.",
        past.services[0] if past.services else "",
        similar.occurred_at,
        None,
        past.score,
        similar.link,
        values,
        past.passage[:1000],
    )


def runbook_evidence(runbook: Runbook) -> Evidence:
    """A runbook that memory found."""
    steps = "\n".join(runbook.steps)
    verified = {} if runbook.last_verified_at is None else {"verified": runbook.last_verified_at.isoformat()}
    return Evidence(
        f"runbook/{runbook.name}",
        EvidenceKind.RUNBOOK,
        f"The runbook {quoted(runbook.title)} applies with a score of {number(runbook.score)}.",
        strength=runbook.score,
        link=runbook.link,
        values={
            "title": runbook.title,
            "score": number(runbook.score),
            "runbook": runbook.name,
            "reasons": "; ".join(runbook.reasons),
            "steps": steps,
            **verified,
        },
        example=steps[:2000],
    )


def setting_evidence(name: str, value: str, meaning: str) -> Evidence:
    """Something that the team configured."""
    return Evidence(f"setting/{name}", EvidenceKind.SETTING, meaning, values={"setting": name, "value": value})


def derived_evidence(
    key: str,
    statement: str,
    values: Mapping[str, str],
    *,
    service: str = "",
    at: datetime | None = None,
    until: datetime | None = None,
) -> Evidence:
    """A number that was computed, with all that it was computed from."""
    said = f"{statement.rstrip('.')}: {'; '.join(f'{name} {value}' for name, value in values.items())}."
    return Evidence(f"derived/{key}", EvidenceKind.METRIC, said, service, at, until, 0.8, values=dict(values))


def figure_evidence(figure: Figure) -> Evidence:
    """Numbers that a hypothesis computed from observations."""
    said = f"{figure.statement}: {', '.join(f'{value} {name}' for name, value in figure.values.items())}."
    return Evidence(figure.key, EvidenceKind.METRIC, said, figure.service, strength=0.8, values=dict(figure.values))


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
            return _event(observation)


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
        **_pairs(series.attributes),
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


def _event(event: Event) -> Evidence:
    at, detail, service = clock(event.occurred_at), event.detail, event.service or "the system"
    values = {"source": event.source, "occurred": event.occurred_at.isoformat(), **_pairs(event.attributes)}
    kind, said, link, example = EvidenceKind.INFRASTRUCTURE, "", "", ""
    match detail:
        case Deploy():
            kind, link, example = EvidenceKind.DEPLOY, detail.url, detail.description
            verb = "was rolled back to" if detail.is_rollback else "was deployed in version"
            said = f"{service} {verb} {detail.version} at {at}."
            values |= {
                "version": detail.version,
                "previous": detail.previous_version,
                "commit": detail.commit,
                "environment": detail.environment,
                "instances": str(detail.instances or ""),
                "files": ", ".join(detail.changed_files),
                "files.count": str(len(detail.changed_files)),
                "description": detail.description,
            }
            if detail.watch_window:
                values |= {
                    "watch_window": length(detail.watch_window),
                    "watch_window.minutes": number(detail.watch_window.total_seconds() / 60),
                    "watch_window.end": (event.occurred_at + detail.watch_window).isoformat(),
                }
        case ConfigChange():
            kind, link = EvidenceKind.CONFIG_CHANGE, detail.url
            said = f"The setting {detail.setting} of {service} was changed at {at}."
            values |= {"setting": detail.setting, "old": detail.old_value, "new": detail.new_value}
        case FlagChange():
            kind, link = EvidenceKind.FLAG_CHANGE, detail.url
            said = f"The flag {detail.flag} of {service} was switched at {at}."
            values |= {"flag": detail.flag, "old": detail.old_value, "new": detail.new_value}
        case Alert():
            kind, link, example = EvidenceKind.ALERT, detail.url, detail.summary or detail.description
            said = f"The alert {detail.alert_name} {'fired' if detail.is_firing else 'ended'} at {at}."
            values |= {"alert": detail.alert_name, "severity": detail.severity, "runbook": detail.runbook_url}
        case Page():
            kind, link, example = EvidenceKind.PAGE, detail.url, detail.summary
            verb = {"sent": "sent", "acknowledged": "acknowledged", "resolved": "closed"}[detail.state.value]
            said = f"A page was {verb} at {at}."
            values |= {"target": detail.target, "state": detail.state.value}
        case Note():
            kind, example = EvidenceKind.NOTE, detail.text
            said = f"A responder noted at {at}: {quoted(detail.text)}"
        case InfrastructureEvent():
            example = detail.message
            said = f"Infrastructure reported {detail.reason} for {detail.resource or service} at {at}."
            values |= {"reason": detail.reason, "resource": detail.resource}
    return Evidence(event.key, kind, said, event.service, event.occurred_at, None, 0.9, link, values, example)


def _pairs(attributes: Mapping[str, str]) -> dict[str, str]:
    return {f"attribute.{name}": value for name, value in sorted(attributes.items())}
