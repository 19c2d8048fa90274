"""Detection's own sentences: titles, timeline entries. Numbers as people read them, nothing that was not measured."""

import math

from services.detection.burn import Burn
from services.detection.incident import Anomaly, Event, Incident
from services.detection.series import Signal


def value(number: float, unit: str) -> str:
    """A number in its unit, in two or three digits: shares as percent, durations in milliseconds, seconds, minutes."""
    if math.isnan(number):
        return "nothing"
    if unit == "share":
        return f"{_rounded(number * 100)} %"
    if unit == "s":
        return _duration(number)
    return _rounded(number) + ("" if unit in ("", "1") else unit if unit.startswith("/") else f" {unit}")


def _duration(seconds: float) -> str:
    if abs(seconds) < 1:
        return f"{_rounded(seconds * 1000)} ms"
    return f"{_rounded(seconds)} s" if abs(seconds) < 300 else f"{_rounded(seconds / 60)} min"


def _rounded(number: float) -> str:
    """Three digits above ten, two below, all before the point; what is smaller than a hundredth is said to be so."""
    size = abs(number)
    if size < 0.005:
        return "0" if size < 1e-6 else "under 0.01"
    if size >= 1000:
        return f"{number:,.0f}".replace(",", "\u202f") if size >= 10000 else f"{number:.0f}"
    return f"{number:.3g}" if size >= 10 else f"{number:.2g}"


def subject(anomaly: Anomaly) -> str:
    """`checkout-api POST /checkout: error share of http.server.request.duration`."""
    where = " ".join(part for part in (anomaly.service, anomaly.operation) if part)
    peer = f" (peer {anomaly.peer})" if anomaly.peer and anomaly.peer not in anomaly.metric_name else ""
    return f"{where}: {anomaly.metric_name}{peer}"


def title(anomaly: Anomaly) -> str:
    """Of an incident, from the anomaly that opened it, at its worst so far."""
    if anomaly.signal is Signal.ALERT:
        return f"{anomaly.service}: alert {anomaly.metric_name}"
    worst, baseline = value(anomaly.peak_observed, anomaly.unit), value(anomaly.baseline, anomaly.unit)
    if anomaly.signal is Signal.ERRORS and anomaly.unit == "share":
        where = " ".join(part for part in (anomaly.service, anomaly.operation) if part)
        return f"{where}: {worst} of requests fail, baseline {baseline}"
    if anomaly.signal is Signal.TRAFFIC and anomaly.unit == "share":
        return f"{anomaly.service}: {anomaly.operation} is {worst} of its spans, baseline {baseline}"
    return f"{subject(anomaly)} {worst}, baseline {baseline}"


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


def burning(burn: Burn) -> str:
    """An error budget began to burn too fast."""
    return (f"the error budget of {burn.objective.service} burns {burn.rate:.1f} times as fast as it may: "
            f"{value(burn.bad, 'share')} of requests were bad over {_span(burn)}; promised is that "
            f"{burn.objective.text}")


def burnt_out(burn: Burn) -> str:
    """And ceased to."""
    return (f"the error budget of {burn.objective.service} burns less than {burn.windows.factor:g} times as fast as it "
            "may")


def _span(burn: Burn) -> str:
    hours = burn.windows.long_s / 3600
    return f"{hours:g} h" if hours < 48 else f"{hours / 24:g} days"


def alert_anomaly(event: Event) -> Anomaly:
    """An alert as a part of an incident: it says that something is wrong, and no number."""
    return Anomaly(service=event.service or "unknown", operation="", signal=Signal.ALERT,
                   metric_name=event.alert_name, unit="", onset_at=event.occurred_at, detected_at=event.occurred_at,
                   observed=1.0, baseline=0.0, spread=0.0, z=0.0, peak_observed=1.0, peak_z=0.0,
                   peak_at=event.occurred_at, current=1.0)
