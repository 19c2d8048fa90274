"""What is known of some services in a window: read, decoded away from the loop, answered in parts."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from afteraction.v1 import evidence_pb2, series_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion import evidence_logs, evidence_series, evidence_spans, evidence_traces, span_columns
from services.ingestion.chunks import Signal, decode_lines, unpacked
from services.ingestion.evidence_series import Points, Span
from services.ingestion.span_table import Sent, SpanTable, table
from services.ingestion.store.events import EventStore
from services.ingestion.store.log import TelemetryLog
from services.ingestion.store.window import Stored, WindowStore
from services.ingestion.watermark import LIVE
from shared.offload import Offload

_LEAST_BASELINE = timedelta(hours=1)
_PART = 200
_PATTERNS, _TRACES, _SERIES = 50, 10, 50
# A cumulative counter needs the point before the window, and a trace the spans that began before it.
_MARGIN_NS = int(timedelta(minutes=5).total_seconds() * 1e9)
_SPANS_BEFORE_NS = int(timedelta(hours=2).total_seconds() * 1e9)
# Of more spans than these whole traces are left out at random, of window and baseline alike.
_MOST_SPANS = 500_000
_Reading = Callable[[int, int], Awaitable[list[Stored]]]


def interval(request: pb.GetEvidenceRequest) -> Span:
    """The window and its baseline: by default as long as the window, right before it, at least an hour."""
    start, end = request.window.start.ToNanoseconds(), request.window.end.ToNanoseconds()
    if request.HasField("baseline"):
        return Span(request.baseline.start.ToNanoseconds(), request.baseline.end.ToNanoseconds(), start, end)
    return Span(start - max(end - start, int(_LEAST_BASELINE.total_seconds() * 1e9)), start, start, end)


class Evidence:
    """Answers GetEvidence."""

    def __init__(self, *, windows: WindowStore, events: EventStore, log: TelemetryLog, offload: Offload) -> None:
        self._windows = windows
        self._events = events
        self._log = log
        self._offload = offload

    async def answer(self, request: pb.GetEvidenceRequest) -> AsyncIterator[pb.GetEvidenceResponse]:
        """Events first, then series, log patterns, operations and calls, traces, and raw lines where asked for."""
        stream = request.stream or LIVE
        span = interval(request)
        # Changes are worth knowing from before: what was deployed in the baseline may have broken the window.
        events = await self._events.window(stream, min(span.before, span.start), span.end)
        for part in _parts([evidence_pb2.Observation(event=event) for event in events]):
            yield part
        services = list(request.services) or await self._windows.services(stream)
        # Service by service, so that no more than one of them is in memory at once. Spans alone know each other.
        for service in () if request.skip_series else services:
            for part in _parts(await self._series(stream, [service], span, request)):
                yield part
        for part in _parts(await self._logs(stream, services, span, request)):
            yield part
        for part in _parts(await self._spans(stream, services, span, request.max_traces or _TRACES)):
            yield part

    async def _read(self, read: _Reading, span: Span) -> list[Stored]:
        """What is stored of the baseline and of the window, which need not touch; each once."""
        if span.until >= span.start - 2 * _MARGIN_NS:
            return await read(span.before - _MARGIN_NS, span.end)
        found = [*await read(span.before - _MARGIN_NS, span.until), *await read(span.start - _MARGIN_NS, span.end)]
        return list({(each.signal, each.positions[0]): each for each in found}.values())

    async def _columns(self, stream: str, services: Sequence[str], span: Span,
                       signals: Sequence[Signal]) -> list[Stored]:
        return await self._read(lambda start, end: self._windows.columns(stream, services, start, end, signals), span)

    async def _series(self, stream: str, services: Sequence[str], span: Span,
                      request: pb.GetEvidenceRequest) -> list[evidence_pb2.Observation]:
        signals = (Signal.METRICS,) if request.only_metrics else (Signal.METRICS, Signal.SPANS, Signal.LOGS)
        stored = await self._columns(stream, services, span, signals)
        points = await self._offload.run(lambda: Points(unpacked(each.body) for each in stored))
        definitions = await self._definitions(points.ids)
        return await self._offload.run(
            evidence_series.windows, points, definitions, span, request.max_series_per_service or _SERIES,
            not request.skip_baseline_times)

    async def _definitions(self, identifiers: Sequence[int]) -> dict[int, series_pb2.Series]:
        return {each.id: each for each in map(series_pb2.Series.FromString, await self._log.definitions(identifiers))}

    async def _logs(self, stream: str, services: Sequence[str], span: Span,
                    request: pb.GetEvidenceRequest) -> list[evidence_pb2.Observation]:
        """Patterns are counted from what was derived when the lines came in; only lines that are shown are read."""
        stored = await self._columns(stream, services, span, (Signal.LOGS,))
        counts = await self._offload.run(lambda: evidence_logs.Counts(
            (each.positions, each.lengths, unpacked(each.body).points) for each in stored))
        definitions = await self._definitions(counts.ids)
        templates = await self._windows.templates(stream, services)
        found = await self._offload.run(evidence_logs.windows, counts, definitions, templates, span,
                                        request.max_patterns_per_service or _PATTERNS)
        read = await self._windows.lines(evidence_logs.chunks_of_examples(found))
        shown = {each.message.pattern for each in found}
        await self._offload.run(lambda: evidence_logs.give_examples(
            found, (line for each in read for line in decode_lines(each.service, each.raw, shown)), span))
        observed = [evidence_pb2.Observation(log_pattern=each.message) for each in found]
        if request.max_log_records_per_service:
            observed += await self._records(counts.chunks(span), span, request.max_log_records_per_service)
        return observed

    async def _records(self, positions: Sequence[int], span: Span, most: int) -> list[evidence_pb2.Observation]:
        read = await self._windows.lines(positions)
        return await self._offload.run(lambda: evidence_logs.records(
            [line for each in read for line in decode_lines(each.service, each.raw)], span, most))

    async def _spans(self, stream: str, services: Sequence[str], span: Span,
                     most: int) -> list[evidence_pb2.Observation]:
        # Spans are read one by one: two hours tell as well what is usual as half a day does.
        span = replace(span, before=max(span.before, span.until - _SPANS_BEFORE_NS))
        stored = await self._read(lambda start, end: self._windows.spans(stream, services, start, end), span)

        def first() -> tuple[SpanTable, list[evidence_pb2.Observation], list[evidence_traces.Trace]]:
            spans = table([Sent(each.service, each.body, each.positions, each.lengths) for each in stored],
                          _MOST_SPANS)
            return spans, evidence_spans.windows(spans, span), evidence_traces.chosen(spans, span, most)
        spans, observed, traces = await self._offload.run(first)
        read = await self._windows.details(evidence_traces.chunks(spans, traces))
        return observed + await self._offload.run(lambda: evidence_traces.examples(
            spans, traces, {each.position: span_columns.decode_details(each.raw) for each in read}))


def _parts(observations: list[evidence_pb2.Observation]) -> list[pb.GetEvidenceResponse]:
    return [pb.GetEvidenceResponse(observations=observations[begin:begin + _PART])
            for begin in range(0, len(observations), _PART)]
