"""What people and other systems tell of a stream: changes, alerts, pages, notes, and budgets that burn.

Alerts open and join incidents as they are, and so do burning budgets, which are our own alerts. Everything takes effect
at its event time, in the order of these times, however it came in; in the live stream a firing alert does not wait.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from services.detection import grouping, wording
from services.detection.burn import Burn, Burns
from services.detection.case import Case, with_anomaly
from services.detection.cases import BURN, Cases
from services.detection.changes import Changes
from services.detection.departures import Judged, moment
from services.detection.grouping import CallGraph, Relation
from services.detection.incident import Anomaly, Event, EventKind, Kind, Transition
from services.detection.series import Measure
from shared.names import deterministic_id


class Happenings:
    """Waits with each event until the watermark has passed it."""

    def __init__(self, cases: Cases, *, changes: Changes, burns: Burns, graph: CallGraph) -> None:
        self._cases = cases
        self._changes = changes
        self._burns = burns
        self._graph = graph
        self._events: list[Event] = []

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

    def fired(self, received_at: datetime) -> Iterator[Transition]:
        """Firing alerts that the watermark has not reached take effect at once: for what is happening now, waiting for
        the slowest sender would be time lost. One from a clock that is ahead of ours waits."""
        due = [each for each in self._events if each.kind is EventKind.ALERT and each.is_firing
               and each.occurred_at <= received_at]
        self._events = [each for each in self._events if each not in due]
        for event in sorted(due, key=lambda each: (each.occurred_at, each.id)):
            yield from self._alert(event, wording.alert_anomaly(event), received_at)

    def _changed(self, event: Event) -> Iterator[Transition]:
        """A change: a cause to look at where it came before the onset, however late it was told; else a reaction."""
        for case in list(self._cases.open.values()):
            if event.occurred_at <= case.incident.onset_at:
                case.incident = replace(case.incident, changes=self._changes.before(case.incident, self._graph))
        yield from self._told(event, Kind.CHANGE)

    def _told(self, event: Event, kind: Kind) -> Iterator[Transition]:
        """What happens around an open incident stands on its timeline: what names it, and what concerns its services or
        no service in particular, from as long before its onset as changes are looked for."""
        for case in list(self._cases.open.values()):
            if event.incident == case.incident.name or (not event.incident and self._is_around(event, case)):
                yield Transition(kind, event.occurred_at, event.text, case.incident, event)

    def _is_around(self, event: Event, case: Case) -> bool:
        if event.occurred_at < case.incident.onset_at - self._changes.lookback:
            return False
        return not event.service or \
            grouping.relation(self._graph, (event.service,), case.incident.services) is Relation.PATH

    def _alert(self, event: Event, anomaly: Anomaly, received_at: datetime) -> Iterator[Transition]:
        """A firing alert joins or opens, and told again changes nothing; a resolved one lets go. Its identity is its
        fingerprint."""
        mark = event.fingerprint or deterministic_id(event.service, event.alert_name)
        holding = next((case for case in self._cases.open.values() if mark in case.alerts), None)
        if not event.is_firing:
            if holding is not None:
                yield from self._alert_ended(holding, mark, event)
            return
        if holding is not None:
            return
        case = self._cases.of_alert(event)
        if case is None:
            first = replace(anomaly, is_opening=True)
            case = self._cases.begin(first, event.text or event.alert_name, event.occurred_at, received_at)
            case.alerts[mark] = event
            case.incident = self._cases.assessed(case.incident, case)
            yield Transition(Kind.OPENED, event.occurred_at, event.text, case.incident, event)
            return
        case.alerts[mark] = event
        case.incident = self._cases.assessed(case.relapsed(with_anomaly(case.incident, anomaly)), case)
        yield Transition(Kind.ALERT, event.occurred_at, event.text, case.incident, event)

    def _alert_ended(self, case: Case, mark: str, event: Event) -> Iterator[Transition]:
        fired = case.alerts.pop(mark)
        key = wording.alert_anomaly(fired).key
        if not any(wording.alert_anomaly(each).key == key for each in case.alerts.values()):
            ended = next(each for each in case.incident.anomalies if each.key == key)
            case.incident = with_anomaly(case.incident, replace(ended, recovered_at=event.occurred_at, current=0.0))
        yield Transition(Kind.ALERT, event.occurred_at, event.text, case.incident, event)
        yield from self._cases.recovered(case)

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
                 alert_name=f"error budget: {burn.objective.text}", alert_severity=BURN, is_firing=burn.is_firing,
                 text=text)
