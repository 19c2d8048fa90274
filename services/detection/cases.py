"""The open incidents of a stream: what opens one, what joins it, when it has recovered and when it is over.

A measure that is out of its baseline joins an incident to which its service is related. What is related to none opens
one when together it is strong enough: see `openings`. Alerts and burning budgets open and join as they are. When every
golden signal is back and no alert fires, the incident has recovered; a hold later it is resolved. A relapse within
the hold belongs to it, and doubles the hold.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from services.detection import grouping, severity, wording
from services.detection.burn import Burn, Burns
from services.detection.changes import Changes
from services.detection.departures import Departure, Departures, Judged, moment
from services.detection.grouping import CallGraph
from services.detection.incident import (
    Anomaly,
    Event,
    EventKind,
    Incident,
    Kind,
    ObjectiveImpact,
    Severity,
    State,
    Transition,
    headlines_first,
)
from services.detection.openings import OPENING, Opening
from services.detection.series import Measure, Signal
from services.detection.tuning import Tuning
from shared.names import deterministic_id, resource

# Anomalies kept with an incident; beyond that evidence is not added.
MOST_ANOMALIES = 120
# A hold that relapses doubled is never longer than so many plain ones.
MOST_HOLDS = 4.0
_BURN = "burn"


@dataclass(slots=True)
class Case:
    """An incident that has not been resolved: its telemetry side. alerts: what fires, by fingerprint. marks: where each
    objective's bad requests stood at the onset. burns: the highest burn rate of each since."""

    incident: Incident
    rows: set[int] = field(default_factory=set)
    alerts: dict[str, Event] = field(default_factory=dict)
    hold_s: float = 0.0
    hold_most_s: float = 0.0
    marks: dict[str, float] = field(default_factory=dict)
    burns: dict[str, float] = field(default_factory=dict)


