"""From the bytes of a request to the chunks that are stored: parsed once, derived once, on one thread.

What is learnt from one request for the next (series, patterns, the call graph) is used by one thread at a time, so that
none of it needs a lock; two requests decoded at once would only take turns at the interpreter anyway.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from services.ingestion import chunks, otlp_logs, span_columns, span_metrics
from services.ingestion.attributes import Redact
from services.ingestion.call_graph import CallGraph
from services.ingestion.chunks import Chunk
from services.ingestion.columns import PointBuilder
from services.ingestion.otlp_metrics import MetricReader
from services.ingestion.otlp_traces import SpanReader
from services.ingestion.patterns import Miner, Pattern
from services.ingestion.prometheus import SeriesReader, Written
from services.ingestion.records import Span
from services.ingestion.rejections import Rejections
from services.ingestion.series import Registry, Series, Source
from services.ingestion.settings import Settings
from services.ingestion.span_metrics import Operations

_MOST_STREAMS = 64
_REMEMBERED_SPANS = 200_000
SpanKey = tuple[bytes, bytes]
# Whether what a request brought has become durable; not done until that is known.
Outcome = Future[bool]

_STORED: Outcome = Future()
_STORED.set_result(True)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a request comes to.

    items: points, spans or lines that were taken. written: of remote write, which. others: requests under way that
    brought some of the same spans before: this one is durable when they are.
    """

    chunks: tuple[Chunk, ...] = ()
    series: tuple[tuple[int, Series], ...] = ()
    patterns: tuple[Pattern, ...] = ()
    items: int = 0
    rejected: int = 0
    message: str = ""
    written: Written = field(default_factory=Written)
    others: frozenset[Outcome] = frozenset()


class _Stream:
    """What is learnt within one stream."""

    def __init__(self, settings: Settings) -> None:
        operations = Operations(settings.operations_per_service)
        self.operations = operations
        self.graph = CallGraph(operations)
        self.miner = Miner(settings.patterns_per_service)
        # Which request brought a span.
        self.spans: OrderedDict[SpanKey, Outcome] = OrderedDict()

    def is_new(self, key: SpanKey, outcome: Outcome) -> bool:
        """Whether no request that was stored, or may still be, has brought this span; then it is this one's."""
        before = self.spans.get(key)
        if before is not None and not (before.done() and not before.result()):
            return False
        self.spans[key] = outcome
        return True

    def forget(self) -> None:
        while len(self.spans) > _REMEMBERED_SPANS:
            self.spans.popitem(last=False)


