"""Deploys, flags, configuration and infrastructure: what changed before an incident began, and how far from it."""

from datetime import timedelta

from services.detection.grouping import CallGraph
from services.detection.incident import Change, Event, Incident


class Changes:
    """The changes of a stream, for as long as an incident may look back at them."""

    def __init__(self, lookback_s: float) -> None:
        self.lookback = timedelta(seconds=lookback_s)
        self._events: list[Event] = []

    def add(self, event: Event) -> None:
        """Remembers a change; the same again is one."""
        self._events = [each for each in self._events
                        if event.occurred_at - each.occurred_at < 2 * self.lookback and each.id != event.id] + [event]

    def before(self, incident: Incident, graph: CallGraph) -> tuple[Change, ...]:
        """The changes before the onset, the latest first, with their distance in time and in calls."""
        found = []
        for event in self._events:
            before = incident.onset_at - event.occurred_at
            if timedelta(0) <= before <= self.lookback:
                hops = graph.hops(event.service, incident.services) if event.service else -1
                found.append(Change(event, before, hops))
        return tuple(sorted(found, key=lambda each: (each.before_onset, each.event.id)))