class Cases:
    """What is open in a stream. Only its `Transition`s leave it; everything follows from the order of its calls."""

    def __init__(self, stream: str, tuning: Tuning, *, departures: Departures, graph: CallGraph) -> None:
        self.open: dict[str, Case] = {}
        self._stream = stream
        self._tuning = tuning
        self._departures = departures
        self._graph = graph
        self._changes = Changes(tuning.lookback_s)
        self._burns = Burns(tuning.objectives, tuning.resolution_s)
        self._events: list[Event] = []

    # Measures

    def worsened(self, now_s: float) -> Iterator[Transition]:
        """Every case with its anomalies as they are now; titles and severities follow their peaks."""
        for case in self.open.values():
            latest = {known.anomaly.key: known.anomaly for row in case.rows
                      if (known := self._departures.outs.get(row)) is not None}
            if not latest and not case.burns:
                continue
            before = case.incident
            refreshed = replace(before, anomalies=tuple(latest.get(each.key, each) for each in before.anomalies))
            case.incident = self._assessed(refreshed, case)
            if case.incident.severity < before.severity:
                yield Transition(Kind.SEVERITY_CHANGED, moment(now_s), wording.worse(before, case.incident),
                                 case.incident)

    def returned(self, rows: Iterable[int]) -> Iterator[Transition]:
        """These measures are out no more."""
        for row in rows:
            known = self._departures.outs.pop(row)
            case = self.open.get(known.incident)
            if case is None:
                continue
            case.rows.discard(row)
            at = known.anomaly.recovered_at or known.anomaly.detected_at
            case.incident = _with(case.incident, known.anomaly)
            if known.anomaly.signal in OPENING:
                yield Transition(Kind.ANOMALY_RECOVERED, at, wording.recovered(known.anomaly), case.incident)
            yield from self._maybe_recovered(case)

    def _maybe_recovered(self, case: Case) -> Iterator[Transition]:
        """Whether all golden signals are back and no alert fires: then the hold begins."""
        outs = self._departures.outs
        if any(outs[row].anomaly.signal in OPENING for row in case.rows if row in outs) or case.alerts:
            return
        ends = [each.recovered_at for each in case.incident.anomalies
                if each.recovered_at is not None and each.signal is not Signal.EVIDENCE]
        if case.incident.recovered_at is not None or not ends:
            return
        case.incident = replace(case.incident, recovered_at=max(ends))
        yield Transition(Kind.RECOVERED, max(ends), wording.all_back(case.incident), case.incident)

    def joins(self, judged: Judged) -> Iterator[Transition]:
        """Measures that left their baseline and are related to an open incident become part of it."""
        for place in np.flatnonzero(judged.moves.entered | judged.moves.rising).tolist():
            row = int(judged.interval.rows[place])
            known = self._departures.outs.get(row)
            if known is None or known.incident:
                continue
            case = self._related(known.anomaly)
            if case is not None:
                yield from self._join(case, row, known)

    def _related(self, anomaly: Anomaly) -> Case | None:
        names = {anomaly.service} | ({anomaly.peer} if anomaly.peer else set())
        reach = 1 if anomaly.signal is Signal.SATURATION else grouping.REACH
        fitting = [case for case in self.open.values()
                   if grouping.related(self._graph, (anomaly.service,), case.incident.services, reach=reach)]
        if anomaly.signal is Signal.EVIDENCE:
            fitting = [case for case in fitting if names & set(case.incident.services)
                       and len(case.incident.anomalies) < MOST_ANOMALIES]
        return min(fitting, key=lambda case: (not names & set(case.incident.services), case.incident.onset_at,
                                              case.incident.name), default=None)

    def _join(self, case: Case, row: int, known: Departure) -> Iterator[Transition]:
        known.incident = case.incident.name
        case.rows.add(row)
        incident = _with(case.incident, known.anomaly)
        if known.anomaly.signal not in OPENING:  # evidence travels with the next transition; it is no news by itself
            case.incident = self._assessed(incident, case)
            return
        self._hold(case, (row,))
        case.incident = self._assessed(self._relapsed(case, incident), case)
        yield Transition(Kind.ANOMALY_JOINED, known.anomaly.detected_at, wording.out(known.anomaly), case.incident)

    def _relapsed(self, case: Case, incident: Incident) -> Incident:
        """Out again; what had recovered before waits longer next time."""
        if incident.recovered_at is not None:
            case.hold_s = min(2 * case.hold_s, case.hold_most_s)
        return replace(incident, recovered_at=None)

    def _hold(self, case: Case, rows: Iterable[int]) -> None:
        """At least as long as a few values of the slowest signal take."""
        plain = max((self._tuning.hold_s, *(self._tuning.hold_periods * self._departures.period(row) for row in rows)))
        case.hold_s, case.hold_most_s = max(case.hold_s, plain), max(case.hold_most_s, MOST_HOLDS * plain)

    def has_begun(self, services: Iterable[str]) -> bool:
        """Whether there is an incident already that symptoms of these services will join once each is clear enough."""
        names = tuple(services)
        return any(grouping.related(self._graph, names, case.incident.services) for case in self.open.values())

    def opened(self, opening: Opening, judged: Judged, received_at: datetime) -> Transition:
        """A new incident, of measures that are strong enough together."""
        places = {int(row): place for place, row in enumerate(judged.interval.rows.tolist())}
        outs = self._departures.outs
        for row in opening.rows:
            self._departures.leave(row, places[row], judged)
        first = replace(outs[opening.first].anomaly, is_opening=True, detected_at=moment(judged.end_s))
        outs[opening.first].anomaly = first
        case = self._begun(first, wording.title(first), moment(judged.end_s), received_at)
        case.rows = set(opening.rows)
        self._hold(case, opening.rows)
        for row in opening.rows:
            outs[row].incident = case.incident.name
            case.incident = _with(case.incident, outs[row].anomaly)
        case.incident = self._assessed(case.incident, case)
        return Transition(Kind.OPENED, moment(judged.end_s), wording.opened(first), case.incident)

    def _begun(self, first: Anomaly, title: str, at: datetime, received_at: datetime) -> Case:
        """The case of an incident that `first` opens."""
        name = resource("incidents", deterministic_id(self._stream, *first.key))
        incident = Incident(
            name=name, stream=self._stream, title=title, state=State.OPEN, severity=Severity.P4, severity_reason="",
            service=first.service, services=(first.service,), onset_at=first.onset_at, detected_at=at,
            deciding_record_received_at=received_at)
        incident = _with(incident, first)
        case = self.open[name] = Case(replace(incident, changes=self._changes.before(incident, self._graph)))
        self._hold(case, ())
        return case

    # What is known of a case

    def _assessed(self, incident: Incident, case: Case) -> Incident:
        """With its severity, which only rises, its objectives, its title at the worst and its part of the graph."""
        incident = replace(incident, objectives=self._impacts(incident, case))
        verdict = severity.severity(
            incident.anomalies, user_facing=self._graph.user_facing(incident.services),
            alerts=[(each.alert_name, each.alert_severity) for each in case.alerts.values()
                    if each.alert_severity != _BURN], burn_rate=self._burns.firing(incident.services),
            rules=self._tuning.rules)
        if not incident.severity_reason or verdict.severity <= incident.severity:
            incident = replace(incident, severity=verdict.severity, severity_reason=verdict.reason)
        opening = next((each for each in incident.anomalies if each.is_opening), None)
        if opening is not None and opening.signal in OPENING:
            incident = replace(incident, title=wording.title(opening))
        incident = replace(incident, call_graph=self._graph.edges(incident.services))
        return headlines_first(incident)

    def _impacts(self, incident: Incident, case: Case) -> tuple[ObjectiveImpact, ...]:
        """What the incident takes of the error budgets of its services; once it has recovered it takes no more."""
        if incident.recovered_at is not None and incident.objectives:
            return incident.objectives
        found = []
        for course in self._burns.of(incident.services):
            text = course.objective.text
            mark = case.marks.setdefault(text, course.mark(incident.onset_at.timestamp()))
            case.burns[text] = max(case.burns.get(text, 0.0), course.rate(3600.0)[0])
            found.append(ObjectiveImpact(text, course.objective.target, course.objective.period,
                                         course.consumed(mark), case.burns[text]))
        return tuple(found)

    # Time that passes

    def resolved(self, now_s: float) -> Iterator[Transition]:
        """What has held for long enough by `now_s` is over."""
        due = sorted((case.incident.recovered_at.timestamp() + case.hold_s, name) for name, case in self.open.items()
                     if case.incident.recovered_at is not None)
        for at_s, name in due:
            if at_s <= now_s:
                case = self.open.pop(name)
                self._departures.release(case.rows)
                incident = replace(case.incident, state=State.RESOLVED, resolved_at=moment(at_s))
                yield Transition(Kind.RESOLVED, moment(at_s), wording.resolved(incident), incident)

    # Events

    def event(self, event: Event) -> None:
        """A deploy, an alert, a note: it takes effect at its event time, once the watermark has passed that."""
        self._events.append(event)

    @property
    def last_event_s(self) -> Iterable[float]:
        """Times of the events that have not taken effect."""
        return [each.occurred_at.timestamp() for each in self._events]

    def happened(self, now_s: float, received_at: datetime) -> Iterator[Transition]:
        """The events up to `now_s` take effect, in the order of their times."""
        due = [each for each in self._events if each.occurred_at.timestamp() <= now_s]
        if not due:
            return
        self._events = [each for each in self._events if each.occurred_at.timestamp() > now_s]
        for event in sorted(due, key=lambda each: (each.occurred_at, each.kind.value, each.id)):
            if event.kind.is_change:
                self._changes.add(event)
                yield from self._changed(event)
            elif event.kind is EventKind.ALERT:
                yield from self._alert(event, wording.alert_anomaly(event), received_at)
            else:
                yield from self._told(event, Kind.PAGE if event.kind is EventKind.PAGE else Kind.NOTE)

    def _changed(self, event: Event) -> Iterator[Transition]:
        """A change: a cause to look at where it came before the onset, however late it was told; else a reaction."""
        for case in list(self.open.values()):
            if event.occurred_at <= case.incident.onset_at:
                case.incident = replace(case.incident, changes=self._changes.before(case.incident, self._graph))
        yield from self._told(event, Kind.CHANGE)

    def _told(self, event: Event, kind: Kind) -> Iterator[Transition]:
        """Whatever happens around an open incident stands on its timeline."""
        for case in list(self.open.values()):
            if event.incident and event.incident != case.incident.name:
                continue
            if event.service and not event.incident and not grouping.related(self._graph, (event.service,),
                                                                             case.incident.services):
                continue
            yield Transition(kind, event.occurred_at, event.text, case.incident, event)

    def _alert(self, event: Event, anomaly: Anomaly, received_at: datetime) -> Iterator[Transition]:
        """A firing alert joins or opens, and told again changes nothing; a resolved one lets go. Its identity is its
        fingerprint."""
        mark = event.fingerprint or deterministic_id(event.service, event.alert_name)
        holding = next((case for case in self.open.values() if mark in case.alerts), None)
        if not event.is_firing:
            if holding is not None:
                yield from self._alert_ended(holding, mark, event)
            return
        if holding is not None:
            return
        case = next((case for case in sorted(self.open.values(), key=lambda case: case.incident.onset_at)
                     if not event.service or grouping.related(self._graph, (event.service,), case.incident.services)),
                    None)
        if case is None:
            first = replace(anomaly, is_opening=True)
            case = self._begun(first, event.text or event.alert_name, event.occurred_at, received_at)
            case.alerts[mark] = event
            case.incident = self._assessed(case.incident, case)
            yield Transition(Kind.OPENED, event.occurred_at, event.text, case.incident, event)
            return
        case.alerts[mark] = event
        case.incident = self._assessed(self._relapsed(case, _with(case.incident, anomaly)), case)
        yield Transition(Kind.ALERT, event.occurred_at, event.text, case.incident, event)

    def _alert_ended(self, case: Case, mark: str, event: Event) -> Iterator[Transition]:
        fired = case.alerts.pop(mark)
        key = wording.alert_anomaly(fired).key
        if not any(wording.alert_anomaly(each).key == key for each in case.alerts.values()):
            ended = next(each for each in case.incident.anomalies if each.key == key)
            case.incident = _with(case.incident, replace(ended, recovered_at=event.occurred_at, current=0.0))
        yield Transition(Kind.ALERT, event.occurred_at, event.text, case.incident, event)
        yield from self._maybe_recovered(case)

    # Objectives

    def burnt(self, judged: Judged, measures: Sequence[Measure], received_at: datetime) -> Iterator[Transition]:
        """Error budgets that began or ceased to burn too fast: our own alerts."""
        for burn in self._burns.observe(judged.interval, measures, judged.end_s):
            yield from self._alert(_event(burn), wording.alert_anomaly(_event(burn)), received_at)


def _event(burn: Burn) -> Event:
    """A burning budget as the alert that it is."""
    text = wording.burning(burn) if burn.is_firing else wording.burnt_out(burn)
    return Event(id=deterministic_id(burn.objective.text, burn.windows.text, str(burn.at_s)),
                 occurred_at=moment(burn.at_s), kind=EventKind.ALERT, service=burn.objective.service,
                 fingerprint=f"{burn.objective.text} {burn.windows.text}",
                 alert_name=f"error budget: {burn.objective.text}", alert_severity=_BURN, is_firing=burn.is_firing,
                 text=text)


def _with(incident: Incident, anomaly: Anomaly) -> Incident:
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
