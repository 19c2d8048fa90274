"""Operations, calls and whole traces in a window, beside what they were before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from afteraction.v1 import evidence_pb2 as pb
from services.ingestion.evidence_series import Span as Interval
from services.ingestion.records import Span

_MINUTE = 60_000_000_000
_MOST_SPANS_OF_TRACE = 500
_Key = tuple[bytes, bytes]


@dataclass(slots=True)
class _Side:
    """Window or baseline of one operation or call."""

    durations: list[float] = field(default_factory=list)
    # Operations: duration less what direct children cover. Calls: the caller's span less the callee's.
    others: list[float] = field(default_factory=list)
    errors: int = 0
    first_error: int = 0
    minutes: dict[int, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, span: Span, other: float | None, interval: Interval) -> None:
        self.durations.append(span.duration_s)
        if other is not None:
            self.others.append(other)
        self.minutes[(span.started_at - interval.start) // _MINUTE] += 1
        if span.is_error:
            self.errors += 1
            self.first_error = min(self.first_error or span.started_at, span.started_at)


class Traces:
    """Spans joined with their parents and children. Each span counts once, however often it was sent."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self.spans: dict[_Key, Span] = {(span.trace_id, span.span_id): span for span in spans}
        self.children: dict[_Key, list[Span]] = defaultdict(list)
        for span in self.spans.values():
            if span.parent_span_id:
                self.children[span.trace_id, span.parent_span_id].append(span)

    def parent(self, span: Span) -> Span | None:
        return self.spans.get((span.trace_id, span.parent_span_id)) if span.parent_span_id else None

    def self_s(self, span: Span) -> float:
        """Duration less the time that its direct children cover; children at once count once."""
        covered, reached = 0, span.started_at
        for child in sorted(self.children.get((span.trace_id, span.span_id), ()), key=lambda each: each.started_at):
            begin, end = max(child.started_at, reached), min(child.ended_at, span.ended_at)
            if end > begin:
                covered += end - begin
                reached = end
        return max((span.ended_at - span.started_at - covered) / 1e9, 0.0)


def windows(traces: Traces, interval: Interval) -> list[pb.Observation]:
    """Every operation, then every call."""
    operations: dict[tuple[str, str, str], tuple[_Side, _Side]] = defaultdict(lambda: (_Side(), _Side()))
    calls: dict[tuple[str, str, str, str], tuple[_Side, _Side]] = defaultdict(lambda: (_Side(), _Side()))
    for span in traces.spans.values():
        inside = interval.start <= span.started_at < interval.end
        if not inside and not interval.before <= span.started_at < interval.until:
            continue
        operations[span.service, span.operation, span.kind][inside].add(span, traces.self_s(span), interval)
        parent = traces.parent(span)
        if parent is not None and parent.service != span.service:
            # Asynchronous work outlives its caller: there is no gap to speak of.
            gap = parent.duration_s - span.duration_s
            calls[parent.service, span.service, span.operation, span.kind][inside].add(
                span, gap if gap >= 0 else None, interval)
    found = []
    for (service, operation, kind), sides in sorted(operations.items()):
        message = _message(service, operation, kind, sides, interval)
        message.self_p50_s, message.baseline_self_p50_s = _p(sides[1].others, 50), _p(sides[0].others, 50)
        found.append(pb.Observation(operation=message))
    for (caller, service, operation, kind), sides in sorted(calls.items()):
        message = _message(service, operation, kind, sides, interval)
        message.caller = caller
        message.gap_p50_s, message.baseline_gap_p50_s = _p(sides[1].others, 50), _p(sides[0].others, 50)
        found.append(pb.Observation(call=message))
    return found


