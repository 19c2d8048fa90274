"""The states of an incident and every step between them that people decide; for what telemetry sees: `observing`.

    open -> acknowledged -> resolved        resolved -> open: reopened        each but merged -> merged: an end

All steps are pure, and all are idempotent: the same step again gives the same incident.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.detection import wording
from services.detection.incident import Anomaly, Entry, Incident, Kind, Severity, State, headlines_first, noted
from services.detection.observing import both, recovered, reopened, united
from services.detection.series import Signal
from shared.errors import FailedPrecondition, InvalidArgument


def declare(*, name: str, stream: str, service: str, title: str, severity: Severity, onset_at: datetime,
            by: str, at: datetime) -> Incident:
    """An incident that a person sees and telemetry does not."""
    anomaly = Anomaly(service=service, operation="", signal=Signal.DECLARED, metric_name="declared", unit="",
                      onset_at=onset_at, detected_at=at, observed=1.0, baseline=0.0, spread=0.0, z=0.0,
                      peak_observed=1.0, peak_z=0.0, peak_at=onset_at, current=1.0, is_opening=True)
    incident = Incident(
        name=name, stream=stream, title=title, state=State.OPEN, severity=severity,
        severity_reason=f"declared by {by}" if by else "declared", service=service, services=(service,),
        onset_at=onset_at, detected_at=at, anomalies=(anomaly,), opened_at=at, is_severity_set=True, is_title_set=True)
    return noted(incident, Entry(at, Kind.DECLARED, f"declared: {title}", by))


def acknowledge(incident: Incident, *, by: str, at: datetime) -> Incident:
    """`incident`, taken on by `by`; twice is once. Raises FailedPrecondition when it is resolved or merged."""
    if incident.state is State.ACKNOWLEDGED:
        return incident
    _must_be_open(incident)
    after = replace(incident, state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=at)
    return noted(after, Entry(at, Kind.ACKNOWLEDGED, f"acknowledged by {by}", by))


def resolve(incident: Incident, *, by: str, at: datetime, recovered_at: datetime | None) -> Incident:
    """Over, because a person says so; twice is once. Raises FailedPrecondition when it is merged, InvalidArgument when
    the recovery lies before the onset."""
    if incident.state is State.RESOLVED:
        return incident
    _must_be_open(incident)
    back_at = recovered_at or incident.recovered_at or max(at, incident.onset_at)
    if back_at < incident.onset_at:
        raise InvalidArgument(f"recovered_at {back_at:%Y-%m-%d %H:%M:%S} is before the onset "
                              f"{incident.onset_at:%Y-%m-%d %H:%M:%S}", reason="RECOVERED_BEFORE_ONSET",
                              field="recovered_at")
    after = replace(incident, state=State.RESOLVED, recovered_at=back_at, resolved_at=max(at, back_at),
                    closed_at=at, is_resolved_by_person=True)
    return noted(after, Entry(at, Kind.RESOLVED, f"resolved by {by}", by))


def reopen(incident: Incident, *, by: str, at: datetime) -> Incident:
    """Not over after all; open already is no harm. Raises FailedPrecondition when it is merged."""
    if incident.state in (State.OPEN, State.ACKNOWLEDGED):
        return incident
    if incident.state is State.MERGED:
        _must_be_open(incident)
    return noted(reopened(incident), Entry(at, Kind.REOPENED, f"reopened by {by}", by))


def merge(target: Incident, others: Iterable[Incident], *, by: str, at: datetime) -> tuple[Incident, list[Incident]]:
    """`target` with all that belongs to `others`, and those as merged; what takes in something open is open. Raises
    FailedPrecondition when one of them is merged elsewhere, InvalidArgument for another stream or itself."""
    _must_not_be_merged(target)
    after, ended = target, []
    for other in others:
        if other.name == target.name or other.stream != target.stream:
            raise InvalidArgument(f"{other.name} cannot be merged into {target.name}: "
                                  + ("it is the same" if other.name == target.name else "it is in another stream"),
                                  reason="CANNOT_MERGE", field="others")
        if other.state is State.MERGED and other.merged_into == target.name:
            continue
        _must_not_be_merged(other)
        if after.state is State.RESOLVED and other.state is not State.RESOLVED:
            after = reopened(after)
        after = replace(
            after, anomalies=united(after.anomalies, other.anomalies), services=both(after.services, other.services),
            operations=both(after.operations, other.operations), onset_at=min(after.onset_at, other.onset_at),
            detected_at=min(after.detected_at, other.detected_at),
            recovered_at=None if None in (after.recovered_at, other.recovered_at) else
            max(filter(None, (after.recovered_at, other.recovered_at))),
            call_graph=tuple(sorted(set(after.call_graph) | set(other.call_graph))),
            severity=min(after.severity, other.severity),
            severity_reason=other.severity_reason if other.severity < after.severity else after.severity_reason,
            tags=both(after.tags, other.tags))
        after = noted(headlines_first(after),
                       Entry(at, Kind.MERGED, f"{other.name} merged into this: {other.title}", by))
        ended.append(noted(replace(other, state=State.MERGED, merged_into=target.name),
                            Entry(at, Kind.MERGED, f"merged into {target.name}", by)))
    return after, ended


def split(incident: Incident, services: Iterable[str], *, name: str, by: str,
          at: datetime) -> tuple[Incident, Incident]:
    """What stays, and the new incident `name` with the anomalies of `services`. Raises InvalidArgument when a service
    has none here, or when nothing would stay."""
    _must_not_be_merged(incident)
    leaving = frozenset(services)
    unknown = leaving - {each.service for each in incident.anomalies}
    if unknown:
        raise InvalidArgument(f"{incident.name} has no anomaly of {', '.join(sorted(unknown))}; it has of "
                              f"{', '.join(sorted({each.service for each in incident.anomalies}))}",
                              reason="NO_SUCH_SERVICE_IN_INCIDENT", field="services")
    gone = tuple(each for each in incident.anomalies if each.service in leaving)
    staying = tuple(each for each in incident.anomalies if each.service not in leaving)
    if not staying:
        raise InvalidArgument(f"nothing would stay in {incident.name}", reason="NOTHING_STAYS", field="services")
    first = min(gone, key=lambda each: (each.onset_at, -abs(each.z)))
    first_left = min(staying, key=lambda each: (not each.is_opening, each.onset_at, -abs(each.z)))
    is_over = incident.state is State.RESOLVED
    # Everything of a new incident but its own part is as it was.
    new = headlines_first(replace(
        incident, name=name, title=wording.title(first), service=first.service,
        services=tuple(each for each in incident.services if each in leaving), onset_at=first.onset_at,
        anomalies=(replace(first, is_opening=True), *(each for each in gone if each is not first)),
        recovered_at=incident.recovered_at if is_over else recovered(gone),
        operations=tuple(dict.fromkeys(each.operation for each in gone if each.operation)), timeline=(), revision=0,
        severity_reason=f"as that of {incident.name}, from which it was split off",
        ticket_url="", moved=(), is_title_set=False))
    rest = replace(
        incident, anomalies=(replace(first_left, is_opening=True),
                             *(each for each in staying if each is not first_left)),
        services=tuple(each for each in incident.services if each not in leaving),
        service=incident.service if incident.service not in leaving else first_left.service,
        title=incident.title if first_left.is_opening or incident.is_title_set else wording.title(first_left),
        recovered_at=incident.recovered_at if is_over else recovered(staying),
        operations=tuple(dict.fromkeys(each.operation for each in staying if each.operation)),
        moved=(*incident.moved, *((each, name) for each in sorted(leaving))))
    return (noted(rest, Entry(at, Kind.SPLIT, f"{', '.join(sorted(leaving))} split off into {name}", by)),
            noted(new, Entry(at, Kind.SPLIT, f"split off from {incident.name}", by)))


def update(incident: Incident, *, fields: frozenset[str], severity: Severity, title: str, tags: tuple[str, ...],
           ticket_url: str, by: str, at: datetime) -> Incident:
    """With the fields that `fields` names."""
    after = incident
    if "severity" in fields and severity != incident.severity:
        after = replace(after, severity=severity, severity_reason=f"set by {by}" if by else "set by a person",
                        is_severity_set=True)
        after = noted(after, Entry(at, Kind.SEVERITY_CHANGED, f"severity P{incident.severity} to P{severity}", by))
    changed = [name for name, value in (("title", title), ("tags", tags), ("ticket_url", ticket_url))
               if name in fields and getattr(incident, name) != value]
    if changed:
        after = replace(after, title=title if "title" in changed else after.title,
                        is_title_set=after.is_title_set or "title" in changed,
                        tags=tags if "tags" in changed else after.tags,
                        ticket_url=ticket_url if "ticket_url" in changed else after.ticket_url)
        after = noted(after, Entry(at, Kind.UPDATED, f"{', '.join(changed)} changed", by))
    return after


def _must_be_open(incident: Incident) -> None:
    _must_not_be_merged(incident)
    if incident.state is State.RESOLVED:
        at = f" at {incident.resolved_at:%H:%M} UTC" if incident.resolved_at else ""
        raise FailedPrecondition(f"{incident.name} was resolved{at}; reopen it or declare a new one",
                                 reason="INCIDENT_RESOLVED", resource=incident.name)


def _must_not_be_merged(incident: Incident) -> None:
    if incident.state is State.MERGED:
        raise FailedPrecondition(f"{incident.name} was merged into {incident.merged_into}; use that",
                                 reason="INCIDENT_MERGED", resource=incident.name)
