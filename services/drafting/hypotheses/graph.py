"""Who calls whom, as far as anything that was observed says so."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from services.drafting.hypotheses.measures import Side, meaning
from services.drafting.observations import IncidentFacts, Observations, SeriesSource, SeriesWindow

# Attributes that name the other end of what a series measures, and who that end is where the key alone says it.
_PEER_IS_CALLER = frozenset({"caller", "source", "source_workload", "source_service", "client", "downstream"})
_PEER_IS_CALLEE = frozenset({"callee", "destination", "destination_workload", "destination_service", "upstream",
                             "peer.service", "server.address", "target"})
# What stands between a whole and its part in a name.
_HIERARCHY = "/:"
_PEER_EITHER = frozenset({"peer", "peer_service", "remote_service"})


@dataclass(frozen=True, slots=True)
class CallGraph:
    """Edges from callers to callees."""

    callees: dict[str, frozenset[str]] = field(default_factory=dict)
    callers: dict[str, frozenset[str]] = field(default_factory=dict)
    # What was asked already: every pair of findings asks, and a walk takes as long as the graph is large.
    _below: dict[str, frozenset[str]] = field(default_factory=dict, compare=False, repr=False)

    def hops(self, start: str, end: str) -> int | None:
        """Calls between the two, in either direction but never turning; None where no such path is known."""
        down, up = self._distance(start, end, self.callees), self._distance(start, end, self.callers)
        known = [distance for distance in (down, up) if distance is not None]
        return min(known) if known else None

    def below(self, service: str) -> frozenset[str]:
        """Every service that it calls, directly or not; never itself."""
        if service not in self._below:
            self._below[service] = self._walked(service)
        return self._below[service]

    def _walked(self, service: str) -> frozenset[str]:
        found: set[str] = set()
        edge = set(self.callees.get(service, ()))
        while edge:
            found |= edge
            edge = {callee for near in edge for callee in self.callees.get(near, ())} - found
        return frozenset(found - {service})

    @staticmethod
    def _distance(start: str, end: str, near: dict[str, frozenset[str]]) -> int | None:
        seen, edge, distance = {start}, {start}, 0
        while edge:
            if end in edge:
                return distance
            edge = {other for service in edge for other in near.get(service, ())} - seen
            seen |= edge
            distance += 1
        return None


def call_graph(incident: IncidentFacts, observations: Observations) -> CallGraph:
    """The graph that spans, detection and metrics about a peer tell together."""
    pairs = {(edge.caller, edge.callee) for edge in incident.call_graph}
    pairs |= {(call.caller, call.service) for call in observations.calls}
    known = services_of(observations)
    for series in observations.series:
        end = other_end(series, known)
        if end is not None:
            pairs.add((series.service, end[0]) if end[1] is Side.CLIENT else (end[0], series.service))
    pairs |= _parts(known)
    callees, callers = defaultdict(set), defaultdict(set)
    for caller, callee in pairs:
        if caller != callee and caller and callee:
            callees[caller].add(callee)
            callers[callee].add(caller)
    return CallGraph({name: frozenset(others) for name, others in callees.items()},
                     {name: frozenset(others) for name, others in callers.items()})


def _parts(known: frozenset[str]) -> set[tuple[str, str]]:
    """Pairs of a service and one that its name is the front of: `orders` and `orders::worker`, a whole and its part."""
    return {(whole, part) for part in known for place, letter in enumerate(part)
            if letter in _HIERARCHY and (whole := part[:place]) in known}


def other_end(series: SeriesWindow, known: frozenset[str]) -> tuple[str, Side] | None:
    """The other service that a series is about, and which side of the call measured it."""
    for name, value in series.attributes.items():
        if value not in known or value == series.service:
            continue
        if series.source is SeriesSource.CALL or name in _PEER_IS_CALLER:
            return value, Side.SERVER
        if name in _PEER_IS_CALLEE:
            return value, Side.CLIENT
        if name in _PEER_EITHER:
            return value, meaning(series.metric_name, series.unit).side
    return None


def services_of(observations: Observations) -> frozenset[str]:
    """Every service that anything was observed of."""
    return frozenset(_names(observations))


def _names(observations: Observations) -> Iterable[str]:
    yield from (series.service for series in observations.series)
    yield from (operation.service for operation in observations.operations)
    yield from (pattern.service for pattern in observations.log_patterns)
    for call in observations.calls:
        yield call.caller
        yield call.service
