"""Series in a window, beside what they were before: one value per step, and how far it went."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from afteraction.v1 import evidence_pb2 as pb
from afteraction.v1 import ingestion_service_pb2, series_pb2
from services.ingestion.columns import Histogram, decode_histograms, decode_points

STEP_S = 60.0
DEPARTURE = 4.0
_MAD = 1.4826
_SECOND = 1e9
# A spread below a hundredth of the level is the flatness of a recording, not a measure of what is normal.
_LEAST_SHARE = 0.01

_REQUESTS = re.compile(r"(?i)(^|\.)(http|rpc)\.server\.|request|error|fail")
_MOST_REQUEST_SERIES = 200

Times = NDArray[np.int64]
Floats = NDArray[np.float64]


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


class Points:
    """Every point of some chunks, by series."""

    def __init__(self, parts: Iterable[ingestion_service_pb2.TailResponse]) -> None:
        scalars, self.histograms = [], defaultdict[int, list[Histogram]](list)
        for part in parts:
            if part.points.series_ids:
                scalars.append(decode_points(part.points))
            for point in decode_histograms(part.histograms) if part.histograms.series_ids else ():
                self.histograms[point.series_id].append(point)
        self.scalars: dict[int, tuple[Times, Times, Floats]] = {}
        if scalars:
            self._group([np.concatenate(column) for column in zip(*scalars, strict=True)])

    def _group(self, columns: list[NDArray[np.generic]]) -> None:
        ids, times, starts, values = columns
        order = np.lexsort((times, ids))
        ids, times, starts, values = ids[order], times[order], starts[order], values[order]
        unique, first = np.unique(ids, return_index=True)
        for index, (identifier, begin) in enumerate(zip(unique.tolist(), first.tolist(), strict=True)):
            end = first[index + 1] if index + 1 < len(first) else len(ids)
            self.scalars[identifier] = times[begin:end], starts[begin:end], values[begin:end]  # type: ignore[assignment]

    @property
    def ids(self) -> list[int]:
        return sorted({*self.scalars, *self.histograms})


def windows(points: Points, definitions: Mapping[int, series_pb2.Series], span: Span,
            most_per_service: int, with_baseline_times: bool = True) -> list[pb.Observation]:
    """The series that went furthest, of each service, furthest first."""
    by_service: dict[str, list[pb.SeriesWindow]] = defaultdict(list)
    for identifier in points.ids:
        series = definitions.get(identifier)
        if series is None:
            continue
        if identifier in points.scalars:
            steps = _scalar(series.type, *points.scalars[identifier], span)
        else:
            steps = _distribution(series.type, points.histograms[identifier], span)
        window = _window(series, steps, span, with_baseline_times=with_baseline_times)
        if window is not None:
            by_service[series.service].append(window)
    return [pb.Observation(series=window) for service in sorted(by_service)
            for window in _chosen(by_service[service], most_per_service)]


def _chosen(found: list[pb.SeriesWindow], most: int) -> list[pb.SeriesWindow]:
    """Those that went furthest, and whatever counts requests: how many failed is asked of every incident."""
    ranked = sorted(found, key=lambda each: (-abs(each.extreme_z), each.series.id))
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


def _distribution(type_: int, found: Sequence[Histogram], span: Span) -> "Steps":
    """The median of each step, and how many were recorded in it."""
    found = sorted(found, key=lambda point: point.time)
    if type_ == series_pb2.SERIES_TYPE_CUMULATIVE_HISTOGRAM:
        found = [_difference(before, after) for before, after in pairwise(found)]
    merged: dict[int, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    last: dict[int, int] = {}
    size = int(STEP_S * _SECOND)
    for point in found:
        step = (point.time - span.start) // size
        last[step] = point.time
        for bound, count in zip(point.bounds, point.counts, strict=True):
            merged[step][bound] += count
    medians = {step: quantile(buckets, 0.5) for step, buckets in merged.items() if sum(buckets.values()) > 0}
    order = sorted(medians)
    return Steps(np.array([last[step] for step in order], "i8"), np.array([medians[step] for step in order], "f8"),
                 np.array([sum(merged[step].values()) for step in order], "f8"))


def _difference(before: Histogram, after: Histogram) -> Histogram:
    if list(before.bounds) != list(after.bounds) or after.total < before.total:
        return after
    counts = [max(right - left, 0) for left, right in zip(before.counts, after.counts, strict=True)]
    return after._replace(counts=counts, total=after.total - before.total)


def quantile(buckets: Mapping[float, float], q: float) -> float:
    """Linear within the bucket in which it lies; in the last, open one its lower bound."""
    total, seen, low = sum(buckets.values()), 0.0, 0.0
    for bound in sorted(buckets):
        count = buckets[bound]
        if count and seen + count >= q * total:
            if not np.isfinite(bound):
                return low
            return low + (bound - low) * (q * total - seen) / count
        seen += count
        low = bound if np.isfinite(bound) else low
    return low


def _window(series: series_pb2.Series, steps: Steps, span: Span, *, with_baseline_times: bool
            ) -> pb.SeriesWindow | None:
    times, values = steps.times, steps.values
    inside = (times >= span.start) & (times < span.end)
    before = (times >= span.before) & (times < span.until)
    if not inside.any() and not before.any():
        return None
    found = pb.SeriesWindow(series=series, values=values[inside], baseline_values=values[before],
                            baseline_points=int(before.sum()))
    if steps.counts is not None:
        found.counts.extend(steps.counts[inside])
        found.baseline_counts.extend(steps.counts[before])
    for at in times[inside].tolist():
        found.times.add().FromNanoseconds(at)
    for at in times[before].tolist() if with_baseline_times else ():
        found.baseline_times.add().FromNanoseconds(at)
    if before.any():
        _judge(found, times[inside], values[inside], values[before])
    return found


def _judge(found: pb.SeriesWindow, times: Times, values: Floats, baseline: Floats) -> None:
    median = _median(baseline)
    spread = _MAD * _median(np.abs(baseline - median))
    found.baseline_median, found.baseline_spread = median, spread
    if not len(values):
        return
    # Never zero: a flat baseline would make every tick infinite.
    unit = max(spread, _LEAST_SHARE * abs(median), float(np.std(baseline)) / 2, 1e-9)
    distance = (values - median) / unit
    furthest = int(np.argmax(np.abs(distance)))
    found.extreme_value, found.extreme_z = float(values[furthest]), float(distance[furthest])
    found.extreme_at.FromNanoseconds(int(times[furthest]))
    out = np.flatnonzero(np.abs(distance) > DEPARTURE)
    if len(out):
        found.departed_at.FromNanoseconds(int(times[out[0]]))


def _median(values: Floats) -> float:
    """Of at least one value; numpy's own takes ten times as long for as few."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)
