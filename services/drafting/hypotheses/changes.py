"""Deploys, flags and settings: the nearer before the onset, in time and in the call graph, the more likely."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from math import exp

from services.drafting.hypotheses.finding import CERTAIN, Finding
from services.drafting.hypotheses.graph import CallGraph
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.observations import ConfigChange, Deploy, Event, FlagChange, IncidentFacts, Observations

# After so long a change without consequences has lost two thirds of its weight: long enough for traffic to build up.
FORGOTTEN = timedelta(hours=1)
LATEST_KNOWN = timedelta(days=1)
# An onset is known to a metric's period at best, and clocks differ.
SLACK = timedelta(minutes=3)
# Each call between the changed service and the incident's leaves this much.
PER_HOP = 0.6
NO_PATH = 0.15
# Taking a change back and seeing the incident end is the nearest thing to an experiment.
TAKEN_BACK = 0.75
RECOVERY = timedelta(minutes=45)


@dataclass(frozen=True, slots=True)
class SuspectedChange:
    """A change before the onset, and how it stands to the incident."""

    event: Event
    finding: Finding
    # The change that took it back, where the incident ended after that.
    taken_back_by: Event | None = None


def suspected_changes(incident: IncidentFacts, observations: Observations, graph: CallGraph
                      ) -> tuple[SuspectedChange, ...]:
    """Every change that may have caused it, most likely first."""
    events = {event.key: event for event in observations.events if event.is_change}
    events |= {change.event.key: change.event for change in incident.changes if change.event.is_change}
    hops = {change.event.key: change.hops for change in incident.changes}
    suspects = [_suspect(event, incident, events.values(), _weight_of_place(event, incident, graph, hops))
                for event in events.values() if _may_have_caused(event, incident)]
    return tuple(sorted(suspects, key=lambda suspect: -suspect.finding.weight))


def _may_have_caused(event: Event, incident: IncidentFacts) -> bool:
    if isinstance(event.detail, Deploy) and event.detail.is_rollback and event.occurred_at > incident.onset_at:
        return False
    return incident.onset_at - LATEST_KNOWN <= event.occurred_at <= incident.onset_at + SLACK


def _weight_of_place(event: Event, incident: IncidentFacts, graph: CallGraph, hops: dict[str, int | None]) -> float:
    affected = {incident.service, *incident.services}
    if not event.service or event.service in affected:
        return 1.0
    known = [distance for service in affected if (distance := graph.hops(event.service, service)) is not None]
    distance = min(known) if known else hops.get(event.key)
    return NO_PATH if distance is None else PER_HOP ** distance


def _suspect(event: Event, incident: IncidentFacts, others: Iterable[Event], place: float) -> SuspectedChange:
    age = max(incident.onset_at - event.occurred_at, timedelta(0))
    weight = CERTAIN * 0.75 * exp(-(age / FORGOTTEN)) * place
    undone = _taken_back(event, incident, others)
    if undone is not None:
        weight += CERTAIN * TAKEN_BACK
    service = event.service or incident.service
    keys = (event.key,) if undone is None else (event.key, undone.key)
    return SuspectedChange(event, Finding(service, _kind(event), weight, _clause(event), keys), undone)


def _taken_back(event: Event, incident: IncidentFacts, others: Iterable[Event]) -> Event | None:
    """The later change that undid `event`, if the incident recovered soon after it."""
    for other in sorted(others, key=lambda other: other.occurred_at):
        if other.service != event.service or other.occurred_at <= event.occurred_at or not _undoes(other, event):
            continue
        if (incident.recovered_at is not None and other.occurred_at >= incident.onset_at
                and timedelta(0) <= incident.recovered_at - other.occurred_at <= RECOVERY):
            return other
    return None


def _undoes(later: Event, earlier: Event) -> bool:
    match later.detail, earlier.detail:
        case Deploy() as back, Deploy() as forth:
            return back.is_rollback or (bool(forth.previous_version) and back.version == forth.previous_version)
        case ConfigChange() as back, ConfigChange() as forth:
            return back.setting == forth.setting and back.new_value == forth.old_value
        case FlagChange() as back, FlagChange() as forth:
            return back.flag == forth.flag and back.new_value == forth.old_value
        case _:
            return False


def _kind(event: Event) -> CauseKind:
    return CauseKind.DEPLOYMENT if isinstance(event.detail, Deploy) else CauseKind.CONFIGURATION


def _clause(event: Event) -> str:
    match event.detail:
        case Deploy() as deploy:
            return f"was deployed in version {deploy.version}"
        case ConfigChange() as change:
            return f"had its setting {change.setting} changed"
        case FlagChange() as change:
            return f"had its flag {change.flag} switched"
        case _:
            return "was changed"
