"""Prometheus remote write over HTTP, 1.0 and 2.0."""

import math
import struct

import cramjam
import pytest

from afteraction.v1.series_pb2 import SeriesType
from afteraction.wire.v1 import remote_write_pb2 as wire
from services.ingestion.columns import decode_histograms
from services.ingestion.settings import Settings
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.prometheus_requests import V1, V2, native, refer, snappy, write_1, write_2
from tests.services.ingestion.senders import SECOND, T0

PATH = "/api/v1/write"
REQUESTS = {"__name__": "http_requests_total", "job": "shop/checkout", "code": "500", "http_route": "/cart"}
STALE, = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))
WRITTEN = "x-prometheus-remote-write-samples-written"


@pytest.mark.parametrize(("headers", "body"), [
    (V1, snappy(write_1([(REQUESTS, [(0, 1.0), (15, 4.0)])]))),
    (V1 | {"content-type": "application/x-protobuf;proto=prometheus.WriteRequest"},
     snappy(write_1([(REQUESTS, [(0, 1.0), (15, 4.0)])]))),
    ({}, snappy(write_1([(REQUESTS, [(0, 1.0), (15, 4.0)])]))),
    (V2, snappy(write_2([(REQUESTS, [(0, 1.0), (15, 4.0)])], type_=wire.METRIC_TYPE_COUNTER)))])
async def test_both_versions_are_taken(running: Running, headers: dict[str, str], body: bytes) -> None:
    answer = await running.http.post(PATH, content=body, headers=headers)

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers[WRITTEN] == "2"
    assert answer.headers["x-prometheus-remote-write-histograms-written"] == "0"
    assert answer.headers["x-prometheus-remote-write-exemplars-written"] == "0"
    assert await running.points() == {"http_requests_total": [(T0, 1.0), (T0 + 15 * SECOND, 4.0)]}
    series, = await running.series()
    assert (series.service, series.type) == ("checkout", SeriesType.SERIES_TYPE_CUMULATIVE)
    assert dict(series.attributes) == {"code": "500", "http.route": "/cart"}
    assert (await running.door("remote-write")).accepted_items == 2


async def test_both_versions_give_the_same_series(running: Running) -> None:
    bucket = {"__name__": "http_request_duration_seconds_bucket", "app": "checkout", "le": "0.5"}
    await running.http.post(PATH, content=snappy(write_1([(bucket, [(0, 1.0)])])), headers=V1)
    await running.http.post(PATH, headers=V2, content=snappy(
        write_2([(bucket, [(15, 2.0)])], type_=wire.METRIC_TYPE_HISTOGRAM, unit="seconds")))

    series, = await running.series()
    assert (series.unit, series.type) == ("s", SeriesType.SERIES_TYPE_CUMULATIVE)


async def test_metadata_of_1_0_says_what_a_name_does_not(running: Running) -> None:
    told = wire.WriteRequest(metadata=[wire.FamilyMetadata(type=wire.METRIC_TYPE_GAUGE,
                                                           metric_family_name="system_cpu_count"),
                                       wire.FamilyMetadata(type=wire.METRIC_TYPE_COUNTER,
                                                           metric_family_name="node_intr")])
    assert (await running.http.post(PATH, content=snappy(told), headers=V1)).status_code == 204
    await running.http.post(PATH, headers=V1, content=snappy(write_1([
        ({"__name__": name, "job": "a"}, [(0, 2.0)]) for name in ("system_cpu_count", "node_intr")])))

    assert {series.metric_name: series.type for series in await running.series()} == {
        "system_cpu_count": SeriesType.SERIES_TYPE_GAUGE, "node_intr": SeriesType.SERIES_TYPE_CUMULATIVE}


async def test_the_start_of_counting_is_kept(running: Running) -> None:
    request = write_2([(REQUESTS, [(30, 4.0)])], type_=wire.METRIC_TYPE_COUNTER, start_s=10)
    await running.http.post(PATH, content=snappy(request), headers=V2)
    older = write_2([(REQUESTS, [(60, 5.0)])], type_=wire.METRIC_TYPE_COUNTER)
    older.timeseries[0].created_timestamp = (T0 + 10 * SECOND) * 1000 // SECOND
    await running.http.post(PATH, content=snappy(older), headers=V2)

    starts = [struct.unpack("<q", row.points.start_times)[0] for row in await running.rows() if row.points.start_times]
    assert starts == [T0 + 10 * SECOND] * 2


async def test_the_end_of_a_series_and_values_that_cannot_be_compared_are_taken_and_leave_nothing(
        running: Running) -> None:
    values = [(0, 1.0), (15, math.nan), (30, math.inf), (45, -math.inf), (60, STALE)]

    answer = await running.http.post(PATH, content=snappy(write_1([(REQUESTS, values)])), headers=V1)

    assert (answer.status_code, answer.headers[WRITTEN]) == (204, "5")
    assert await running.points() == {"http_requests_total": [(T0, 1.0)]}


async def test_a_native_histogram_becomes_a_histogram(running: Running) -> None:
    request = write_2([({"__name__": "http_request_duration_seconds", "job": "checkout"}, [])],
                      type_=wire.METRIC_TYPE_HISTOGRAM)
    request.timeseries[0].histograms.append(native(zero=1, spans=[(0, 2), (1, 1)], deltas=[2, 1, -2], total=9.5))

    answer = await running.http.post(PATH, content=snappy(request), headers=V2)

    assert answer.headers["x-prometheus-remote-write-histograms-written"] == "1"
    series, = await running.series()
    assert (series.type, series.unit) == (SeriesType.SERIES_TYPE_CUMULATIVE_HISTOGRAM, "s")
    histogram, = (each for row in await running.rows() for each in decode_histograms(row.histograms))
    assert (histogram.total, histogram.sum) == (7, 9.5)
    assert histogram.bounds == [1e-128, 0.5, 1.0, 2.0, 4.0, 8.0, math.inf]
    assert histogram.counts == [1, 0, 2, 3, 0, 1, 0]


