"""Points in columns, as afteraction.v1's PointColumns and HistogramColumns say: little-endian, one column a field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from afteraction.v1 import series_pb2 as pb

Ids = NDArray[np.uint64]
Times = NDArray[np.int64]
Floats = NDArray[np.float64]


class Histogram(NamedTuple):
    """One point of a histogram.

    total: how many there are in all buckets; bounds: upper bounds, the last one +inf; counts: of each bucket alone.
    """

    series_id: int
    time: int
    start_time: int
    total: int
    sum: float
    bounds: Sequence[float]
    counts: Sequence[int]


@dataclass(slots=True)
class PointBuilder:
    """Collects points of one service; arrays in bulk, single ones one by one."""

    parts: list[tuple[Ids, Times, Times, Floats]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    histograms: list[Histogram] = field(default_factory=list)

    def add(self, series_id: int, time: int, start: int, value: float) -> None:
        self.ids.append(series_id)
        self.times.append(time)
        self.starts.append(start)
        self.values.append(value)

    def arrays(self) -> tuple[Ids, Times, Times, Floats]:
        """Every scalar point: ids, times, start times, values."""
        single = (np.array(self.ids, "<u8"), np.array(self.times, "<i8"), np.array(self.starts, "<i8"),
                  np.array(self.values, "<f8"))
        if not self.parts:
            return single
        parts = [*self.parts, single] if self.ids else self.parts
        if len(parts) == 1:
            return parts[0]
        return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]

    def __bool__(self) -> bool:
        return bool(self.parts or self.ids or self.histograms)


def encode_points(ids: Ids, times: Times, starts: Times, values: Floats) -> pb.PointColumns:
    return pb.PointColumns(series_ids=ids.astype("<u8", copy=False).tobytes(),
                           times=times.astype("<i8", copy=False).tobytes(),
                           start_times=starts.astype("<i8", copy=False).tobytes(),
                           values=values.astype("<f8", copy=False).tobytes())


def decode_points(columns: pb.PointColumns) -> tuple[Ids, Times, Times, Floats]:
    return (np.frombuffer(columns.series_ids, "<u8"), np.frombuffer(columns.times, "<i8"),
            np.frombuffer(columns.start_times, "<i8"), np.frombuffer(columns.values, "<f8"))


def encode_histograms(points: Sequence[Histogram]) -> pb.HistogramColumns:
    offsets = np.zeros(len(points) + 1, "<u4")
    np.cumsum([len(point.bounds) for point in points], out=offsets[1:])
    return pb.HistogramColumns(
        series_ids=np.array([point.series_id for point in points], "<u8").tobytes(),
        times=np.array([point.time for point in points], "<i8").tobytes(),
        start_times=np.array([point.start_time for point in points], "<i8").tobytes(),
        counts=np.array([point.total for point in points], "<u8").tobytes(),
        sums=np.array([point.sum for point in points], "<f8").tobytes(),
        bucket_offsets=offsets.tobytes(),
        bucket_bounds=np.array([bound for point in points for bound in point.bounds], "<f8").tobytes(),
        bucket_counts=np.array([count for point in points for count in point.counts], "<u8").tobytes())


def decode_histograms(columns: pb.HistogramColumns) -> Iterator[Histogram]:
    offsets = np.frombuffer(columns.bucket_offsets, "<u4").tolist()
    bounds = np.frombuffer(columns.bucket_bounds, "<f8")
    counts = np.frombuffer(columns.bucket_counts, "<u8")
    rows = zip(np.frombuffer(columns.series_ids, "<u8").tolist(), np.frombuffer(columns.times, "<i8").tolist(),
               np.frombuffer(columns.start_times, "<i8").tolist(), np.frombuffer(columns.counts, "<u8").tolist(),
               np.frombuffer(columns.sums, "<f8").tolist(), strict=True)
    for index, (identifier, time, start, count, total) in enumerate(rows):
        begin, end = offsets[index], offsets[index + 1]
        yield Histogram(identifier, time, start, count, total, bounds[begin:end].tolist(), counts[begin:end].tolist())
