"""The open incidents of a stream: what opens one, what joins it, when it has recovered and when it is over.

A measure that is out of its baseline joins an incident to which its service is related. What is related to none opens
one when together it is strong enough: see `openings`. Alerts and burning budgets open and join as they are: see
`happenings`. When every golden signal is back and no alert fires, the incident has recovered; a hold later it is
resolved. A relapse within the hold belongs to it, and doubles the hold.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from services.detection import grouping, severity, wording
from services.detection.burn import Burns
from services.detection.case import Case, with_anomaly
from services.detection.changes import Changes
from services.detection.departures import Departure, Departures, Judged, moment
from services.detection.grouping import CallGraph, Relation
from services.detection.incident import (
    Anomaly,
    Event,
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
# What nobody knows the calls of is one failure with what begins so soon before or after it.
TOGETHER = timedelta(minutes=5)
# How alerts of burning budgets name their severity: they have rules of their own.
BURN = "burn"


class Cases:
    """What is open in a stream. Only its `Transition`s leave it; everything follows from the order of its calls."""

    def __init__(self, stream: str, tuning: Tuning, *, departures: Departures, graph: CallGraph, changes: Changes,
                 burns: Burns) -> None:
        self.open: dict[str, Case] = {}
        self._stream = stream
        self._tuning = tuning
        self._departures = departures
        self._graph = graph
        self._changes = changes
        self._burns = burns

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
            case.incident = self.assessed(refreshed, case)
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
            case.incident = with_anomaly(case.incident, known.anomaly)
            if known.anomaly.signal in OPENING:
                yield Transition(Kind.ANOMALY_RECOVERED, at, wording.recovered(known.anomaly), case.incident)
            yield from self.recovered(case)

    def recovered(self, case: Case) -> Iterator[Transition]:
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
                   if self._relates(case, (anomaly.service,), anomaly.onset_at, reach)
                   and case.takes(anomaly.signal, anomaly.unit)]
        if anomaly.signal is Signal.EVIDENCE:
            fitting = [case for case in fitting if names & set(case.incident.services)
                       and len(case.incident.anomalies) < MOST_ANOMALIES]
        return min(fitting, key=lambda case: (not names & set(case.incident.services), case.incident.onset_at,
                                              case.incident.name), default=None)

    def _join(self, case: Case, row: int, known: Departure) -> Iterator[Transition]:
        known.incident = case.incident.name
        case.rows.add(row)
        text, detected_at = wording.out(known.anomaly), known.anomaly.detected_at
        before = case.known(known.anomaly)
        if before is not None:
            known.anomaly = before.relapsed(known.anomaly)
        incident = with_anomaly(case.incident, known.anomaly)
        if known.anomaly.signal not in OPENING:  # evidence travels with the next transition; it is no news by itself
            case.incident = self.assessed(incident, case)
            return
        case.hold(self._plain_hold_s((row,)))
        case.incident = self.assessed(case.relapsed(incident), case)
        yield Transition(Kind.ANOMALY_JOINED, detected_at, text, case.incident)

    def _plain_hold_s(self, rows: Iterable[int]) -> float:
        """At least as long as a few values of the slowest signal take."""
        return max((self._tuning.hold_s, *(self._tuning.hold_periods * self._departures.period(row) for row in rows)))

    def _relates(self, case: Case, services: Iterable[str], at: datetime, reach: int = grouping.REACH) -> bool:
        """Whether what these services show from `at` on may be of this incident. Of an alert about a service of which
        no call is known, only what begins with it."""
        how = grouping.relation(self._graph, services, case.incident.services, reach)
        if how is Relation.UNKNOWN and not case.is_seen:
            return abs(at - case.incident.onset_at) <= TOGETHER
        return how is not Relation.NONE

    def has_begun(self, services: Iterable[str], loudest: Measure, at: datetime) -> bool:
        """Whether there is an incident already that symptoms of these services will join once each is clear enough.
        at: since when they show."""
        names = tuple(services)
        return any(self._relates(case, names, at) and case.takes(loudest.signal, loudest.unit)
                   for case in self.open.values())

    def of_alert(self, event: Event) -> Case | None:
        """The open incident that an alert belongs to: of a service that calls reach, or that the same alert is about.
        One that names no service belongs to the first; where calls are not known, to what began with it."""
        fitting = [case for case in self.open.values() if not event.service or self._concerns(case, event)]
        return min(fitting, key=lambda case: (case.incident.onset_at, case.incident.name), default=None)

    def _concerns(self, case: Case, event: Event) -> bool:
        match grouping.relation(self._graph, (event.service,), case.incident.services):
            case Relation.PATH:
                return True
            case Relation.UNKNOWN:
                together = abs(event.occurred_at - case.incident.onset_at) <= TOGETHER
                return case.has_alert(event.alert_name) or (case.is_seen and together)
            case Relation.NONE:
                return False

    def opened(self, opening: Opening, judged: Judged, received_at: datetime) -> Transition:
        """A new incident, of measures that are strong enough together."""
        places = {int(row): place for place, row in enumerate(judged.interval.rows.tolist())}
        outs = self._departures.outs
        for row in opening.rows:
            self._departures.leave(row, places[row], judged)
        first = replace(outs[opening.first].anomaly, is_opening=True, detected_at=moment(judged.end_s))
        outs[opening.first].anomaly = first
        case = self.begin(first, wording.title(first), moment(judged.end_s), received_at)
        case.rows = set(opening.rows)
        case.hold(self._plain_hold_s(opening.rows))
        for row in opening.rows:
            outs[row].incident = case.incident.name
            case.incident = with_anomaly(case.incident, outs[row].anomaly)
        case.incident = self.assessed(case.incident, case)
        return Transition(Kind.OPENED, moment(judged.end_s), wording.opened(first), case.incident)

    def begin(self, first: Anomaly, title: str, at: datetime, received_at: datetime) -> Case:
        """The case of an incident that `first` opens."""
        name = resource("incidents", deterministic_id(self._stream, *first.key))
        incident = Incident(
            name=name, stream=self._stream, title=title, state=State.OPEN, severity=Severity.P4, severity_reason="",
            service=first.service, services=(first.service,), onset_at=first.onset_at, detected_at=at,
            deciding_record_received_at=received_at)
        incident = with_anomaly(incident, first)
        case = self.open[name] = Case(replace(incident, changes=self._changes.before(incident, self._graph)))
        case.hold(self._plain_hold_s(()))
        return case

    # What is known of a case

    def assessed(self, incident: Incident, case: Case) -> Incident:
        """With its severity, which only rises, its objectives, its title at the worst and its part of the graph."""
        incident = replace(incident, objectives=self._impacts(incident, case))
        verdict = severity.severity(
            incident.anomalies, user_facing=self._graph.user_facing(incident.services),
            alerts=[(each.alert_name, each.alert_severity) for each in case.alerts.values()
                    if each.alert_severity != BURN], burn_rate=self._burns.firing(incident.services),
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
