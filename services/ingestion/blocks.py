"""Many chunks of one service and signal as one block: what a window scans, without what it only shows.

A request is split by service into chunks, often a few hundred bytes each, and a window of some hours would unpack tens
of thousands of them. Blocks are made behind the log; the log itself, which Tail follows, stays as it was committed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise

import numpy as np

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1 import series_pb2
from services.ingestion import span_columns
from services.ingestion.chunks import Signal, packed_columns, unpacked

# Chunks of one hour of event time make one block, so that a window reads little that lies outside it.
_HOUR = 3_600_000_000_000
MERGED = (Signal.METRICS, Signal.SPANS, Signal.LOGS)


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk to be merged. raw: of spans."""

    position: int
    arrived_at: datetime
    first_at: int
    last_at: int
    columns: bytes | None
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class Block:
    """positions: of its chunks; lengths: how many spans, or else points, each of them brought."""

    arrived_at: datetime
    first_at: int
    last_at: int
    columns: bytes | None
    raw: bytes | None
    positions: tuple[int, ...]
    lengths: tuple[int, ...]

    @property
    def position(self) -> int:
        return self.positions[-1]


def merged(signal: Signal, parts: Sequence[Part]) -> list[Block]:
    """The blocks of some chunks of one service and signal, which are in order of position."""
    by_hour: dict[int, list[Part]] = {}
    for part in parts:
        by_hour.setdefault(part.last_at // _HOUR, []).append(part)
    return [_block(signal, found) for found in by_hour.values()]


def _block(signal: Signal, parts: Sequence[Part]) -> Block:
    responses = [unpacked(part.columns) for part in parts]
    raw = None
    lengths = tuple(len(response.points.series_ids) // 8 for response in responses)
    if signal is Signal.SPANS:
        # A request may have brought nothing but points: of calls whose callee had been sent before.
        found, counts = span_columns.joined([part.raw for part in parts if part.raw])
        known = iter(counts)
        lengths = tuple(next(known) if part.raw else 0 for part in parts)
        raw = span_columns.encode(found) if counts else None
    together = pb.TailResponse()
    if any(response.points.series_ids for response in responses):
        together.points.CopyFrom(joined_points([response.points for response in responses]))
    if any(response.histograms.series_ids for response in responses):
        together.histograms.CopyFrom(joined_histograms([response.histograms for response in responses]))
    has_columns = together.HasField("points") or together.HasField("histograms")
    return Block(max(part.arrived_at for part in parts), min(part.first_at for part in parts),
                 max(part.last_at for part in parts), packed_columns(together) if has_columns else None, raw,
                 tuple(part.position for part in parts), lengths)


def joined_points(parts: Sequence[series_pb2.PointColumns]) -> series_pb2.PointColumns:
    """The points of all of them, in order. Columns are bytes of fixed width: nothing is decoded."""
    return series_pb2.PointColumns(
        series_ids=b"".join([part.series_ids for part in parts]), times=b"".join([part.times for part in parts]),
        start_times=b"".join([part.start_times for part in parts]), values=b"".join([part.values for part in parts]))


def joined_histograms(parts: Iterable[series_pb2.HistogramColumns]) -> series_pb2.HistogramColumns:
    """The same of histograms, whose buckets are found by offsets."""
    parts = [part for part in parts if part.series_ids]
    if not parts:
        return series_pb2.HistogramColumns()
    offsets = [np.frombuffer(part.bucket_offsets, "<u4") for part in parts]
    behind = list(accumulate((int(each[-1]) for each in offsets), initial=0))
    moved = [offsets[0][:1], *(each[1:] + before for each, (before, _) in zip(offsets, pairwise(behind), strict=True))]
    return series_pb2.HistogramColumns(
        series_ids=b"".join([part.series_ids for part in parts]), times=b"".join([part.times for part in parts]),
        start_times=b"".join([part.start_times for part in parts]), counts=b"".join([part.counts for part in parts]),
        sums=b"".join([part.sums for part in parts]),
        bucket_offsets=np.concatenate(moved).astype("<u4").tobytes(),
        bucket_bounds=b"".join([part.bucket_bounds for part in parts]),
        bucket_counts=b"".join([part.bucket_counts for part in parts]))