class Intake:
    """Decodes requests, one at a time."""

    def __init__(self, settings: Settings, redact: Redact) -> None:
        self._settings = settings
        self._redact = redact
        self.registry = Registry(per_service=settings.series_per_service, in_all=settings.series_in_all)
        self._metrics = MetricReader(self.registry, redact)
        self._traces = SpanReader(redact)
        self._prometheus = SeriesReader(self.registry, redact, settings.service_labels)
        self._streams: OrderedDict[str, _Stream] = OrderedDict()

    def restore(self, stream: str, patterns: Iterable[Pattern], spans: Iterable[tuple[str, bytes]]) -> None:
        """Takes over the patterns that a stream had before the restart, and the spans of a while before it: they are
        known when they are sent again, and the parents or children of those to come."""
        state = self._stream(stream)
        state.miner.restore(patterns)
        for service, raw in spans:
            found = span_columns.spans(service, span_columns.decode(raw))
            state.spans.update(dict.fromkeys(((span.trace_id, span.span_id) for span in found), _STORED))
            state.graph.join(found)  # the calls among them are counted already

    def knows(self, stream: str) -> bool:
        """Whether what a stream has learnt is in memory."""
        return stream in self._streams

    def _stream(self, name: str) -> _Stream:
        found = self._streams.get(name)
        if found is None:
            found = self._streams[name] = _Stream(self._settings)
            while len(self._streams) > _MOST_STREAMS:
                self._streams.popitem(last=False)
        self._streams.move_to_end(name)
        return found

    def metrics(self, stream: str, body: bytes, arrived_at: int) -> Decoded:
        """An ExportMetricsServiceRequest. Raises DecodeError when it is none."""
        rejections = Rejections()
        return self._points(self._metrics.read(body, rejections), rejections)

    def remote_write_1(self, stream: str, body: bytes, arrived_at: int) -> Decoded:
        """A prometheus.WriteRequest. Raises DecodeError when it is none."""
        rejections = Rejections()
        found, written = self._prometheus.read_1(body, rejections)
        return replace(self._points(found, rejections), written=written)

    def remote_write_2(self, stream: str, body: bytes, arrived_at: int) -> Decoded:
        """An io.prometheus.write.v2.Request. Raises DecodeError when it is none."""
        rejections = Rejections()
        found, written = self._prometheus.read_2(body, rejections)
        return replace(self._points(found, rejections), written=written)

    def _points(self, found: Mapping[str, PointBuilder], rejections: Rejections) -> Decoded:
        made = tuple(chunks.metrics(service, points) for service, points in found.items())
        items = sum(sum(len(part[0]) for part in points.parts) + len(points.ids) + len(points.histograms)
                    for points in found.values())
        return self._decoded(made, items, rejections)

    def traces(self, stream: str, body: bytes, arrived_at: int, outcome: Outcome | None = None) -> Decoded:
        """An ExportTraceServiceRequest. Raises DecodeError when it is none.

        outcome: of this request, as far as others with the same spans are concerned; by default it is stored.
        """
        outcome = outcome or _STORED
        rejections = Rejections()
        state = self._stream(stream)
        sent = self._traces.read(body, rejections)
        unique = {(span.trace_id, span.span_id): span for span in sent}
        spans = [span for key, span in unique.items() if state.is_new(key, outcome)]
        others = frozenset(before for key in unique if not (before := state.spans[key]).done()) - {outcome}
        state.forget()
        points: dict[str, PointBuilder] = defaultdict(PointBuilder)
        span_metrics.tally(spans, state.operations).write(self.registry, Source.SPAN, "span.kind", points)
        state.graph.join(spans).write(self.registry, Source.CALL, "caller", points)
        by_service: dict[str, list[Span]] = {service: [] for service in points}
        for span in spans:
            by_service.setdefault(span.service, []).append(span)
        made = tuple(chunks.spans(service, points[service], records) for service, records in by_service.items()
                     if records or points[service])
        return replace(self._decoded(made, len(sent), rejections), others=others)

    def logs(self, stream: str, body: bytes, arrived_at: int) -> Decoded:
        """An ExportLogsServiceRequest. Raises DecodeError when it is none."""
        rejections = Rejections()
        miner = self._stream(stream).miner
        lines = miner.assign(otlp_logs.read(body, self._redact, rejections, arrived_at=arrived_at))
        points = miner.count(lines, self.registry)
        by_service = defaultdict(list)
        for line in lines:
            by_service[line.service].append(line)
        made = tuple(chunks.lines(service, points.get(service, PointBuilder()), records)
                     for service, records in by_service.items())
        return self._decoded(made, len(lines), rejections, patterns=tuple(miner.fresh()))

    def _decoded(self, made: Sequence[Chunk], items: int, rejections: Rejections, *,
                 patterns: tuple[Pattern, ...] = ()) -> Decoded:
        fresh = self.registry.fresh({identifier for chunk in made for identifier in chunk.series})
        return Decoded(tuple(made), tuple(fresh.items()), patterns, items, len(rejections), rejections.message)

    def stored(self, stream: str, decoded: Decoded) -> None:
        """Definitions that `decoded` brought are durable: they need not be stored again."""
        self.registry.stored(identifier for identifier, _ in decoded.series)
        if decoded.patterns:
            self._stream(stream).miner.stored(decoded.patterns)