def _message(service: str, operation: str, kind: str, sides: tuple[_Side, _Side],
             interval: Interval) -> pb.OperationWindow:
    before, inside = sides
    minutes = min(-(-(interval.end - interval.start) // _MINUTE), 1440)
    found = pb.OperationWindow(
        service=service, operation=operation, span_kind=kind, count=len(inside.durations), errors=inside.errors,
        baseline_count=len(before.durations), baseline_errors=before.errors, p50_s=_p(inside.durations, 50),
        p95_s=_p(inside.durations, 95), baseline_p50_s=_p(before.durations, 50),
        baseline_p95_s=_p(before.durations, 95),
        window_s=(interval.end - interval.start) / 1e9, baseline_s=(interval.until - interval.before) / 1e9,
        counts_per_minute=[inside.minutes.get(each, 0) for each in range(minutes)])
    if inside.first_error:
        found.first_error_at.FromNanoseconds(inside.first_error)
    return found


def _p(values: Sequence[float], percentile: float) -> float:
    return float(np.percentile(values, percentile)) if values else 0.0


def examples(traces: Traces, interval: Interval, most: int) -> list[pb.Observation]:
    """Whole traces of the window: those with errors first, then those slowest against the usual of their root."""
    by_trace: dict[bytes, list[Span]] = defaultdict(list)
    usual: dict[tuple[str, str], list[float]] = defaultdict(list)
    for span in traces.spans.values():
        by_trace[span.trace_id].append(span)
        if traces.parent(span) is None:
            usual[span.service, span.operation].append(span.duration_s)
    medians = {key: max(float(np.median(values)), 1e-6) for key, values in usual.items()}
    ranked = []
    for trace_id, spans in by_trace.items():
        root = min(spans, key=lambda span: (traces.parent(span) is not None, span.started_at))
        if interval.start <= root.started_at < interval.end:
            slowness = root.duration_s / medians[root.service, root.operation]
            has_error = any(span.is_error for span in spans)
            if has_error or slowness > 1.5:
                ranked.append((not has_error, -slowness, trace_id, root))
    ranked.sort(key=lambda each: each[:3])
    return [pb.Observation(trace=_example(traces, trace_id, by_trace[trace_id], root))
            for _, _, trace_id, root in _varied(ranked, most)]


def _varied(ranked: list[tuple[bool, float, bytes, Span]], most: int) -> list[tuple[bool, float, bytes, Span]]:
    """The first of every kind of root before the second of any: ten alike say what one says."""
    places: dict[tuple[str, str, bool], int] = defaultdict(int)
    order = []
    for each in ranked:
        kind = (each[3].service, each[3].operation, each[0])
        order.append((places[kind], each))
        places[kind] += 1
    order.sort(key=lambda pair: pair[0])
    return [each for _, each in order[:most]]


def _example(traces: Traces, trace_id: bytes, spans: list[Span], root: Span) -> pb.TraceExample:
    ordered = sorted(spans, key=lambda span: (span.started_at, -span.ended_at))[:_MOST_SPANS_OF_TRACE]
    return pb.TraceExample(trace_id=trace_id.hex(), spans=[_record(span) for span in ordered],
                           error_path=_path(traces, root, any(span.is_error for span in spans)))


def _path(traces: Traces, root: Span, has_error: bool) -> list[str]:
    """Services from the entry down to the deepest failing span; in a trace without errors, down the longest child."""
    path, span, seen = [root.service], root, {root.span_id}
    while True:
        children = [child for child in traces.children.get((span.trace_id, span.span_id), ())
                    if child.span_id not in seen and (child.is_error or not has_error)]
        if not children:
            return path
        span = max(children, key=lambda child: child.ended_at - child.started_at)
        if not has_error and traces.self_s(traces.spans[span.trace_id, span.parent_span_id]) > span.duration_s:
            return path
        seen.add(span.span_id)
        if span.service != path[-1]:
            path.append(span.service)


def _record(span: Span) -> pb.SpanRecord:
    found = pb.SpanRecord(service=span.service, trace_id=span.trace_id.hex(), span_id=span.span_id.hex(),
                          parent_span_id=span.parent_span_id.hex(), operation=span.operation, span_kind=span.kind,
                          duration_s=span.duration_s, is_error=span.is_error, status_message=span.status_message,
                          attributes=span.attributes)
    found.started_at.FromNanoseconds(span.started_at)
    return found
