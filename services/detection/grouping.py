"""Which anomalies are one incident: by time, by the call graph, by what they share.

Two services belong together when a short path of calls joins them. Of services that no call is known of nothing speaks
against it, so time decides. Strength is what the loudest anomaly says, plus half of the next, a quarter of the third:
symptoms of one failure are no independent witnesses, but each makes chance less likely.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from services.detection.series import Signal

# Hops over which a failure is taken to have travelled: a caller, its caller, and a sibling behind the same caller.
REACH = 2
_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Symptom:
    """What one service's signal says at one interval. strength: evidence, see `anomalies`. row: the loudest measure.
    is_felt: enough requests are affected for it to count by itself. is_demand: users may have brought it about.
    is_gone: hardly anything is left of what comes in, which users do not bring about together."""

    service: str
    signal: Signal
    strength: float
    row: int
    peer: str = ""
    onset_s: float = 0.0
    is_felt: bool = True
    is_demand: bool = False
    is_gone: bool = False


@dataclass(slots=True)
class CallGraph:
    """Who was seen to call whom, in both directions."""

    callees: dict[str, set[str]] = field(default_factory=dict)
    callers: dict[str, set[str]] = field(default_factory=dict)

    def add(self, caller: str, callee: str) -> None:
        if caller and callee and caller != callee:
            self.callees.setdefault(caller, set()).add(callee)
            self.callers.setdefault(callee, set()).add(caller)

    def knows(self, service: str) -> bool:
        return service in self.callees or service in self.callers

    def is_way_in(self, service: str) -> bool:
        """Whether it calls others and nobody is known to call it."""
        return bool(self.callees.get(service)) and not self.callers.get(service)

    def hops(self, service: str, others: Iterable[str], limit: int = 8) -> int:
        """Length of the shortest path, either way along calls, to one of `others`; -1 when there is none."""
        wanted = set(others)
        seen, frontier, distance = {service}, {service}, 0
        while frontier and distance <= limit:
            if frontier & wanted:
                return distance
            frontier = {near for each in frontier
                        for near in self.callees.get(each, set()) | self.callers.get(each, set())} - seen
            seen |= frontier
            distance += 1
        return -1

    def edges(self, services: Iterable[str]) -> tuple[tuple[str, str], ...]:
        """Pairs that touch one of `services`, in order."""
        wanted = set(services)
        return tuple(sorted((caller, callee) for caller, callees in self.callees.items() for callee in callees
                            if caller in wanted or callee in wanted))

    def user_facing(self, services: Iterable[str]) -> frozenset[str]:
        """Those of `services` that users notice: nobody is known to call them, or one that calls them is such."""
        found = set()
        for service in services:
            seen, frontier = {service}, {service}
            while frontier:
                if any(not self.callers.get(each) for each in frontier):
                    found.add(service)
                    break
                frontier = {near for each in frontier for near in self.callers[each]} - seen
                seen |= frontier
        return frozenset(found)

    def origin(self, strengths: Mapping[str, float]) -> str:
        """The affected service in which it began, as far as calls tell: the strongest of those whose own callees are
        well; failures travel from callee to caller."""
        deepest = [each for each in strengths if not any(callee in strengths for callee in self.callees.get(each, ()))]
        return min(deepest or list(strengths), key=lambda each: (-strengths[each], each))


class Relation(Enum):
    """Whether one failure may explain what two groups of services show."""

    NONE = "none"  # calls of both are known, and no short path joins them
    UNKNOWN = "unknown"  # no call of one of them is known: nothing speaks against it
    PATH = "path"  # a service of both, or a short path


def relation(graph: CallGraph, services: Iterable[str], others: Iterable[str], reach: int = REACH) -> Relation:
    """How two groups of services stand to each other; a short path has at most `reach` calls."""
    here, there = set(services), set(others)
    if here & there:
        return Relation.PATH
    if any(graph.knows(each) and 0 <= graph.hops(each, there, reach) <= reach for each in here):
        return Relation.PATH
    if any(not graph.knows(each) for each in here | there):
        return Relation.UNKNOWN
    return Relation.NONE


def related(graph: CallGraph, services: Iterable[str], others: Iterable[str], reach: int = REACH) -> bool:
    """Whether one failure may explain both groups of services: a path of at most `reach` calls, or no call known."""
    return relation(graph, services, others, reach) is not Relation.NONE


def groups(graph: CallGraph, symptoms: Iterable[Symptom]) -> list[list[Symptom]]:
    """The symptoms, those that may have one cause together; strongest first in each."""
    found: list[list[Symptom]] = []
    for symptom in sorted(symptoms, key=lambda each: (-each.strength, each.service, each.signal.value)):
        near = [group for group in found
                if related(graph, (symptom.service,), (each.service for each in group))]
        merged = [each for group in near for each in group] + [symptom]
        found = [group for group in found if group not in near]
        found.append(sorted(merged, key=lambda each: (-each.strength, each.service, each.signal.value)))
    return found


def strength(group: Iterable[Symptom]) -> float:
    """What a group says together."""
    ordered = sorted((each.strength for each in group), reverse=True)
    return sum(value * _WEIGHT ** place for place, value in enumerate(ordered))
