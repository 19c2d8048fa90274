"""The states of an incident and every step between them: what telemetry says, and what people decide.

`observe` brings what detection has seen into the stored incident; the others are a person's steps. All are pure, and
all are idempotent: the same step again gives the same incident. A person's decision is never overruled by telemetry,
except that new anomalies still join what is open.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.detection.incident import Anomaly, Entry, Incident, Kind, Severity, State, Transition
from services.detection.series import Signal
from shared.errors import FailedPrecondition, InvalidArgument


def observe(stored: Incident | None, step: Transition, *, at: datetime) -> Incident:
    """The incident after what detection saw. at: wall clock, kept as the time of opening or closing."""
    entry = Entry(step.at, step.kind, step.text, step.event.actor if step.event else "",
                  step.event.payload if step.event else b"")
    if stored is None:
        return _noted(replace(step.seen, opened_at=at, timeline=()), entry)
    if entry in stored.timeline:
        return stored
    if stored.state is State.MERGED:
        return stored
    seen = replace(step.seen, anomalies=tuple(
        each for each in _united(stored.anomalies, step.seen.anomalies)
        if each.service not in dict(stored.moved)))
    after = replace(
        stored, anomalies=seen.anomalies, changes=step.seen.changes or stored.changes,
        services=_both(stored.services, (each for each in seen.services if each not in dict(stored.moved))),
        operations=_both(stored.operations, seen.operations),
        call_graph=tuple(sorted(set(stored.call_graph) | set(seen.call_graph))),
        recovered_at=stored.recovered_at if stored.is_resolved_by_person else step.seen.recovered_at,
        objectives=step.seen.objectives or stored.objectives)
    after = _worse(after, step)
    if step.kind is Kind.RESOLVED and stored.state is not State.RESOLVED and is_quiet(after.anomalies):
        after = replace(after, state=State.RESOLVED, resolved_at=step.seen.resolved_at, closed_at=at)
    return _noted(after, entry)


def absorb(target: Incident, step: Transition) -> Incident:
    """The incident that another was merged into, after what was seen of that other."""
    anomalies = _united(target.anomalies, step.seen.anomalies)
    after = replace(target, anomalies=anomalies, services=_both(target.services, step.seen.services),
                    operations=_both(target.operations, step.seen.operations),
                    onset_at=min(target.onset_at, step.seen.onset_at),
                    call_graph=tuple(sorted(set(target.call_graph) | set(step.seen.call_graph))))
    entry = Entry(step.at, step.kind, step.text)
    return target if entry in target.timeline else _noted(_worse(after, step), entry)


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
    return _noted(incident, Entry(at, Kind.DECLARED, f"declared: {title}", by))


def acknowledge(incident: Incident, *, by: str, at: datetime) -> Incident:
    """`incident`, taken on by `by`; twice is once. Raises FailedPrecondition when it is resolved or merged."""
    if incident.state is State.ACKNOWLEDGED:
        return incident
    _must_be_open(incident)
    after = replace(incident, state=State.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=at)
    return _noted(after, Entry(at, Kind.ACKNOWLEDGED, f"acknowledged by {by}", by))


def resolve(incident: Incident, *, by: str, at: datetime, recovered_at: datetime | None) -> Incident:
    """Over, because a person says so; twice is once. Raises FailedPrecondition when it is merged, InvalidArgument when
    the recovery lies before the onset."""
    if incident.state is State.RESOLVED:
        return incident
    _must_be_open(incident)
    recovered = recovered_at or incident.recovered_at or max(at, incident.onset_at)
    if recovered < incident.onset_at:
        raise InvalidArgument(f"recovered_at {recovered:%Y-%m-%d %H:%M:%S} is before the onset "
                              f"{incident.onset_at:%Y-%m-%d %H:%M:%S}", reason="RECOVERED_BEFORE_ONSET",
                              field="recovered_at")
    after = replace(incident, state=State.RESOLVED, recovered_at=recovered, resolved_at=max(at, recovered),
                    closed_at=at, is_resolved_by_person=True)
    return _noted(after, Entry(at, Kind.RESOLVED, f"resolved by {by}", by))


def reopen(incident: Incident, *, by: str, at: datetime) -> Incident:
    """Not over after all; open already is no harm. Raises FailedPrecondition when it is merged."""
    if incident.state in (State.OPEN, State.ACKNOWLEDGED):
        return incident
    if incident.state is State.MERGED:
        _must_be_open(incident)
    after = replace(incident, state=State.OPEN, recovered_at=None, resolved_at=None, closed_at=None,
                    is_resolved_by_person=False)
    return _noted(after, Entry(at, Kind.REOPENED, f"reopened by {by}", by))


def merge(target: Incident, others: Iterable[Incident], *, by: str, at: datetime) -> tuple[Incident, list[Incident]]:
    """`target` with all that belongs to `others`, and those as merged. Raises FailedPrecondition when one of them
    is merged elsewhere, InvalidArgument for another stream or itself."""
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
        after = replace(
            after, anomalies=_united(after.anomalies, other.anomalies), services=_both(after.services, other.services),
            operations=_both(after.operations, other.operations), onset_at=min(after.onset_at, other.onset_at),
            detected_at=min(after.detected_at, other.detected_at),
            recovered_at=None if None in (after.recovered_at, other.recovered_at) else
            max(filter(None, (after.recovered_at, other.recovered_at))),
            call_graph=tuple(sorted(set(after.call_graph) | set(other.call_graph))),
            severity=min(after.severity, other.severity),
            severity_reason=other.severity_reason if other.severity < after.severity else after.severity_reason,
            tags=_both(after.tags, other.tags))
        after = _noted(after, Entry(at, Kind.MERGED, f"{other.name} merged into this: {other.title}", by))
        ended.append(_noted(replace(other, state=State.MERGED, merged_into=target.name),
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
    # Everything of a new incident but its own part is as it was.
    new = replace(
        incident, name=name, title=f"{first.service}: {first.metric_name}", service=first.service,
        services=tuple(each for each in incident.services if each in leaving), onset_at=first.onset_at,
        anomalies=(replace(first, is_opening=True), *(each for each in gone if each is not first)),
        operations=tuple(dict.fromkeys(each.operation for each in gone if each.operation)), timeline=(), revision=0,
        ticket_url="", moved=())
    rest = replace(
        incident, anomalies=staying, services=tuple(each for each in incident.services if each not in leaving),
        service=incident.service if incident.service not in leaving else first_left.service,
        operations=tuple(dict.fromkeys(each.operation for each in staying if each.operation)),
        moved=(*incident.moved, *((each, name) for each in sorted(leaving))))
    return (_noted(rest, Entry(at, Kind.SPLIT, f"{', '.join(sorted(leaving))} split off into {name}", by)),
            _noted(new, Entry(at, Kind.SPLIT, f"split off from {incident.name}", by)))


def update(incident: Incident, *, fields: frozenset[str], severity: Severity, title: str, tags: tuple[str, ...],
           ticket_url: str, by: str, at: datetime) -> Incident:
    """With the fields that `fields` names."""
    after = incident
    if "severity" in fields and severity != incident.severity:
        after = replace(after, severity=severity, severity_reason=f"set by {by}" if by else "set by a person",
                        is_severity_set=True)
        after = _noted(after, Entry(at, Kind.SEVERITY_CHANGED, f"severity P{incident.severity} to P{severity}", by))
    changed = [name for name, value in (("title", title), ("tags", tags), ("ticket_url", ticket_url))
               if name in fields and getattr(incident, name) != value]
    if changed:
        after = replace(after, title=title if "title" in changed else after.title,
                        is_title_set=after.is_title_set or "title" in changed,
                        tags=tags if "tags" in changed else after.tags,
                        ticket_url=ticket_url if "ticket_url" in changed else after.ticket_url)
        after = _noted(after, Entry(at, Kind.UPDATED, f"{', '.join(changed)} changed", by))
    return after


def is_quiet(anomalies: Iterable[Anomaly]) -> bool:
    """Whether every golden signal and alert is back."""
    return all(each.recovered_at is not None for each in anomalies if each.signal is not Signal.EVIDENCE)


def _worse(after: Incident, step: Transition) -> Incident:
    if after.is_severity_set or step.seen.severity > after.severity:
        return after
    if step.seen.severity == after.severity:
        return replace(after, severity_reason=step.seen.severity_reason)
    changed = replace(after, severity=step.seen.severity, severity_reason=step.seen.severity_reason)
    if step.kind is Kind.SEVERITY_CHANGED:
        return changed  # the step itself stands on the timeline
    return _noted(changed, Entry(step.at, Kind.SEVERITY_CHANGED,
                                 f"severity P{after.severity} to P{changed.severity}: {changed.severity_reason}"))


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


def _united(before: tuple[Anomaly, ...], newer: tuple[Anomaly, ...]) -> tuple[Anomaly, ...]:
    latest = {each.key: each for each in newer}
    kept = tuple(latest.pop(each.key, each) for each in before)
    return (*kept, *latest.values())


def _both(before: Iterable[str], newer: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*before, *newer)))


def _noted(incident: Incident, entry: Entry) -> Incident:
    return replace(incident, timeline=(*incident.timeline, entry))