async def test_exemplars_are_counted(running: Running) -> None:
    request = write_2([(REQUESTS, [(0, 1.0)])])
    request.timeseries[0].exemplars.add(value=1.0, timestamp=1)

    answer = await running.http.post(PATH, content=snappy(request), headers=V2)

    assert answer.headers["x-prometheus-remote-write-exemplars-written"] == "1"


async def test_what_is_wrong_is_told_and_the_rest_is_stored(running: Running) -> None:
    request = write_1([(REQUESTS, [(0, 1.0), (-2_000_000_000, 2.0)]), ({"job": "checkout"}, [(0, 1.0)])])
    twice = request.timeseries.add()
    twice.labels.extend([wire.Label(name="a", value="b").SerializeToString()] * 2)
    twice.samples.add(timestamp=1, value=1)
    cut = request.timeseries.add(labels=[b"\x0a\x05\xff"])
    cut.samples.add(timestamp=1, value=1)

    answer = await running.http.post(PATH, content=snappy(request), headers=V1)

    assert (answer.status_code, answer.headers[WRITTEN]) == (400, "1")
    for reason in ("4 samples were not taken", "timestamp is missing", "has no __name__", "a label twice", "not UTF-8"):
        assert reason in answer.text
    assert await running.points() == {"http_requests_total": [(T0, 1.0)]}
    assert (await running.door("remote-write")).rejected_items == 4


def bad_reference() -> bytes:
    request = write_2([(REQUESTS, [(0, 1.0)])])
    request.timeseries[0].labels_refs[1] = 99
    return snappy(request)


def odd_references() -> bytes:
    request = write_2([(REQUESTS, [(0, 1.0)])])
    request.timeseries[0].labels_refs.append(0)
    return snappy(request)


def full_first_symbol() -> bytes:
    request = write_2([(REQUESTS, [(0, 1.0)])])
    request.symbols[0] = "x"
    return snappy(request)


@pytest.mark.parametrize(("body", "headers", "code", "says"), [
    (b"\xff\xff\xff\xff", V1, 400, "snappy"),
    (snappy(write_1([(REQUESTS, [(0, 1.0)])]))[:-4], V1, 400, "snappy"),
    (b"", V1, 400, "snappy"),
    (bytes(cramjam.snappy.compress(b"the framed format")), V1, 400, "snappy"),
    (bytes(cramjam.snappy.compress_raw(b"\xff\xff\xff")), V1, 400, "no prometheus.WriteRequest"),
    (bytes(cramjam.snappy.compress_raw(b"\xff\xff\xff")), V2, 400, "no io.prometheus.write.v2.Request"),
    (bad_reference(), V2, 400, "beyond the 9 symbols"),
    (odd_references(), V2, 400, "odd number"),
    (full_first_symbol(), V2, 400, "symbols[0]"),
    (b"\xff\xff\xff\xff\x0f", V1, 413, "after decompression"),
    (b"{}", V1 | {"content-type": "application/json"}, 415, "application/json"),
    (b"", V1 | {"content-type": "application/x-protobuf;proto=io.prometheus.write.v3.Request"}, 415, "v3"),
    (b"", V1 | {"content-encoding": "zstd"}, 415, "zstd")])
async def test_a_senders_mistake_is_a_4xx_that_names_it(running: Running, body: bytes, headers: dict[str, str],
                                                        code: int, says: str) -> None:
    answer = await running.http.post(PATH, content=body, headers=headers)

    assert answer.status_code == code
    assert says in answer.text
    assert answer.headers[WRITTEN] == "0"


async def test_a_reader_of_1_0_finds_nothing_in_2_0(running: Running) -> None:
    answer = await running.http.post(PATH, content=snappy(write_2([(REQUESTS, [(0, 1.0)])])), headers=V1)

    assert (answer.status_code, answer.headers[WRITTEN]) == (204, "0")


async def test_the_same_request_again_is_stored_once(running: Running) -> None:
    body = snappy(write_2([(REQUESTS, [(0, 1.0)])]))
    for _ in range(2):
        assert (await running.http.post(PATH, content=body, headers=V2)).headers[WRITTEN] == "1"

    assert await running.points() == {"http_requests_total": [(T0, 1.0)]}


class TestLimits:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(series_per_service=100)

    async def test_label_sets_without_end_meet_a_limit_that_is_told(self, running: Running) -> None:
        series = [({"__name__": "hits_total", "job": "shop", "user": str(number)}, [(0, 1.0)])
                  for number in range(5_000)]

        answer = await running.http.post(PATH, content=snappy(write_1(series)), headers=V1)

        assert (answer.status_code, answer.headers[WRITTEN]) == (400, "100")
        assert "4900: service 'shop' has as many series as it may" in answer.text
        other = write_1([({"__name__": "hits_total", "job": "other"}, [(0, 1.0)])])
        assert (await running.http.post(PATH, content=snappy(other), headers=V1)).status_code == 204


class TestOwnLabels:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(service_labels=("team_service", "job"))

    async def test_which_labels_name_the_service_can_be_set(self, running: Running) -> None:
        labels = {"__name__": "up", "job": "podMonitor/shop/api/0"}
        await running.http.post(PATH, headers=V1, content=snappy(
            write_1([(labels, [(0, 1.0)]), (labels | {"team_service": "cart"}, [(0, 1.0)])])))

        assert {series.service for series in await running.series()} == {"api", "cart"}


def test_symbols_are_shared() -> None:
    request = write_2([])
    assert refer(request, "a") == refer(request, "a") == 1
