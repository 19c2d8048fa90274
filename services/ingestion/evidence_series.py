"""Series in a window, beside what they were before: one value per step, and how far it went."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import evidence_pb2 as pb
from afteraction.v1 import ingestion_service_pb2, series_pb2
from services.ingestion import evidence_histograms
from services.ingestion.blocks import joined_points
from services.ingestion.columns import Floats, Times, decode_points

STEP_S = 60.0
DEPARTURE = 4.0
_MAD = 1.4826
_SECOND = 1e9
# A spread below a hundredth of the level is the flatness of a recording, not a measure of what is normal.
_LEAST_SHARE = 0.01

_REQUESTS = re.compile(r"(?i)(^|\.)(http|rpc)\.server\.|request|error|fail")
_MOST_REQUEST_SERIES = 200


@dataclass(frozen=True, slots=True)
class Span:
    """Unix nanoseconds: baseline [before, until), window [start, end)."""

    before: int
    until: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Steps:
    """One value per step, in order of time; counts: what was counted in it, None for gauges."""

    times: Times
    values: Floats
    counts: Floats | None = None

    def within(self, start: int, end: int) -> "Steps":
        begin, behind = np.searchsorted(self.times, (start, end))
        return Steps(self.times[begin:behind], self.values[begin:behind],
                     None if self.counts is None else self.counts[begin:behind])


class Points:
    """Every point of some chunks or blocks, by series."""

    def __init__(self, parts: Iterable[ingestion_service_pb2.TailResponse]) -> None:
        parts = list(parts)
        self.histograms = evidence_histograms.read(part.histograms for part in parts)
        self.scalars: dict[int, tuple[Times, Times, Floats]] = {}
        ids, times, starts, values = decode_points(joined_points([part.points for part in parts]))
        order = np.lexsort((times, ids))
        ids, times, starts, values = ids[order], times[order], starts[order], values[order]
        begins = np.flatnonzero(np.diff(ids, prepend=ids[:1] + 1)).tolist()
        for begin, end in pairwise([*begins, len(ids)]):
            self.scalars[int(ids[begin])] = times[begin:end], starts[begin:end], values[begin:end]

    @property
    def ids(self) -> list[int]:
        histograms = np.unique(self.histograms.ids).tolist() if self.histograms else ()
        return sorted({*self.scalars, *histograms})


def windows(points: Points, definitions: Mapping[int, series_pb2.Series], span: Span,
            most_per_service: int, with_baseline_times: bool = True) -> list[pb.Observation]:
    """The series that went furthest, of each service, furthest first."""
    by_service: dict[str, list[_Judged]] = defaultdict(list)
    types = {identifier: int(series.type) for identifier, series in definitions.items()}
    distributions = evidence_histograms.medians(points.histograms, types, span.start, int(STEP_S * _SECOND)
                                                ) if points.histograms else {}
    for identifier in points.ids:
        series = definitions.get(identifier)
        if series is None:
            continue
        if identifier in points.scalars:
            steps = _scalar(series.type, *points.scalars[identifier], span)
        elif identifier in distributions:
            steps = Steps(*distributions[identifier])
        else:
            continue
        judged = _judged(series, steps, span)
        if judged is not None:
            by_service[series.service].append(judged)
    stamps = _Stamps()
    return [pb.Observation(series=_message(each, stamps, with_baseline_times=with_baseline_times))
            for service in sorted(by_service) for each in _chosen(by_service[service], most_per_service)]


@dataclass(frozen=True, slots=True)
class _Judged:
    """A series beside its baseline. extreme: its furthest step within the window, None where there is no baseline."""

    series: series_pb2.Series
    inside: Steps
    before: Steps
    median: float = 0.0
    spread: float = 0.0
    extreme: int | None = None
    z: float = 0.0
    departed: int | None = None


def _chosen(found: list[_Judged], most: int) -> list[_Judged]:
    """Those that went furthest, and whatever counts requests: how many failed is asked of every incident."""
    ranked = sorted(found, key=lambda each: (-abs(each.z), each.series.id))
    asked = [each for each in ranked[most:] if _REQUESTS.search(each.series.metric_name)]
    return [*ranked[:most], *asked[:_MOST_REQUEST_SERIES]]


def _steps(times: Times, span: Span) -> Times:
    """Which step each time lies in, counted from the window's start: none straddles it."""
    return ((times - span.start) // int(STEP_S * _SECOND)).astype("i8")


def _scalar(type_: int, times: Times, starts: Times, values: Floats, span: Span) -> "Steps":
    increases = None
    if type_ == series_pb2.SERIES_TYPE_CUMULATIVE:
        times, values, increases = _rates(times, starts, values)
    if not len(times):
        return Steps(times, values)
    # Points are in order of time: a step ends where the next one begins.
    first = np.concatenate(([0], np.flatnonzero(np.diff(_steps(times, span))) + 1))
    sums = np.add.reduceat(values, first)
    last = np.append(first[1:], len(times)) - 1
    if type_ == series_pb2.SERIES_TYPE_DELTA:
        # Senders that report less often than a step tell by the start time over what they counted.
        covered = np.maximum(STEP_S, (times[last] - np.where(starts[first] > 0, starts[first], times[last])) / _SECOND)
        return Steps(times[last], sums / covered, sums)
    counts = None if increases is None else np.add.reduceat(increases, first)
    return Steps(times[last], sums / (last - first + 1), counts)


def _rates(times: Times, starts: Times, values: Floats) -> tuple[Times, Floats, Floats]:
    """A counter's increase per second between its points, and the increase; after a reset it counts from nothing.

    A reset is a smaller value, or a start since the point before: by then the counter may have overtaken it. A counter
    that began within what is read (its first point tells since when) counts from there.
    """
    if len(times) and starts[0] > 0 and starts[0] < times[0] and len(times) > 1 and starts[0] >= times[0] - (
            times[1] - times[0]) * 2:
        times, values = np.insert(times, 0, starts[0]), np.insert(values, 0, 0.0)
        starts = np.insert(starts, 0, starts[0])
    if len(times) < 2:
        return times[:0], values[:0], values[:0]
    gaps = np.diff(times) / _SECOND
    steps = np.diff(values)
    began_anew = (starts[1:] >= times[:-1]) & (starts[1:] > starts[:-1])
    steps = np.where((steps < 0) | began_anew, values[1:], steps)
    good = gaps > 0
    return times[1:][good], steps[good] / gaps[good], steps[good]


class _Stamps(dict[int, Timestamp]):
    """Times as messages, each made once: those of one service come at the same times."""

    def __missing__(self, at: int) -> Timestamp:
        found = self[at] = Timestamp(seconds=at // 1_000_000_000, nanos=at % 1_000_000_000)
        return found


def _judged(series: series_pb2.Series, steps: Steps, span: Span) -> _Judged | None:
    inside, before = steps.within(span.start, span.end), steps.within(span.before, span.until)
    if not len(before.times):
        return _Judged(series, inside, before) if len(inside.times) else None
    median = _median(before.values)
    spread = _MAD * _median(np.abs(before.values - median))
    if not len(inside.times):
        return _Judged(series, inside, before, median, spread)
    # Never zero: a flat baseline would make every tick infinite.
    unit = max(spread, _LEAST_SHARE * abs(median), float(np.std(before.values)) / 2, 1e-9)
    distance = (inside.values - median) / unit
    furthest = int(np.argmax(np.abs(distance)))
    out = np.flatnonzero(np.abs(distance) > DEPARTURE)
    return _Judged(series, inside, before, median, spread, furthest, float(distance[furthest]),
                   int(out[0]) if len(out) else None)


def _message(judged: _Judged, stamps: _Stamps, *, with_baseline_times: bool) -> pb.SeriesWindow:
    inside, before = judged.inside, judged.before
    found = pb.SeriesWindow(
        series=judged.series, values=inside.values.tolist(), times=[stamps[at] for at in inside.times.tolist()],
        baseline_values=before.values.tolist(), baseline_points=len(before.times), baseline_median=judged.median,
        baseline_spread=judged.spread, extreme_z=judged.z)
    if inside.counts is not None and before.counts is not None:
        found.counts.extend(inside.counts.tolist())
        found.baseline_counts.extend(before.counts.tolist())
    if with_baseline_times:
        found.baseline_times.extend([stamps[at] for at in before.times.tolist()])
    if judged.extreme is not None:
        found.extreme_value = float(inside.values[judged.extreme])
        found.extreme_at.FromNanoseconds(int(inside.times[judged.extreme]))
    if judged.departed is not None:
        found.departed_at.FromNanoseconds(int(inside.times[judged.departed]))
    return found


def _median(values: Floats) -> float:
    """Of at least one value; numpy's own takes ten times as long for as few."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)
