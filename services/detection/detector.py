"""One stream's detection from points to transitions: pure, in event time, the same however the input was cut.

    define / add / add_histogram / event     what the log says, in its order
    advance(watermark)                       decides every interval that is complete
    close()                                  nothing more will come: decides the rest, runs holds to their end

Each complete interval goes through: transform, baseline, anomaly, group, incident. A measure that is out of its
baseline joins an incident to which its service is related (`cases`); those that are related to none open one when
together they are strong enough (`openings`).
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import numpy as np

from services.detection.alignment import Alignment, Floats, Interval, Ints
from services.detection.anomalies import PRIOR_EXCESS, PRIOR_EXCESS_COUNTED, Anomalies
from services.detection.baselines import Baselines
from services.detection.burn import Burns
from services.detection.cases import Cases
from services.detection.changes import Changes
from services.detection.departures import Departures, Judged, moment
from services.detection.effects import Practices
from services.detection.grouping import CallGraph
from services.detection.happenings import Happenings
from services.detection.incident import LIVE, Event, Transition
from services.detection.mix import FAMILY, Mix, missing
from services.detection.normals import Normals
from services.detection.objectives import limits
from services.detection.openings import Openings
from services.detection.returns import Returns
from services.detection.series import Measure, Reading, Series, Signal
from services.detection.slow_rises import SlowRises
from services.detection.tuning import Tuning

__all__ = ["StreamDetector", "Tuning"]

# Fewer affected requests a minute are not counted: a slow answer here and there is nobody's incident.
LEAST_AFFECTED_PER_MINUTE = 2.0


class StreamDetector:
    """Follows one stream. What it holds besides arrays is what is out and what is open now: little."""

    def __init__(self, stream: str, tuning: Tuning | None = None) -> None:
        self.stream = stream
        self.tuning = tuning or Tuning()
        self.alignment = Alignment(resolution_s=self.tuning.resolution_s, table=self.tuning.table,
                                   limits=limits(self.tuning.objectives))
        self.baselines = Baselines()
        self.anomalies = Anomalies(thresholds=self.tuning.thresholds)
        self.practices = Practices()
        self.graph = CallGraph()
        self.mix = Mix()
        self.normals = Normals()
        self.returns = Returns()
        self.slow_rises = SlowRises()
        self._missing: dict[Measure, int] = {}
        self.is_closed = False
        self._traffic_rows: dict[str, int] = {}
        # Of each measure: the row of the traffic it is part of (-1: none), and, of traffic itself, what a value of it
        # has to be multiplied with to give the requests of an interval (0: it is no traffic).
        self._traffic_of = np.zeros(0, np.int64)
        self._per_interval = np.zeros(0)
        self._last_traffic = np.full(0, np.nan)
        self._decided_s = -math.inf
        self.departures = Departures(
            alignment=self.alignment, baselines=self.baselines, anomalies=self.anomalies, practices=self.practices,
            resolution_s=self.tuning.resolution_s, silence_s=self.tuning.silence_s)
        self.openings = Openings(self.tuning, measures=self.alignment.measures, baselines=self.baselines,
                                 anomalies=self.anomalies, departures=self.departures, graph=self.graph)
        changes, burns = Changes(self.tuning.lookback_s), Burns(self.tuning.objectives, self.tuning.resolution_s)
        self.cases = Cases(stream, self.tuning, departures=self.departures, graph=self.graph, changes=changes,
                           burns=burns)
        self.happenings = Happenings(self.cases, changes=changes, burns=burns, graph=self.graph)

    # What the log says

    def define(self, series: Series) -> None:
        """Makes a series known."""
        before = len(self.alignment.measures)
        self.alignment.define(series)
        for measure in self.alignment.measures[before:]:
            if measure.name == FAMILY and measure.operation:
                self._missing[missing(measure)] = self.alignment.watch(missing(measure))

    def add(self, ids: Ints, times: Ints, starts: Ints, values: Floats) -> None:
        """Points of scalar series; see `Alignment.add`."""
        self.alignment.add(ids, times, starts, values)

    def add_histogram(self, identity: int, at: int, start: int, count: float, bounds: list[float],
                      bucket_counts: list[float]) -> None:
        """One point of a histogram series."""
        self.alignment.add_histogram(identity, at, start, count, bounds, bucket_counts)

    def event(self, event: Event) -> None:
        """A deploy, an alert, a note: it takes effect at its event time, once the watermark has passed that."""
        self.happenings.event(event)

    # What follows from it

    def advance(self, watermark_s: float, received_at: datetime) -> list[Transition]:
        """Every transition that is certain now that the input is complete up to `watermark_s` (Unix seconds)."""
        transitions: list[Transition] = []
        for interval in self.alignment.complete(watermark_s):
            transitions += self.decide(interval, received_at)
        resolution = self.tuning.resolution_s
        transitions += self._until(math.floor(watermark_s / resolution) * resolution, received_at)
        if self.stream == LIVE:
            transitions += self.happenings.fired(received_at)
        return transitions

    def close(self, received_at: datetime) -> list[Transition]:
        """The last transitions: the stream has ended."""
        end_s = max(self.alignment.last_pending_s(), self._decided_s,
                    *self.happenings.last_event_s, -math.inf)
        transitions: list[Transition] = []
        for interval in self.alignment.flush():
            transitions += self.decide(interval, received_at)
        if math.isfinite(end_s):
            transitions += self._until(end_s, received_at)
            transitions += self.cases.returned(self.departures.settled(end_s))
            transitions += self.cases.resolved(math.inf)
        self.is_closed = True
        return transitions

    def decide(self, interval: Interval, received_at: datetime) -> Iterator[Transition]:
        """One complete interval. Whatever was due before it happens first, so that cuts do not matter."""
        resolution = self.tuning.resolution_s
        begin_s, end_s = interval.index * resolution, (interval.index + 1) * resolution
        yield from self._until(begin_s, received_at)
        yield from self.happenings.happened(end_s, received_at)
        self._grow()
        judged = self._judge(interval)
        self._decided_s = end_s
        returned = self.departures.follow(judged)
        yield from self.cases.worsened(end_s)
        yield from self.cases.returned(returned)
        yield from self.cases.joins(judged)
        yield from self.happenings.burnt(judged, self.alignment.measures, received_at)
        for group in self.openings.groups(judged):
            if not self.cases.has_begun((each.service for each in group), self.alignment.measures[group[0].row],
                                        moment(group[0].onset_s)):
                yield self.cases.opened(self.openings.opening(group, judged), judged, received_at)

    def _until(self, now_s: float, received_at: datetime) -> Iterator[Transition]:
        """What is due up to `now_s`, which lies on the grid of intervals."""
        yield from self.happenings.happened(now_s, received_at)
        if now_s > self._decided_s:
            yield from self.cases.returned(self.departures.silent(now_s))
        yield from self.cases.resolved(now_s)

    def _grow(self) -> None:
        measures = self.alignment.measures
        known = len(self._traffic_of)
        if known == len(measures):
            return
        self.practices.extend(measures)
        self.baselines.grow(len(measures))
        self.anomalies.grow(len(measures))
        self.normals.grow(len(measures))
        self.returns.grow(len(measures))
        self.slow_rises.grow(len(measures))
        self.mix.grow(measures, self._missing)
        self.anomalies.prior[:len(measures)] = np.where(self.practices.is_counted, PRIOR_EXCESS_COUNTED, PRIOR_EXCESS)
        for row in range(known, len(measures)):
            measure = measures[row]
            if measure.signal is Signal.TRAFFIC and not measure.peer and not measure.operation:
                self._traffic_rows.setdefault(measure.service, row)
            if measure.peer:
                caller, callee = self._ends(measure)
                self.graph.add(caller, callee)
        self._traffic_of = np.array([
            self._traffic_rows.get(each.service, -1) if each.reading is Reading.GAUGE and
            each.signal in (Signal.LATENCY, Signal.ERRORS) else -1 for each in measures], np.int64)
        self._per_interval = np.array([
            0.0 if each.signal is not Signal.TRAFFIC else
            float(self.tuning.resolution_s) if each.reading is Reading.GAUGE else 1.0 for each in measures])
        grown = np.full(len(measures), np.nan)
        grown[:known] = self._last_traffic
        self._last_traffic = grown

    def _ends(self, measure: Measure) -> tuple[str, str]:
        """Caller and callee of a measure with a peer."""
        if f"calls from {measure.peer}" in measure.name or ".server." in measure.name:
            return measure.peer, measure.service
        return measure.service, measure.peer

    def _judge(self, interval: Interval) -> Judged:
        """Against its baseline, and whether that is an anomaly."""
        rows, values, ends = interval.rows, interval.values, interval.ends
        counts = self._counts(interval)
        x, noise = self.practices.transform(rows, values), self.practices.noise(rows, counts)
        out, is_share = self.anomalies.out[rows], self.practices.is_counted[rows]
        learnt = self.baselines.observe(rows, ends, x, noise, out)
        z, normal = self.returns.excused(rows, ends, x, learnt.expected, learnt.spread, learnt.z,
                                         self.practices.direction(rows), out)
        z, normal = self._crept(interval, counts, z, normal)
        z, compared = self.normals.compared(rows, ends, x, noise, z, normal, self.departures.held(rows),
                                          is_share)
        expected = self.practices.restore(rows, compared)
        affected = self.practices.affected(rows, values, counts)
        minutes = np.maximum(self.baselines.period[rows].astype(np.float64) / 60.0, 1.0)
        affected = np.where(affected / minutes >= LEAST_AFFECTED_PER_MINUTE, affected, 0.0)
        moves = self.anomalies.judge(rows, interval.begins, self.practices.bad(rows, z),
                                     self.practices.matters(rows, values, expected, affected), affected, learnt.missed)
        begins = moves.rising & ~out & (self.anomalies.onset[rows] == interval.begins)
        self.normals.keep(rows[begins], ends[begins], normal[begins], learnt.spread[begins])
        # What is told of an anomaly is told beside what was normal before it.
        z, compared = self.normals.compared(rows, ends, x, noise, z, compared, moves.rising & ~out, is_share)
        judgement = replace(learnt, z=z, expected=compared)
        judged = Judged(interval, judgement, moves, self.practices.restore(rows, compared),
                        (interval.index + 1) * self.tuning.resolution_s)
        absences = self.mix.judge(interval, judged.end_s)
        if absences is None:
            return judged
        self.baselines.period[absences.rows] = self.tuning.resolution_s
        return absences.beside(judged, self.anomalies, self.practices.transform(absences.rows, absences.expected))

    def _crept(self, interval: Interval, counts: Floats, z: Floats, expected: Floats) -> tuple[Floats, Floats]:
        """z and what is expected, where a share of errors crept further away than it leapt."""
        places = np.flatnonzero(self.practices.is_counted[interval.rows] & np.isfinite(counts) & (counts > 0))
        if not places.size:
            return z, expected
        away, usual = self.slow_rises.observe(interval.rows[places], interval.ends[places], interval.values[places],
                                              counts[places])
        is_further = away > np.nan_to_num(z[places])
        z, expected = z.copy(), expected.copy()
        z[places] = np.where(is_further, away, z[places])
        expected[places] = np.where(is_further, np.minimum(usual, expected[places]), expected[places])
        return z, expected

    def _counts(self, interval: Interval) -> Floats:
        """Requests behind each value; for gauges of a service, those that its traffic tells of."""
        rows = interval.rows
        per_interval = self._per_interval[rows]
        self._last_traffic[rows] = np.where(per_interval > 0, interval.values * per_interval, np.nan)
        traffic = self._traffic_of[rows]
        told = np.where(traffic >= 0, self._last_traffic[np.maximum(traffic, 0)], np.nan)
        return np.where(np.isnan(interval.counts), told, interval.counts)
