"""A request split by service: what Tail reads as columns, what GetEvidence alone reads as raw records.

All are zstd. Columns are a TailResponse without its position. Raw records are log lines as columns of JSON, with the
texts that repeat kept once, or spans as span_columns.py has them, and then there are details beside them.
"""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
import orjson

from afteraction.v1 import event_pb2, series_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion import span_columns
from services.ingestion.columns import PointBuilder, Times, encode_histograms, encode_points
from services.ingestion.packing import expanded, packed
from services.ingestion.records import Line, Span
from services.ingestion.series import Series
from services.ingestion.span_columns import Texts


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
    details: bytes | None = None
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
    if not records:
        return _chunk(service, Signal.SPANS, points, None, ended, began)
    return _chunk(service, Signal.SPANS, points, span_columns.encode(span_columns.columns(records)), ended, began,
                  span_columns.encode_details(records))


def lines(service: str, points: PointBuilder, records: Sequence[Line]) -> Chunk:
    """The chunk of a service's log lines, with the points that were derived from them."""
    times = np.array([line.occurred_at for line in records], np.int64)
    return _chunk(service, Signal.LOGS, points, encode_lines(records), times)


def events(service: str, found: Sequence[event_pb2.Event]) -> Chunk:
    """The chunk of a service's events."""
    times = np.array([event.occurred_at.ToNanoseconds() for event in found], np.int64)
    return Chunk(service, Signal.EVENTS, int(times.min()), int(times.max()),
                 packed_columns(pb.TailResponse(events=found)), times=times)


def _chunk(service: str, signal: Signal, points: PointBuilder, raw: bytes | None, times: Times,
           began: int = 0, details: bytes | None = None) -> Chunk:
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
    return Chunk(service, signal, min(began or first, first), last, packed_columns(response) if points else None, raw,
                 details, frozenset(known), times)


def packed_columns(response: pb.TailResponse) -> bytes:
    return packed(response.SerializeToString())


def unpacked(columns: bytes | None) -> pb.TailResponse:
    """What was stored for Tail, with neither position nor stream."""
    return pb.TailResponse.FromString(expanded(columns)) if columns else pb.TailResponse()


def definition(identifier: int, series: Series) -> series_pb2.Series:
    """The message for a series."""
    return series_pb2.Series(id=identifier, service=series.service, metric_name=series.metric_name, unit=series.unit,
                             type=int(series.type), source=int(series.source),  # type: ignore[arg-type]
                             attributes=series.attributes)


def encode_lines(records: Iterable[Line]) -> bytes:
    texts = Texts()
    rows = [(line.occurred_at, texts.place(line.severity), line.body, line.trace_id.hex(), line.span_id.hex(),
             texts.place(line.pattern)) for line in records]
    return packed(orjson.dumps({"texts": list(texts.places), "rows": list(zip(*rows, strict=True))}))


def decode_lines(service: str, raw: bytes, patterns: Container[str] | None = None) -> list[Line]:
    """patterns: whose lines are wanted; None: all."""
    found = orjson.loads(expanded(raw))
    texts = found["texts"]
    wanted = {place for place, text in enumerate(texts) if patterns is None or text in patterns}
    return [Line(service, at, texts[severity], body, bytes.fromhex(trace), bytes.fromhex(span), texts[pattern])
            for at, severity, body, trace, span, pattern in zip(*found["rows"], strict=True) if pattern in wanted]
