"""One stream's detection from points to transitions: pure, in event time, the same however the input was cut.

    define / add / add_histogram / event     what the log says, in its order
    advance(watermark)                       decides every interval that is complete
    close()                                  nothing more will come: decides the rest, runs holds to their end

Each complete interval goes through: transform, baseline, anomaly, group, incident. A measure that is out of its
baseline joins an incident to which its service is related; those that are related to none open one when together they
are strong enough. An incident has recovered when all its golden signals are back, and is resolved a hold later.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from services.detection import grouping, severity, wording
from services.detection.alignment import Alignment, Floats, Interval, Ints
from services.detection.anomalies import PRIOR_EXCESS, PRIOR_EXCESS_COUNTED, Anomalies, Moves, Thresholds
from services.detection.baselines import Baselines, Judgement
from services.detection.effects import Practices
from services.detection.grouping import CallGraph, Symptom
from services.detection.incident import Anomaly, Change, Event, EventKind, Incident, Kind, Severity, State, Transition
from services.detection.series import Measure, Reading, Series, Signal
from services.detection.signals import RULES, Rule
from shared.names import deterministic_id, resource
from shared.timestamps import from_unix_ns

OPENING = frozenset({Signal.TRAFFIC, Signal.ERRORS, Signal.LATENCY, Signal.SATURATION, Signal.UNKNOWN})
# Service-signals up to which chance needs no further handicap: a handful of services.
EYES = 30
# Less traffic is what customers and schedules bring about as well: in fewer services than this it says little.
TRAFFIC_SERVICES, TRAFFIC_WEIGHT = 3, 0.4
# Fewer affected requests a minute are not counted: a slow answer here and there is nobody's incident.
LEAST_AFFECTED_PER_MINUTE = 2.0
# Patience with an instance's series that ended while its service goes on.
REPLACED_S = 180.0
# What has been out for so long without being strong enough to open anything is no part of what begins now.
STALE_S, STALE_PERIODS = 1800.0, 6.0
WHOLE_SERVICE = 1.0
# Evidence with which a second symptom bears out the first.
CORROBORATES = 1.5
# So many services with symptoms make up for the few requests that each has.
BROAD_SERVICES = 8
# Failed requests that need no second interval.
COUNTED_FAILURES = 10
# Anomalies kept with an incident; beyond that only golden ones replace nothing and evidence is not added.
MOST_ANOMALIES = 120


@dataclass(frozen=True, slots=True)
class Tuning:
    """What decides when incidents open and close. strength: see `grouping.strength`. hold_s: how long signals must be
    back; at least `hold_periods` of the slowest signal. lookback_s: how far before the onset a change is attached.
    silence_s: after which a signal that stopped reporting no longer keeps an incident open."""

    resolution_s: int = 60
    strength: float = 6.0
    hold_s: float = 300.0
    hold_periods: float = 3.0
    lookback_s: float = 7200.0
    silence_s: float = 900.0
    thresholds: Thresholds = field(default_factory=Thresholds)
    rules: severity.Rules = field(default_factory=severity.Rules)
    table: tuple[Rule, ...] = RULES


@dataclass(slots=True)
class _Out:
    """A measure out of its baseline: the anomaly so far, and the incident it belongs to (empty: none)."""

    anomaly: Anomaly
    incident: str = ""
    last_s: float = 0.0


@dataclass(slots=True)
class _Open:
    """An incident that has not been resolved: its telemetry side."""

    incident: Incident
    rows: set[int] = field(default_factory=set)
    alerts: dict[str, Event] = field(default_factory=dict)
    hold_s: float = 0.0


class StreamDetector:
    """Follows one stream. What it holds besides arrays is what is out and what is open now: little."""

    def __init__(self, stream: str, tuning: Tuning | None = None) -> None:
        self.stream = stream
        self.tuning = tuning or Tuning()
        self.alignment = Alignment(resolution_s=self.tuning.resolution_s, table=self.tuning.table)
        self.baselines = Baselines()
        self.anomalies = Anomalies(thresholds=self.tuning.thresholds)
        self.practices = Practices()
        self.graph = CallGraph()
        self.is_closed = False
        self._traffic_rows: dict[str, int] = {}
        self._traffic_of: list[int] = []
        self._eyes: set[tuple[str, Signal]] = set()
        self._last_traffic = np.full(0, np.nan)
        self._outs: dict[int, _Out] = {}
        self._open: dict[str, _Open] = {}
        self._events: list[Event] = []
        self._changes: list[Event] = []
        self._heard: dict[str, float] = {}
        self._decided_s = -math.inf

    # What the log says

    def define(self, series: Series) -> None:
        """Makes a series known."""
        self.alignment.define(series)

    def add(self, ids: Ints, times: Ints, starts: Ints, values: Floats) -> None:
        """Points of scalar series; see `Alignment.add`."""
        self.alignment.add(ids, times, starts, values)

    def add_histogram(self, identity: int, at: int, start: int, count: float, bounds: list[float],
                      bucket_counts: list[float]) -> None:
        """One point of a histogram series."""
        self.alignment.add_histogram(identity, at, start, count, bounds, bucket_counts)

    def event(self, event: Event) -> None:
        """A deploy, an alert, a note: it takes effect at its event time, once the watermark has passed that."""
        self._events.append(event)

    # What follows from it

    def advance(self, watermark_s: float, received_at: datetime) -> list[Transition]:
        """Every transition that is certain now that the input is complete up to `watermark_s` (Unix seconds)."""
        transitions: list[Transition] = []
        for interval in self.alignment.complete(watermark_s):
            transitions += self._step(interval, received_at)
        resolution = self.tuning.resolution_s
        transitions += self._until(math.floor(watermark_s / resolution) * resolution, received_at)
        return transitions

    def close(self, received_at: datetime) -> list[Transition]:
        """The last transitions: the stream has ended."""
        end_s = max(self.alignment.last_pending_s(), self._decided_s,
                    *(each.occurred_at.timestamp() for each in self._events), -math.inf)
        transitions: list[Transition] = []
        for interval in self.alignment.flush():
            transitions += self._step(interval, received_at)
        if math.isfinite(end_s):
            transitions += self._until(end_s, received_at)
            transitions += self._settle(end_s)
            transitions += self._resolve(math.inf)
        self.is_closed = True
        return transitions

    def _step(self, interval: Interval, received_at: datetime) -> Iterator[Transition]:
        """One complete interval. Whatever was due before it happens first, so that cuts do not matter."""
        resolution = self.tuning.resolution_s
        begin_s, end_s = interval.index * resolution, (interval.index + 1) * resolution
        yield from self._until(begin_s, received_at)
        yield from self._take_events(end_s, received_at)
        self._grow()
        rows = interval.rows
        judgement, moves, expected = self._judge(interval)
        self._decided_s = end_s
        self._heard |= dict.fromkeys((self.alignment.measures[row].service for row in rows.tolist()), end_s)
        changed = self._follow(interval, judgement, moves, expected)
        yield from self._worsened(end_s)
        yield from self._recoveries(changed)
        yield from self._joins(interval, moves, end_s)
        yield from self._openings(interval, judgement, moves, expected, end_s, received_at)

    def _grow(self) -> None:
        measures = self.alignment.measures
        known = len(self._traffic_of)
        self.practices.extend(measures)
        self.baselines.grow(len(measures))
        self.anomalies.grow(len(measures))
        self.anomalies.prior[:len(measures)] = np.where(self.practices.is_counted, PRIOR_EXCESS_COUNTED, PRIOR_EXCESS)
        for row in range(known, len(measures)):
            measure = measures[row]
            if measure.signal is Signal.TRAFFIC and not measure.peer and not measure.operation:
                self._traffic_rows.setdefault(measure.service, row)
            if measure.signal in OPENING:
                self._eyes.add((measure.service, measure.signal))
            if measure.peer:
                caller, callee = self._ends(measure)
                self.graph.add(caller, callee)
        self._traffic_of = [self._traffic_rows.get(each.service, -1) if each.reading is Reading.GAUGE and
                            each.signal in (Signal.LATENCY, Signal.ERRORS) else -1 for each in measures]
        if len(self._last_traffic) < len(measures):
            grown = np.full(len(measures), np.nan)
            grown[:len(self._last_traffic)] = self._last_traffic
            self._last_traffic = grown

    def _ends(self, measure: Measure) -> tuple[str, str]:
        """Caller and callee of a measure with a peer."""
        if f"calls from {measure.peer}" in measure.name or ".server." in measure.name:
            return measure.peer, measure.service
        return measure.service, measure.peer

    def _judge(self, interval: Interval) -> tuple[Judgement, Moves, Floats]:
        rows, values = interval.rows, interval.values
        counts = self._counts(interval)
        x = self.practices.transform(rows, values)
        judgement = self.baselines.observe(rows, interval.ends, x, self.practices.noise(rows, counts),
                                           self.anomalies.out[rows])
        expected = self.practices.restore(rows, judgement.expected)
        affected = self.practices.affected(rows, values, counts)
        minutes = np.maximum(self.baselines.period[rows].astype(np.float64) / 60.0, 1.0)
        affected = np.where(affected / minutes >= LEAST_AFFECTED_PER_MINUTE, affected, 0.0)
        moves = self.anomalies.judge(rows, interval.begins, self.practices.bad(rows, judgement.z),
                                     self.practices.matters(rows, values, expected, affected), affected,
                                     judgement.missed)
        return judgement, moves, expected

    def _counts(self, interval: Interval) -> Floats:
        """Requests behind each value; for gauges of a service, those that its traffic tells of."""
        rows = interval.rows
        measures = self.alignment.measures
        for place, row in enumerate(rows.tolist()):
            measure = measures[row]
            if measure.signal is Signal.TRAFFIC:
                per_interval = self.tuning.resolution_s if measure.reading is Reading.GAUGE else 1.0
                self._last_traffic[row] = interval.values[place] * per_interval
        traffic = np.array(self._traffic_of, np.int64)[rows]
        told = np.where(traffic >= 0, self._last_traffic[np.maximum(traffic, 0)] if len(self._last_traffic) else
                        np.nan, np.nan)
        return np.where(np.isnan(interval.counts), told, interval.counts)

    # Measures

    def _follow(self, interval: Interval, judgement: Judgement, moves: Moves, expected: Floats) -> list[int]:
        """Moves what is out along; returns rows that came back."""
        returned = []
        for place, row in enumerate(interval.rows.tolist()):
            out = self._outs.get(row)
            if out is None:
                if moves.entered[place]:
                    self._outs[row] = _Out(self._anomaly(place, row, interval, judgement, expected),
                                           last_s=float(interval.ends[place]))
                continue
            value, z = self._shown(row, interval.values[place]), float(judgement.z[place])
            anomaly = replace(out.anomaly, current=value)
            if abs(z) > abs(anomaly.peak_z) and not math.isnan(z):
                anomaly = replace(anomaly, peak_observed=value, peak_z=z, peak_at=_at(interval.ends[place]))
            out.anomaly, out.last_s = anomaly, float(interval.ends[place])
            if moves.left[place]:
                out.anomaly = replace(anomaly, recovered_at=_at(float(self.anomalies.inside_since[row])))
                returned.append(row)
        return returned

    def _anomaly(self, place: int, row: int, interval: Interval, judgement: Judgement, expected: Floats) -> Anomaly:
        measure = self.alignment.measures[row]
        observed, baseline = self._shown(row, interval.values[place]), self._shown(row, expected[place])
        z, spread = float(judgement.z[place]), float(judgement.spread[place])
        upper = self._shown(row, float(self.practices.restore(np.array([row]),
                                                              np.array([judgement.expected[place] + spread]))[0]))
        at = _at(interval.ends[place])
        decided_at = _at((interval.index + 1) * self.tuning.resolution_s)
        return Anomaly(
            service=measure.service, operation=measure.operation, signal=measure.signal, metric_name=measure.name,
            unit=measure.unit, onset_at=_at(float(self.anomalies.onset[row])), detected_at=decided_at,
            observed=observed, baseline=baseline, spread=upper - baseline, z=z, peak_observed=observed, peak_z=z,
            peak_at=at, current=observed, attributes=dict(measure.attributes), peer=measure.peer)

    def _shown(self, row: int, value: float) -> float:
        """A value as people read it: rates per second."""
        per = self.tuning.resolution_s if self.alignment.measures[row].reading is Reading.RATE else 1.0
        return float(value) / per

    # Incidents

    def _worsened(self, now_s: float) -> Iterator[Transition]:
        """Open incidents with their anomalies as they are now; their severity rises with their peaks."""
        for case in self._open.values():
            latest = {out.anomaly.key: out.anomaly for row in case.rows if (out := self._outs.get(row)) is not None}
            if not latest:
                continue
            before = case.incident
            refreshed = replace(before, anomalies=tuple(latest.get(each.key, each) for each in before.anomalies))
            case.incident = self._assessed(refreshed, case)
            if case.incident.severity < before.severity:
                yield Transition(Kind.SEVERITY_CHANGED, _at(now_s), wording.worse(before, case.incident),
                                 case.incident)

    def _recoveries(self, rows: list[int]) -> Iterator[Transition]:
        for row in rows:
            out = self._outs.pop(row)
            case = self._open.get(out.incident)
            if case is None:
                continue
            case.rows.discard(row)
            at = out.anomaly.recovered_at or out.anomaly.detected_at
            case.incident = _with(case.incident, out.anomaly)
            if out.anomaly.signal in OPENING:
                yield Transition(Kind.ANOMALY_RECOVERED, at, wording.recovered(out.anomaly), case.incident)
            yield from self._maybe_recovered(case)

    def _maybe_recovered(self, case: _Open) -> Iterator[Transition]:
        """Whether all golden signals are back and no alert fires: then the hold begins."""
        if any(self._outs[row].anomaly.signal in OPENING for row in case.rows if row in self._outs) or case.alerts:
            return
        if case.incident.recovered_at is not None:
            return
        ends = [each.recovered_at for each in case.incident.anomalies
                if each.recovered_at is not None and each.signal is not Signal.EVIDENCE]
        if not ends:
            return
        at = max(ends)
        case.incident = replace(case.incident, recovered_at=at)
        yield Transition(Kind.RECOVERED, at, wording.all_back(case.incident), case.incident)

    def _joins(self, interval: Interval, moves: Moves, end_s: float) -> Iterator[Transition]:
        """Measures that left their baseline and are related to an open incident become part of it."""
        for place in np.flatnonzero(moves.entered | moves.rising).tolist():
            row = int(interval.rows[place])
            out = self._outs.get(row)
            if out is None or out.incident:
                continue
            case = self._related(out.anomaly)
            if case is not None:
                yield from self._join(case, row, out)

    def _related(self, anomaly: Anomaly) -> _Open | None:
        names = {anomaly.service} | ({anomaly.peer} if anomaly.peer else set())
        fitting = [case for case in self._open.values()
                   if grouping.related(self.graph, (anomaly.service,), case.incident.services,
                                       reach=1 if anomaly.signal is Signal.SATURATION else grouping.REACH)]
        if anomaly.signal is Signal.EVIDENCE:
            fitting = [case for case in fitting if names & set(case.incident.services)
                       and len(case.incident.anomalies) < MOST_ANOMALIES]
        return min(fitting, key=lambda case: (not names & set(case.incident.services), case.incident.onset_at,
                                              case.incident.name), default=None)

    def _join(self, case: _Open, row: int, out: _Out) -> Iterator[Transition]:
        out.incident = case.incident.name
        case.rows.add(row)
        case.hold_s = max(case.hold_s, self._hold(row))
        is_golden = out.anomaly.signal in OPENING
        incident = _with(case.incident, out.anomaly)
        if is_golden:
            incident = replace(incident, recovered_at=None)
        case.incident = self._assessed(incident, case)
        if is_golden:  # evidence travels with the next transition; it is no news by itself
            yield Transition(Kind.ANOMALY_JOINED, out.anomaly.detected_at, wording.out(out.anomaly), case.incident)

    def _hold(self, row: int) -> float:
        return max(self.tuning.hold_s, self.tuning.hold_periods * float(self.baselines.period[row]))

    def _openings(self, interval: Interval, judgement: Judgement, moves: Moves, expected: Floats, end_s: float,
                  received_at: datetime) -> Iterator[Transition]:
        places = {int(interval.rows[place]): place for place in np.flatnonzero(moves.rising).tolist()}
        for raw in grouping.groups(self.graph, self._symptoms(places, moves, end_s)):
            group = _weighted(_felt(raw))
            if not group or grouping.strength(group) < self._required() or \
                    not self._is_corroborated(group, moves, places) or self._has_begun(group):
                continue
            services = {each.service for each in group}
            rows = [row for row in places if self.alignment.measures[row].service in services
                    and (row not in self._outs or not self._outs[row].incident)
                    and float(moves.evidence[places[row]]) >= 1.0]
            rows += [each.row for each in group if each.row not in rows]
            yield self._opened(group, rows, places, interval, judgement, expected, end_s, received_at)

    def _has_begun(self, group: list[Symptom]) -> bool:
        """Whether there is an incident already that these symptoms will join once each is clear enough."""
        services = [each.service for each in group]
        return any(grouping.related(self.graph, services, case.incident.services) for case in self._open.values())

    def _required(self) -> float:
        """The strength that it takes: more where more is looked at, since chance gets as many tries."""
        return self.tuning.strength + math.log10(max(len(self._eyes) / EYES, 1.0))

    def _is_corroborated(self, group: list[Symptom], moves: Moves, places: dict[int, int]) -> bool:
        """A lone symptom must last: seen in two intervals, or told by enough failed requests to count."""
        if sum(each.strength >= CORROBORATES for each in group) > 1:
            return True
        row = group[0].row
        is_counted = self.alignment.measures[row].reading is Reading.SHARE and \
            float(self.anomalies.affected[row]) >= COUNTED_FAILURES
        return is_counted or float(moves.evidence[places[row]]) > float(moves.gain[places[row]])

    def _symptoms(self, places: dict[int, int], moves: Moves, end_s: float) -> list[Symptom]:
        """The loudest measure of each service and signal that rises, since not too long, and belongs to no incident."""
        loudest: dict[tuple[str, Signal], tuple[tuple[bool, float], Symptom]] = {}
        for row, place in sorted(places.items(), key=lambda item: self.alignment.measures[item[0]].key):
            measure, evidence = self.alignment.measures[row], float(moves.evidence[place])
            out = self._outs.get(row)
            if measure.signal not in OPENING or evidence < 0.5 or (out is not None and out.incident):
                continue
            if end_s - float(self.anomalies.onset[row]) > max(STALE_S, STALE_PERIODS * self.baselines.period[row]):
                continue
            key = (measure.service, measure.signal)
            is_felt = bool(self.anomalies.affected[row] >= self.tuning.thresholds.affected)
            # The whole service speaks before one of its operations, unless that says clearly more.
            loudness = (is_felt, evidence + (WHOLE_SERVICE if not measure.operation else 0.0))
            if key not in loudest or loudness > loudest[key][0]:
                loudest[key] = loudness, Symptom(measure.service, measure.signal, evidence, row, measure.peer,
                                       float(self.anomalies.onset[row]), is_felt)
        return [symptom for _, symptom in loudest.values()]

    def _opened(self, group: list[Symptom], rows: list[int], places: dict[int, int], interval: Interval,
                judgement: Judgement, expected: Floats, end_s: float, received_at: datetime) -> Transition:
        service = self._first_affected(group)
        # Failed requests say best what happened; else the loudest.
        first = max((each for each in group if each.service == service), key=lambda each: (
            self.alignment.measures[each.row].reading is Reading.SHARE and each.strength >= 1.0, each.strength))
        for row in rows:
            if row not in self._outs:
                self._outs[row] = _Out(self._anomaly(places[row], row, interval, judgement, expected),
                                       last_s=float(interval.ends[places[row]]))
        self.anomalies.force(np.array(rows, np.int64))
        opening = replace(self._outs[first.row].anomaly, is_opening=True, detected_at=_at(end_s))
        self._outs[first.row].anomaly = opening
        name = resource("incidents", deterministic_id(self.stream, *opening.key))
        anomalies = tuple(self._outs[row].anomaly for row in sorted(
            rows, key=lambda row: (row != first.row, self.alignment.measures[row].key)))
        incident = Incident(
            name=name, stream=self.stream, title=wording.title(opening), state=State.OPEN,
            severity=Severity.P4, severity_reason="", service=service, services=(service,),
            onset_at=opening.onset_at, detected_at=_at(end_s), deciding_record_received_at=received_at)
        case = _Open(incident, set(rows), hold_s=max(self._hold(row) for row in rows))
        for anomaly in anomalies:
            incident = _with(incident, anomaly)
        for row in rows:
            self._outs[row].incident = name
        self._open[name] = case
        case.incident = self._assessed(replace(incident, changes=self._changes_before(incident)), case)
        return Transition(Kind.OPENED, _at(end_s), wording.opened(opening), case.incident)

    def _first_affected(self, group: list[Symptom]) -> str:
        """Where it began. Traffic falls away from callers to callees, against the way of failures: it tells only when
        nothing else does; and faint symptoms do not point anywhere."""
        telling = [each for each in group if each.signal is not Signal.TRAFFIC] or group
        strengths: dict[str, float] = {}
        for each in telling:
            strengths[each.service] = max(strengths.get(each.service, 0.0), each.strength)
        clear = max(strengths.values()) / 2
        return self.graph.origin({each: value for each, value in strengths.items() if value >= clear})

    def _assessed(self, incident: Incident, case: _Open) -> Incident:
        """With its severity, which only rises, and its part of the call graph."""
        verdict = severity.severity(incident.anomalies, user_facing=self.graph.user_facing(incident.services),
                                    alert_severities=[each.alert_severity for each in case.alerts.values()],
                                    rules=self.tuning.rules)
        if not incident.severity_reason or verdict.severity <= incident.severity:
            incident = replace(incident, severity=verdict.severity, severity_reason=verdict.reason)
        return replace(incident, call_graph=self.graph.edges(incident.services))

    def _changes_before(self, incident: Incident) -> tuple[Change, ...]:
        found = []
        for event in self._changes:
            before = incident.onset_at - event.occurred_at
            if timedelta(0) <= before <= timedelta(seconds=self.tuning.lookback_s):
                hops = self.graph.hops(event.service, incident.services) if event.service else -1
                found.append(Change(event, before, hops))
        return tuple(sorted(found, key=lambda each: (each.before_onset, each.event.id)))

    # Time that passes

    def _until(self, now_s: float, received_at: datetime) -> Iterator[Transition]:
        """What is due up to `now_s`, which lies on the grid of intervals."""
        yield from self._take_events(now_s, received_at)
        if now_s > self._decided_s:
            yield from self._silences(now_s)
        yield from self._resolve(now_s)

    def _silences(self, now_s: float) -> Iterator[Transition]:
        """A signal that stopped reporting does not keep an incident open for ever; a short gap changes nothing."""
        for row, out in sorted(self._outs.items()):
            period = float(self.baselines.period[row])
            patience = max(self.tuning.silence_s, 5.0 * period)
            if self._is_replaced(row, out, now_s):
                patience = max(REPLACED_S, 3.0 * period)
            if now_s - out.last_s >= patience:
                yield from self._gone(row, out)

    def _is_replaced(self, row: int, out: _Out, now_s: float) -> bool:
        """Whether an instance's own series ended while its service goes on reporting: the instance is gone."""
        measure = self.alignment.measures[row]
        return bool(measure.attributes) and \
            now_s - self._heard.get(measure.service, -math.inf) <= 2 * self.tuning.resolution_s

    def _gone(self, row: int, out: _Out) -> Iterator[Transition]:
        out.anomaly = replace(out.anomaly, recovered_at=_at(out.last_s))
        self.anomalies.out[row] = False
        self.anomalies.evidence[row] = 0.0
        yield from self._recoveries([row])

    def _settle(self, end_s: float) -> Iterator[Transition]:
        """At the end of a stream: what was inside its baseline at its last report is back; so is what fell silent."""
        for row, out in sorted(self._outs.items()):
            if self.anomalies.inside[row] > 0:
                since = float(self.anomalies.inside_since[row])
                out.anomaly = replace(out.anomaly, recovered_at=_at(since))
                self.anomalies.out[row] = False
                yield from self._recoveries([row])
            elif end_s - out.last_s > 3.0 * max(float(self.baselines.period[row]), self.tuning.resolution_s):
                yield from self._gone(row, out)

    def _resolve(self, now_s: float) -> Iterator[Transition]:
        due = sorted((case.incident.recovered_at.timestamp() + case.hold_s, name) for name, case in self._open.items()
                     if case.incident.recovered_at is not None)
        for at_s, name in due:
            if at_s <= now_s:
                yield self._resolved(self._open.pop(name), at_s)

    def _resolved(self, case: _Open, at_s: float) -> Transition:
        for row in sorted(case.rows):
            out = self._outs.get(row)
            if out is not None:
                out.incident = ""
        incident = replace(case.incident, state=State.RESOLVED, resolved_at=_at(at_s))
        return Transition(Kind.RESOLVED, _at(at_s), wording.resolved(incident), incident)

    # Events

    def _take_events(self, now_s: float, received_at: datetime) -> Iterator[Transition]:
        due = [each for each in self._events if each.occurred_at.timestamp() <= now_s]
        if not due:
            return
        self._events = [each for each in self._events if each.occurred_at.timestamp() > now_s]
        for event in sorted(due, key=lambda each: (each.occurred_at, each.kind.value, each.id)):
            if event.kind.is_change:
                self._changes = [each for each in self._changes if event.occurred_at - each.occurred_at <
                                 timedelta(seconds=2 * self.tuning.lookback_s)] + [event]
                yield from self._told(event, Kind.CHANGE)
            elif event.kind is EventKind.ALERT:
                yield from self._alert(event, received_at)
            else:
                yield from self._told(event, Kind.PAGE if event.kind is EventKind.PAGE else Kind.NOTE)

    def _told(self, event: Event, kind: Kind) -> Iterator[Transition]:
        """Whatever happens around an open incident stands on its timeline."""
        for case in list(self._open.values()):
            if event.incident and event.incident != case.incident.name:
                continue
            if event.service and not event.incident and not grouping.related(self.graph, (event.service,),
                                                                             case.incident.services):
                continue
            yield Transition(kind, event.occurred_at, event.text, case.incident, event)

    def _alert(self, event: Event, received_at: datetime) -> Iterator[Transition]:
        """A firing alert joins or opens; a resolved one lets go. Its identity is its fingerprint."""
        mark = event.fingerprint or deterministic_id(event.service, event.alert_name)
        holding = next((case for case in self._open.values() if mark in case.alerts), None)
        if not event.is_firing:
            if holding is not None:
                yield from self._alert_ended(holding, mark, event)
            return
        if holding is not None:
            return
        case = next((case for case in sorted(self._open.values(), key=lambda case: case.incident.onset_at)
                     if not event.service or grouping.related(self.graph, (event.service,), case.incident.services)),
                    None)
        anomaly = wording.alert_anomaly(event)
        if case is None:
            yield self._alert_opened(event, mark, anomaly, received_at)
            return
        case.alerts[mark] = event
        case.incident = self._assessed(replace(_with(case.incident, anomaly), recovered_at=None), case)
        yield Transition(Kind.ALERT, event.occurred_at, event.text, case.incident, event)

    def _alert_opened(self, event: Event, mark: str, anomaly: Anomaly, received_at: datetime) -> Transition:
        opening = replace(anomaly, is_opening=True)
        service = event.service or "unknown"
        name = resource("incidents", deterministic_id(self.stream, *opening.key))
        incident = Incident(
            name=name, stream=self.stream, title=event.text or event.alert_name, state=State.OPEN,
            severity=Severity.P4, severity_reason="", service=service, services=(service,),
            onset_at=event.occurred_at, detected_at=event.occurred_at, deciding_record_received_at=received_at)
        incident = _with(incident, opening)
        case = _Open(incident, alerts={mark: event}, hold_s=self.tuning.hold_s)
        self._open[name] = case
        case.incident = self._assessed(replace(incident, changes=self._changes_before(incident)), case)
        return Transition(Kind.OPENED, event.occurred_at, event.text, case.incident, event)

    def _alert_ended(self, case: _Open, mark: str, event: Event) -> Iterator[Transition]:
        fired = case.alerts.pop(mark)
        before = wording.alert_anomaly(fired)
        ended = next((each for each in case.incident.anomalies if each.key == before.key), before)
        case.incident = _with(case.incident, replace(ended, recovered_at=event.occurred_at, current=0.0))
        yield Transition(Kind.ALERT, event.occurred_at, event.text, case.incident, event)
        yield from self._maybe_recovered(case)


def _felt(group: list[Symptom]) -> list[Symptom]:
    """Without what only a handful of requests feel, unless many services do."""
    if len({each.service for each in group}) >= BROAD_SERVICES:
        return group
    return [each for each in group if each.is_felt]


def _weighted(group: list[Symptom]) -> list[Symptom]:
    """The group, with less weight on a fall in traffic that few services have."""
    if len({each.service for each in group if each.signal is Signal.TRAFFIC}) >= TRAFFIC_SERVICES:
        return group
    return [replace(each, strength=each.strength * TRAFFIC_WEIGHT) if each.signal is Signal.TRAFFIC else each
            for each in group]


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


def _at(seconds: float) -> datetime:
    return from_unix_ns(round(seconds * 1_000_000) * 1000)
