"""A request split by service: what Tail reads as columns, what GetEvidence alone reads as raw records.

Both are zstd. Columns are a TailResponse without its position; raw records are columns of JSON, with the texts that
repeat (operations, patterns) kept once.
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any
from zlib import crc32

import numpy as np
import orjson
import zstandard

from afteraction.v1 import event_pb2, series_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion.columns import PointBuilder, Times, encode_histograms, encode_points
from services.ingestion.records import Line, Span
from services.ingestion.series import Series

_LEVEL = 1


class _Zstd(threading.local):
    """A compressor and a decompressor of each thread: to make them costs more than to use them on a small chunk."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTD = _Zstd()
_MOST_DECOMPRESSED = 512 * 1024 * 1024


class Signal(IntEnum):
    """What a chunk holds."""

    METRICS = 1
    SPANS = 2
    LOGS = 3
    EVENTS = 4
    MARK = 5


@dataclass(frozen=True, slots=True)
class Chunk:
    """One service's part of one request.

    first_at, last_at: Unix nanoseconds of its earliest and latest record. times: of everything in it that was sent; not
    stored, the watermark looks at them.
    """

    service: str
    signal: Signal
    first_at: int
    last_at: int
    columns: bytes | None = None
    raw: bytes | None = None
    series: frozenset[int] = field(default_factory=frozenset)
    times: Times = field(default_factory=lambda: np.empty(0, np.int64), compare=False)


def metrics(service: str, points: PointBuilder) -> Chunk:
    """The chunk of a service's points."""
    at = points.arrays()[1]
    if points.histograms:
        at = np.concatenate([at, np.array([point.time for point in points.histograms], np.int64)])
    return _chunk(service, Signal.METRICS, points, None, at)


def spans(service: str, points: PointBuilder, records: Sequence[Span]) -> Chunk:
    """The chunk of a service's spans, with the points that were derived from them."""
    ended = np.array([span.ended_at for span in records], np.int64)
    began = min((span.started_at for span in records), default=0)
    return _chunk(service, Signal.SPANS, points, encode_spans(records) if records else None, ended, began)


def lines(service: str, points: PointBuilder, records: Sequence[Line]) -> Chunk:
    """The chunk of a service's log lines, with the points that were derived from them."""
    times = np.array([line.occurred_at for line in records], np.int64)
    return _chunk(service, Signal.LOGS, points, encode_lines(records), times)


def events(service: str, found: Sequence[event_pb2.Event]) -> Chunk:
    """The chunk of a service's events."""
    times = np.array([event.occurred_at.ToNanoseconds() for event in found], np.int64)
    return Chunk(service, Signal.EVENTS, int(times.min()), int(times.max()), _packed(pb.TailResponse(events=found)),
                 times=times)


def _chunk(service: str, signal: Signal, points: PointBuilder, raw: bytes | None, times: Times,
           began: int = 0) -> Chunk:
    """began: where records last, the beginning of the earliest."""
    ids, at, starts, values = points.arrays()
    response = pb.TailResponse()
    known = set(ids.tolist())
    bounds = [times] if len(times) else []
    if len(ids):
        response.points.CopyFrom(encode_points(ids, at, starts, values))
        bounds.append(at)
    if points.histograms:
        response.histograms.CopyFrom(encode_histograms(points.histograms))
        bounds.append(np.array([point.time for point in points.histograms], np.int64))
        known |= {point.series_id for point in points.histograms}
    first, last = min(int(each.min()) for each in bounds), max(int(each.max()) for each in bounds)
    return Chunk(service, signal, min(began or first, first), last, _packed(response) if points else None, raw,
                 frozenset(known), times)


def _packed(response: pb.TailResponse) -> bytes:
    return _ZSTD.compressor.compress(response.SerializeToString())


def unpacked(columns: bytes | None) -> pb.TailResponse:
    """What was stored for Tail, with neither position nor stream."""
    return pb.TailResponse.FromString(_expanded(columns)) if columns else pb.TailResponse()


def definition(identifier: int, series: Series) -> series_pb2.Series:
    """The message for a series."""
    return series_pb2.Series(id=identifier, service=series.service, metric_name=series.metric_name, unit=series.unit,
                             type=int(series.type), source=int(series.source),  # type: ignore[arg-type]
                             attributes=series.attributes)


class _Texts:
    """Texts that repeat, kept once: their place stands in the columns."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))


def encode_spans(records: Iterable[Span]) -> bytes:
    texts = _Texts()
    rows = [(span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), texts.place(span.operation),
             texts.place(span.kind), span.started_at, span.ended_at, span.is_error, texts.place(span.status_message),
             span.attributes) for span in records]
    return _packed_json({"texts": list(texts.places), "rows": list(zip(*rows, strict=True))})


def decode_spans(service: str, raw: bytes) -> list[Span]:
    return _spans(service, orjson.loads(_expanded(raw)), 1.0)


def sampled(chunks: Iterable[tuple[str, bytes]], most: int) -> Iterator[Span]:
    """The spans of chunks of some services; of more than `most` about so many, by whole traces."""
    found = [(service, orjson.loads(_expanded(raw))) for service, raw in chunks]
    count = sum(len(each["rows"][0]) for _, each in found if each["rows"])
    for service, each in found:
        yield from _spans(service, each, most / max(count, most))


def _spans(service: str, found: Any, share: float) -> list[Span]:
    """share: of all traces; which ones, their ids decide, so that every service keeps the same."""
    texts, limit = found["texts"], int(share * 2**32)
    return [Span(service, bytes.fromhex(trace), bytes.fromhex(span), bytes.fromhex(parent), texts[operation],
                 texts[kind], start, end, is_error, texts[message], attributes)
            for trace, span, parent, operation, kind, start, end, is_error, message, attributes
            in zip(*found["rows"], strict=True) if share == 1.0 or crc32(trace.encode()) < limit]


def encode_lines(records: Iterable[Line]) -> bytes:
    texts = _Texts()
    rows = [(line.occurred_at, texts.place(line.severity), line.body, line.trace_id.hex(), line.span_id.hex(),
             texts.place(line.pattern)) for line in records]
    return _packed_json({"texts": list(texts.places), "rows": list(zip(*rows, strict=True))})


def decode_lines(service: str, raw: bytes) -> list[Line]:
    found = orjson.loads(_expanded(raw))
    texts = found["texts"]
    return [Line(service, at, texts[severity], body, bytes.fromhex(trace), bytes.fromhex(span), texts[pattern])
            for at, severity, body, trace, span, pattern in zip(*found["rows"], strict=True)]


def _packed_json(found: Any) -> bytes:
    return _ZSTD.compressor.compress(orjson.dumps(found))


def _expanded(packed: bytes) -> bytes:
    return _ZSTD.decompressor.decompress(packed, max_output_size=_MOST_DECOMPRESSED)
