"""Spans as columns: what operations, calls and the shape of traces are made of, one array a field.

What only a span that is shown needs, attributes and the status message, stands beside them as details. Stored are the
texts that repeat (operations and kinds), kept once, and then column after column, little-endian.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from services.ingestion.packing import expanded, packed
from services.ingestion.records import Span

# Ids as the numbers that their bytes are, in network order; parent: 0 where there is none.
LAYOUT = np.dtype([("trace_high", "<u8"), ("trace_low", "<u8"), ("span", "<u8"), ("parent", "<u8"),
                   ("started", "<i8"), ("ended", "<i8"), ("operation", "<u4"), ("kind", "<u4"), ("is_error", "?")])
_COLUMNS = tuple((name, LAYOUT.fields[name][0]) for name in LAYOUT.names or () if LAYOUT.fields)
_NO_PARENT = bytes(8)
_PREFIX = 4

Rows = NDArray[Any]


@dataclass(frozen=True, slots=True)
class SpanColumns:
    """rows: of LAYOUT; operation and kind are places in `texts`."""

    texts: tuple[str, ...]
    rows: Rows


@dataclass(slots=True)
class Texts:
    """Texts that repeat, kept once: their place stands in the columns."""

    places: dict[str, int] = field(default_factory=dict)

    def place(self, text: str) -> int:
        return self.places.setdefault(text, len(self.places))


def columns(spans: Sequence[Span]) -> SpanColumns:
    """The columns of some spans, in their order."""
    texts, rows = Texts(), np.empty(len(spans), LAYOUT)
    ids = np.frombuffer(b"".join([span.trace_id + span.span_id + (
        span.parent_span_id if len(span.parent_span_id) == 8 else _NO_PARENT) for span in spans]), ">u8").reshape(-1, 4)
    for place, name in enumerate(("trace_high", "trace_low", "span", "parent")):
        rows[name] = ids[:, place]
    rows["started"] = [span.started_at for span in spans]
    rows["ended"] = [span.ended_at for span in spans]
    rows["operation"] = [texts.place(span.operation) for span in spans]
    rows["kind"] = [texts.place(span.kind) for span in spans]
    rows["is_error"] = [span.is_error for span in spans]
    return SpanColumns(tuple(texts.places), rows)


def encode(found: SpanColumns) -> bytes:
    texts = orjson.dumps(found.texts)
    return packed(b"".join((len(texts).to_bytes(_PREFIX, "little"), texts,
                            *(found.rows[name].tobytes() for name, _ in _COLUMNS))))


def decode(raw: bytes) -> SpanColumns:
    return joined([raw])[0]


def joined(raws: Sequence[bytes]) -> tuple[SpanColumns, list[int]]:
    """What was encoded in several parts as one, in order; and how many spans each of them has.

    Each column is put together as bytes first: there may be tens of thousands of small parts.
    """
    texts, said, counts, behind = Texts(), list[int](), list[int](), list[int]()
    pieces: tuple[list[bytes], ...] = tuple([] for _ in _COLUMNS)
    for raw in raws:
        body = expanded(raw)
        at = _PREFIX + int.from_bytes(body[:_PREFIX], "little")
        behind.append(len(said))
        said += map(texts.place, orjson.loads(body[_PREFIX:at]))
        count = (len(body) - at) // LAYOUT.itemsize
        counts.append(count)
        for into, (_, kind) in zip(pieces, _COLUMNS, strict=True):
            end = at + count * kind.itemsize
            into.append(body[at:end])
            at = end
    rows = np.empty(sum(counts), LAYOUT)
    for found, (name, kind) in zip(pieces, _COLUMNS, strict=True):
        rows[name] = np.frombuffer(b"".join(found), kind)
    if said:
        places, moved = np.array(said, "<u4"), np.repeat(np.array(behind, "<u4"), counts)
        rows["operation"], rows["kind"] = places[rows["operation"] + moved], places[rows["kind"] + moved]
    return SpanColumns(tuple(texts.places), rows), counts


def spans(service: str, found: SpanColumns) -> list[Span]:
    """The spans without their details."""
    rows = found.rows
    ids = np.stack([rows[name] for name in ("trace_high", "trace_low", "span", "parent")], axis=1).astype(">u8")
    whole = ids.tobytes()
    return [Span(service, whole[at:at + 16], whole[at + 16:at + 24], _parent(whole[at + 24:at + 32]),
                 found.texts[operation], found.texts[kind], started, ended, is_error)
            for at, started, ended, operation, kind, is_error in zip(
                range(0, len(whole), 32), rows["started"].tolist(), rows["ended"].tolist(), rows["operation"].tolist(),
                rows["kind"].tolist(), rows["is_error"].tolist(), strict=True)]


def _parent(found: bytes) -> bytes:
    return b"" if found == _NO_PARENT else found


def encode_details(found: Sequence[Span]) -> bytes:
    """Status message and attributes of each, in order."""
    return packed(orjson.dumps([[span.status_message, span.attributes] for span in found]))


def decode_details(raw: bytes) -> list[tuple[str, dict[str, str]]]:
    return [(message, attributes) for message, attributes in orjson.loads(expanded(raw))]
