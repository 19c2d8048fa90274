"""Whole traces of a window: the ones that say most about what went wrong in it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from afteraction.v1 import evidence_pb2 as pb
from services.ingestion.evidence_series import Span as Interval
from services.ingestion.evidence_spans import quantiles
from services.ingestion.span_table import Indexes, SpanTable

_MOST_SPANS_OF_TRACE = 500
# Of a trace without an error: how much slower than the usual of its root it must be to be worth a look.
_SLOW = 1.5
_SHORTEST_S = 1e-6

Details = Mapping[int, Sequence[tuple[str, Mapping[str, str]]]]


@dataclass(frozen=True, slots=True)
class Trace:
    """Rows of a table: the root, and all of the trace's in order of time, the longer ones of one time first."""

    root: int
    rows: list[int]


@dataclass(frozen=True, slots=True)
class _Ranked:
    has_no_error: bool
    faster: float
    trace: int
    root: int


def chosen(spans: SpanTable, interval: Interval, most: int) -> list[Trace]:
    """Those with errors first, then those slowest against the usual of their root."""
    if not len(spans):
        return []
    rows = spans.rows
    order = np.lexsort((rows["started"], spans.parents >= 0, rows["trace_low"], rows["trace_high"]))
    is_first = np.ones(len(order), bool)
    is_first[1:] = ((rows["trace_low"][order][1:] != rows["trace_low"][order][:-1])
                    | (rows["trace_high"][order][1:] != rows["trace_high"][order][:-1]))
    trace = np.cumsum(is_first) - 1
    roots = order[is_first]
    has_error = np.bincount(trace, rows["is_error"][order]) > 0
    faster = -spans.durations_s[roots] / np.maximum(_usual_s(spans)[roots], _SHORTEST_S)
    started = rows["started"][roots]
    asked = np.flatnonzero((started >= interval.start) & (started < interval.end)
                           & (has_error | (faster < -_SLOW)))
    ranking = asked[np.lexsort((asked, faster[asked], ~has_error[asked]))]
    begins = np.append(np.flatnonzero(is_first), len(order))
    return [_trace(spans, each.root, order[begins[each.trace]:begins[each.trace + 1]]) for each in _varied(
        spans, (_Ranked(not has_error[each], faster[each], int(each), int(roots[each])) for each in ranking), most)]


def _usual_s(spans: SpanTable) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """For each row the median duration of the entries of its service and operation; 0 where none of them is one."""
    named = spans.rows["service"].astype(np.int64) << 32 | spans.rows["operation"]
    kinds, kind = np.unique(named, return_inverse=True)
    entries = np.flatnonzero(spans.parents < 0)
    entries = entries[np.argsort(kind[entries], kind="stable")]
    begins = np.concatenate(([0], np.cumsum(np.bincount(kind[entries], minlength=len(kinds)))))
    medians, = quantiles(spans.durations_s[entries], kind[entries], begins, (0.5,))
    return np.array(medians)[kind]


def _varied(spans: SpanTable, ranked: Iterable[_Ranked], most: int) -> list[_Ranked]:
    """The first of every kind of root before the second of any: ten alike say what one says."""
    places: dict[tuple[int, int, bool], int] = defaultdict(int)
    order = []
    for each in ranked:
        root = spans.rows[each.root]
        kind = (int(root["service"]), int(root["operation"]), each.has_no_error)
        if places[kind] < most:
            order.append((places[kind], each))
        places[kind] += 1
    order.sort(key=lambda pair: pair[0])
    return [each for _, each in order[:most]]


def _trace(spans: SpanTable, root: int, rows: Indexes) -> Trace:
    ordered = rows[np.lexsort((-spans.rows["ended"][rows], spans.rows["started"][rows]))]
    return Trace(root, ordered.tolist())


def chunks(spans: SpanTable, traces: Iterable[Trace]) -> list[int]:
    """Positions of the chunks that have the details of what is shown of these traces."""
    return sorted({int(spans.rows["position"][row]) for trace in traces for row in trace.rows[:_MOST_SPANS_OF_TRACE]})


def examples(spans: SpanTable, traces: Iterable[Trace], details: Details) -> list[pb.Observation]:
    """details: by position of a chunk, status message and attributes of its spans."""
    return [pb.Observation(trace=_example(spans, trace, details)) for trace in traces]


def _example(spans: SpanTable, trace: Trace, details: Details) -> pb.TraceExample:
    row = spans.rows[trace.root]
    return pb.TraceExample(trace_id=f"{int(row['trace_high']):016x}{int(row['trace_low']):016x}",
                           spans=[_record(spans, each, details) for each in trace.rows[:_MOST_SPANS_OF_TRACE]],
                           error_path=_path(spans, trace))


def _path(spans: SpanTable, trace: Trace) -> list[str]:
    """Services from the entry down to the deepest failing span; in a trace without errors, down the longest child."""
    has_error = bool(spans.rows["is_error"][trace.rows].any())
    children: dict[int, list[int]] = defaultdict(list)
    for row in trace.rows:
        children[int(spans.parents[row])].append(row)
    durations, services = spans.rows["ended"] - spans.rows["started"], spans.rows["service"]
    path, at, seen = [services[trace.root]], trace.root, {trace.root}
    while True:
        below = [row for row in children[at] if row not in seen and (spans.rows["is_error"][row] or not has_error)]
        if not below:
            break
        longest = max(below, key=lambda row: durations[row])
        if not has_error and spans.self_s[at] > durations[longest] / 1e9:
            break
        at = longest
        seen.add(at)
        if services[at] != path[-1]:
            path.append(services[at])
    return [spans.services[each] for each in path]


def _record(spans: SpanTable, row: int, details: Details) -> pb.SpanRecord:
    span = spans.rows[row]
    parent = int(span["parent"])
    found = pb.SpanRecord(
        service=spans.services[span["service"]],
        trace_id=f"{int(span['trace_high']):016x}{int(span['trace_low']):016x}",
        span_id=f"{int(span['span']):016x}", parent_span_id=f"{parent:016x}" if parent else "",
        operation=spans.texts[span["operation"]], span_kind=spans.texts[span["kind"]],
        duration_s=(int(span["ended"]) - int(span["started"])) / 1e9, is_error=bool(span["is_error"]))
    found.started_at.FromNanoseconds(int(span["started"]))
    said = details.get(int(span["position"]), ())
    if span["place"] < len(said):
        found.status_message, attributes = said[span["place"]]
        found.attributes.update(attributes)
    return found
