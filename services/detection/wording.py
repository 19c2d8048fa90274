"""Detection's own sentences: titles, timeline entries. Numbers as people read them, nothing that was not measured."""

import math

from services.detection.incident import Anomaly, Event, Incident
from services.detection.series import Signal


def value(number: float, unit: str) -> str:
    """A number in its unit: shares as percent, short durations in milliseconds."""
    if math.isnan(number):
        return "nothing"
    if unit == "share":
        return f"{number * 100:.3g} %"
    if unit == "s":
        return f"{number * 1000:.3g} ms" if abs(number) < 1 else f"{number:.3g} s"
    if abs(number) < 1e-6:
        number = 0.0
    return f"{number:.4g}" + ("" if unit in ("", "1") else unit if unit.startswith("/") else f" {unit}")


def subject(anomaly: Anomaly) -> str:
    """`checkout-api POST /checkout: error share of http.server.request.duration`."""
    where = " ".join(part for part in (anomaly.service, anomaly.operation) if part)
    peer = f" (peer {anomaly.peer})" if anomaly.peer and anomaly.peer not in anomaly.metric_name else ""
    return f"{where}: {anomaly.metric_name}{peer}"


def title(anomaly: Anomaly) -> str:
    """Of an incident, from the anomaly that opened it."""
    if anomaly.signal is Signal.ERRORS and anomaly.unit == "share":
        where = " ".join(part for part in (anomaly.service, anomaly.operation) if part)
        return (f"{where}: {value(anomaly.observed, anomaly.unit)} of requests fail, baseline "
                f"{value(anomaly.baseline, anomaly.unit)}")
    return (f"{subject(anomaly)} {value(anomaly.observed, anomaly.unit)}, baseline "
            f"{value(anomaly.baseline, anomaly.unit)}")


def out(anomaly: Anomaly) -> str:
    """An anomaly began."""
    return (f"{subject(anomaly)} left its baseline of {value(anomaly.baseline, anomaly.unit)}: "
            f"{value(anomaly.observed, anomaly.unit)} (z {anomaly.z:.1f})")


def opened(anomaly: Anomaly) -> str:
    """An incident opened by it."""
    return f"opened: {out(anomaly)}"


def recovered(anomaly: Anomaly) -> str:
    """An anomaly ended."""
    return f"{subject(anomaly)} is back in its baseline: {value(anomaly.current, anomaly.unit)}"


def all_back(incident: Incident) -> str:
    """The last signal of an incident returned."""
    return f"every signal of {', '.join(incident.services)} is back in its baseline"


def worse(before: Incident, after: Incident) -> str:
    """The severity of an incident rose."""
    return f"severity P{before.severity} to P{after.severity}: {after.severity_reason}"


def resolved(incident: Incident) -> str:
    """An incident ended by itself."""
    return "resolved: its signals have stayed in their baselines"


def alert_anomaly(event: Event) -> Anomaly:
    """An alert as a part of an incident: it says that something is wrong, and no number."""
    return Anomaly(service=event.service or "unknown", operation="", signal=Signal.ALERT,
                   metric_name=event.alert_name, unit="", onset_at=event.occurred_at, detected_at=event.occurred_at,
                   observed=1.0, baseline=0.0, spread=0.0, z=0.0, peak_observed=1.0, peak_z=0.0,
                   peak_at=event.occurred_at, current=1.0)
