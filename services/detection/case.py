"""An incident that has not been resolved, as telemetry sees it."""

from dataclasses import dataclass, field, replace

from services.detection.incident import Anomaly, Event, Incident
from services.detection.series import Signal, is_demand

# A hold that relapses doubled is never longer than so many plain ones.
MOST_HOLDS = 4.0


@dataclass(slots=True)
class Case:
    """The telemetry side of an open incident. rows: its measures that are out. alerts: what fires, by fingerprint.
    marks: where each objective's bad requests stood at the onset. burns: the highest burn rate of each since."""

    incident: Incident
    rows: set[int] = field(default_factory=set)
    alerts: dict[str, Event] = field(default_factory=dict)
    hold_s: float = 0.0
    hold_most_s: float = 0.0
    marks: dict[str, float] = field(default_factory=dict)
    burns: dict[str, float] = field(default_factory=dict)

    def hold(self, plain_s: float) -> None:
        """Waits for at least so long once it has recovered."""
        self.hold_s, self.hold_most_s = max(self.hold_s, plain_s), max(self.hold_most_s, MOST_HOLDS * plain_s)

    def relapsed(self, incident: Incident) -> Incident:
        """`incident`, out again; what had recovered before waits longer next time."""
        if incident.recovered_at is not None:
            self.hold_s = min(2 * self.hold_s, self.hold_most_s)
        return replace(incident, recovered_at=None)

    @property
    def is_seen(self) -> bool:
        """Whether telemetry shows it, rather than alerts or people alone."""
        return any(each.signal not in (Signal.ALERT, Signal.DECLARED, Signal.EVIDENCE)
                   for each in self.incident.anomalies)

    def has_alert(self, name: str) -> bool:
        """Whether an alert of that name has fired in it."""
        return any(each.signal is Signal.ALERT and each.metric_name == name for each in self.incident.anomalies)

    def known(self, anomaly: Anomaly) -> Anomaly | None:
        """The anomaly that this measure had in it before."""
        return next((each for each in self.incident.anomalies if each.is_of_the_measure_of(anomaly)), None)

    def takes(self, signal: Signal, unit: str) -> bool:
        """Whether what a related service shows now is part of it. Once all is back, only what comes back is: errors
        where until then only latency was out are another failure, though it may have the same neighbours."""
        if self.incident.recovered_at is None or signal is Signal.EVIDENCE:
            return True
        kinds = {(each.signal, is_demand(each.signal, each.unit)) for each in self.incident.anomalies}
        return (signal, is_demand(signal, unit)) in kinds or any(
            told in (Signal.ALERT, Signal.DECLARED) for told, _ in kinds)


def with_anomaly(incident: Incident, anomaly: Anomaly) -> Incident:
    """With an anomaly, or with its newer state; its service and operation are affected when it is golden."""
    others = tuple(each for each in incident.anomalies if each.key != anomaly.key)
    place = next((i for i, each in enumerate(incident.anomalies) if each.key == anomaly.key), len(others))
    anomalies = (*others[:place], anomaly, *others[place:])
    if anomaly.signal is Signal.EVIDENCE:
        return replace(incident, anomalies=anomalies)
    services = incident.services
    for each in (anomaly.service, anomaly.peer):
        if each and each not in services:
            services = (*services, each)
    operations = incident.operations
    if anomaly.operation and anomaly.operation not in operations:
        operations = (*operations, anomaly.operation)
    return replace(incident, anomalies=anomalies, services=services, operations=operations)
