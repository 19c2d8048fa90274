"""Which symptoms, taken together, open an incident, and where it began.

A symptom is the loudest measure of one service and signal that moves away now and belongs to no incident; what a
service sees of those that it calls is a symptom beside what it shows itself. Symptoms of services that are related are
weighed together; they must be stronger the more is looked at, must be felt by enough requests, and a lone one must
last.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.detection import grouping
from services.detection.anomalies import Anomalies
from services.detection.baselines import Baselines
from services.detection.departures import Departures, Judged
from services.detection.grouping import CallGraph, Symptom
from services.detection.series import Measure, Reading, Signal, is_demand
from services.detection.tuning import Tuning

OPENING = frozenset({Signal.TRAFFIC, Signal.ERRORS, Signal.LATENCY, Signal.SATURATION, Signal.UNKNOWN})
# Service-signals up to which chance needs no further handicap: a handful of services.
EYES = 30
# Less traffic is what customers and schedules bring about as well: in fewer services than this it says little, unless
# it is that of the way in, and hardly any is left.
TRAFFIC_SERVICES, TRAFFIC_WEIGHT, GONE = 3, 0.4, 0.1
# A lone symptom lasts when it rises in two intervals that are at most so many of its periods apart.
ADJACENT = 2.5
# What has been out for so long without being strong enough to open anything is no part of what begins now.
STALE_S, STALE_PERIODS = 1800.0, 6.0
WHOLE_SERVICE = 1.0
# Evidence with which a second symptom bears out the first.
CORROBORATES = 1.5
# Evidence with which a measure of an affected service is part of the incident from its first moment.
BELONGS = 1.0
# Below this a measure is no symptom.
FAINT = 0.5
# So many services with symptoms make up for the few requests that each has.
BROAD_SERVICES = 8
# Failed requests that need no second interval.
COUNTED_FAILURES = 10


@dataclass(frozen=True, slots=True)
class Opening:
    """Measures that open an incident together. first: the one that says best what happened."""

    first: int
    rows: tuple[int, ...]


class Openings:
    """Looks at one judged interval after the other; keeps how much there is to look at and since when what rises
    does."""

    def __init__(self, tuning: Tuning, *, measures: Sequence[Measure], baselines: Baselines, anomalies: Anomalies,
                 departures: Departures, graph: CallGraph) -> None:
        self._tuning = tuning
        self._measures = measures
        self._baselines = baselines
        self._anomalies = anomalies
        self._departures = departures
        self._graph = graph
        self._eyes: set[tuple[str, Signal]] = set()
        self._looked = 0
        # Of each measure: the end of the interval in which it rose last, and of the first of those without a break.
        self._rose_s = np.full(0, -np.inf)
        self._since_s = np.full(0, -np.inf)

    def groups(self, judged: Judged) -> Iterator[list[Symptom]]:
        """The groups of symptoms that are strong enough, strongest first in each."""
        self._look()
        self._follow(judged)
        places = {int(judged.interval.rows[place]): place for place in np.flatnonzero(judged.moves.rising).tolist()}
        for raw in grouping.groups(self._graph, self._symptoms(places, judged)):
            group = weighted(felt(raw))
            if group and grouping.strength(group) >= self.required() and self._is_corroborated(group):
                yield group

    def opening(self, group: Sequence[Symptom], judged: Judged) -> Opening:
        """What opens with this group: its symptoms, and what else its services show."""
        services, outs = {each.service for each in group}, self._departures.outs
        rows = [row for place in np.flatnonzero(judged.moves.rising).tolist()
                if self._measures[row := int(judged.interval.rows[place])].service in services
                and (row not in outs or not outs[row].incident) and float(judged.moves.evidence[place]) >= BELONGS]
        rows += [each.row for each in group if each.row not in rows]
        service = self._first_affected(group)
        # Failed requests say best what happened; else the loudest.
        first = max((each for each in group if each.service == service), key=lambda each: (
            self._measures[each.row].reading is Reading.SHARE and each.strength >= BELONGS, each.strength)).row
        return Opening(first, tuple(sorted(rows, key=lambda row: (row != first, self._measures[row].key))))

    def required(self) -> float:
        """The strength that it takes: more where more is looked at, since chance gets as many tries."""
        return self._tuning.strength + math.log10(max(len(self._eyes) / EYES, 1.0))

    def _follow(self, judged: Judged) -> None:
        """Since when each measure that rises has been rising."""
        new = len(self._measures) - self._rose_s.size
        if new:
            self._rose_s = np.concatenate([self._rose_s, np.full(new, -np.inf)])
            self._since_s = np.concatenate([self._since_s, np.full(new, -np.inf)])
        rows = judged.interval.rows[judged.moves.rising]
        is_adjacent = judged.end_s - self._rose_s[rows] <= ADJACENT * self._baselines.period[rows]
        self._since_s[rows] = np.where(is_adjacent, self._since_s[rows], judged.end_s)
        self._rose_s[rows] = judged.end_s

    def _look(self) -> None:
        for measure in self._measures[self._looked:]:
            if measure.signal in OPENING:
                self._eyes.add((measure.service, measure.signal))
        self._looked = len(self._measures)

    def _symptoms(self, places: Mapping[int, int], judged: Judged) -> list[Symptom]:
        """The loudest measure of each service and signal that rises, since not too long, and belongs to no incident."""
        loudest: dict[tuple[str, Signal, bool], tuple[tuple[bool, float], Symptom]] = {}
        for row, place in sorted(places.items(), key=lambda item: self._measures[item[0]].key):
            measure, evidence = self._measures[row], float(judged.moves.evidence[place])
            known = self._departures.outs.get(row)
            if measure.signal not in OPENING or evidence < FAINT or (known is not None and known.incident):
                continue
            onset_s = float(self._anomalies.onset[row])
            if judged.end_s - onset_s > max(STALE_S, STALE_PERIODS * self._baselines.period[row]):
                continue
            symptom = self._symptom(row, place, judged, onset_s)
            # The whole service speaks before one of its operations, unless that says clearly more.
            loudness = (symptom.is_felt, evidence + (WHOLE_SERVICE if not measure.operation else 0.0))
            key = (measure.service, measure.signal, bool(measure.peer))
            if key not in loudest or loudness > loudest[key][0]:
                loudest[key] = loudness, symptom
        return [symptom for _, symptom in loudest.values()]

    def _symptom(self, row: int, place: int, judged: Judged, onset_s: float) -> Symptom:
        measure = self._measures[row]
        demand = is_demand(measure.signal, measure.unit)
        return Symptom(
            measure.service, measure.signal, float(judged.moves.evidence[place]), row, measure.peer, onset_s,
            is_felt=bool(self._anomalies.affected[row] >= self._tuning.thresholds.affected), is_demand=demand,
            is_gone=demand and self._graph.is_way_in(measure.service) and
            float(judged.interval.values[place]) <= GONE * float(judged.expected[place]))

    def _is_corroborated(self, group: Sequence[Symptom]) -> bool:
        """A lone symptom must last: seen in two intervals in a row, or told by enough failed requests to count."""
        if sum(each.strength >= CORROBORATES for each in group) > 1:
            return True
        row = group[0].row
        is_counted = self._measures[row].reading is Reading.SHARE and \
            float(self._anomalies.affected[row]) >= COUNTED_FAILURES
        return is_counted or bool(self._since_s[row] < self._rose_s[row])

    def _first_affected(self, group: Sequence[Symptom]) -> str:
        """Where it began. Traffic falls away from callers to callees, against the way of failures: it tells only when
        nothing else does; and faint symptoms do not point anywhere."""
        telling = [each for each in group if not each.is_demand] or group
        strengths: dict[str, float] = {}
        for each in telling:
            strengths[each.service] = max(strengths.get(each.service, 0.0), each.strength)
        clear = max(strengths.values()) / 2
        return self._graph.origin({each: value for each, value in strengths.items() if value >= clear})


def felt(group: list[Symptom]) -> list[Symptom]:
    """Without what only a handful of requests feel, unless many services do."""
    if len({each.service for each in group}) >= BROAD_SERVICES:
        return group
    return [each for each in group if each.is_felt]


def weighted(group: list[Symptom]) -> list[Symptom]:
    """The group, with less weight on a fall in traffic that few services have and that leaves some."""
    if len({each.service for each in group if each.is_demand}) >= TRAFFIC_SERVICES:
        return group
    return [replace(each, strength=each.strength * TRAFFIC_WEIGHT) if each.is_demand and not each.is_gone else each
            for each in group]
