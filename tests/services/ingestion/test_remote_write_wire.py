"""Remote write 2.0 byte by byte: requests put together by the numbers of the published proto, not by our own.

io.prometheus.write.v2.Request: symbols 4, timeseries 5. TimeSeries: labels_refs 1 (packed), samples 2, histograms 3,
exemplars 4, metadata 5, created_timestamp 6. Sample: value 1, timestamp 2. Metadata: type 1, help_ref 3, unit_ref 4.
Histogram: count_int 1, sum 3, schema 4, zero_threshold 5, zero_count_int 6, positive_spans 11, positive_deltas 12,
timestamp 15. BucketSpan: offset 1, length 2. Signed numbers of spans and deltas are zigzag.
"""

import struct
from collections.abc import Iterable

import cramjam

from afteraction.v1.series_pb2 import SeriesType
from services.ingestion.columns import decode_histograms
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.prometheus_requests import T0_MS, V2
from tests.services.ingestion.senders import SECOND, T0

WRITTEN = "x-prometheus-remote-write-samples-written"


def varint(value: int) -> bytes:
    found = bytearray()
    value &= 2**64 - 1
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))


def zigzag(value: int) -> bytes:
    return varint(value << 1 ^ value >> 63)


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def signed(field: int, value: int) -> bytes:
    return varint(field << 3) + zigzag(value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def inner(field: int, content: bytes | str) -> bytes:
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def packed(field: int, values: Iterable[bytes]) -> bytes:
    return inner(field, b"".join(values))


def request(*series: bytes) -> bytes:
    symbols = ("", "__name__", "orders", "job", "shop", "seconds", "how many", "trace_id", "4bf9")
    return bytes(cramjam.snappy.compress_raw(b"".join([*(inner(4, symbol) for symbol in symbols),
                                                       *(inner(5, one) for one in series)])))


LABELS = packed(1, map(varint, (1, 2, 3, 4)))


async def test_samples_with_metadata_exemplars_and_a_start(running: Running) -> None:
    body = request(LABELS + inner(2, double(1, 7.0) + number(2, T0_MS))
                   + inner(2, double(1, 9.0) + number(2, T0_MS + 1000))
                   + inner(4, packed(1, map(varint, (7, 8))) + double(2, 1.0) + number(3, T0_MS))
                   + inner(5, number(1, 1) + number(3, 6) + number(4, 5)) + number(6, T0_MS - 5000))

    answer = await running.http.post("/api/v1/write", content=body, headers=V2)

    assert (answer.status_code, answer.headers[WRITTEN]) == (204, "2")
    assert answer.headers["x-prometheus-remote-write-exemplars-written"] == "1"
    assert await running.points() == {"orders": [(T0, 7.0), (T0 + SECOND, 9.0)]}
    series, = await running.series()
    assert (series.service, series.type, series.unit) == ("shop", SeriesType.SERIES_TYPE_CUMULATIVE, "s")


async def test_a_native_histogram(running: Running) -> None:
    histogram = (number(1, 6) + double(3, 12.5) + signed(4, 0) + double(5, 0.001) + number(6, 1)
                 + inner(11, signed(1, -1) + number(2, 2)) + inner(11, signed(1, 1) + number(2, 1))
                 + packed(12, map(zigzag, (1, 1, 0))) + number(15, T0_MS))
    body = request(LABELS + inner(3, histogram) + inner(5, number(1, 3)))

    answer = await running.http.post("/api/v1/write", content=body, headers=V2)

    assert (answer.status_code, answer.headers["x-prometheus-remote-write-histograms-written"]) == (204, "1")
    point, = (point for row in await running.rows() for point in decode_histograms(row.histograms))
    assert (point.time, point.total, point.sum) == (T0, 6, 12.5)
    # Buckets of schema 0 end at powers of two: 1 in (1/4, 1/2], 2 in (1/2, 1], none in (1, 2], 2 in (2, 4].
    counted = dict(zip(point.bounds, point.counts, strict=True))
    assert {bound: count for bound, count in counted.items() if count} == {0.001: 1, 0.5: 1, 1.0: 2, 4.0: 2}
