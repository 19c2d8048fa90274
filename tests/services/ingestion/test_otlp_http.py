"""OTLP over HTTP, to the letter of its specification."""

import gzip
import json
import zlib
from collections.abc import Callable

import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

from services.ingestion.room import Room
from services.ingestion.settings import Settings
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.senders import T0, gauge, logs, spans

PROTOBUF = {"content-type": "application/x-protobuf", "user-agent": "otel-test"}
JSON = {"content-type": "application/json; charset=utf-8"}
GAUGE = gauge("checkout", "queue.depth", [(0, 3.0)]).SerializeToString()
NESTED = (b'{"resourceMetrics":[{"resource":{"attributes":[{"key":"a","value":'
          + b'{"arrayValue":{"values":[' * 100 + b"]}}" * 100 + b"}]}}]}")


@pytest.mark.parametrize(("encoding", "compress"), [
    ("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress),
    ("deflate", lambda body: zlib.compress(body, wbits=-15)),
    ("gzip", lambda body: gzip.compress(body[:20]) + gzip.compress(body[20:]))])
async def test_protobuf_is_taken_in_every_encoding(running: Running, encoding: str,
                                                   compress: Callable[[bytes], bytes]) -> None:
    headers = PROTOBUF | ({"content-encoding": encoding} if encoding else {})

    answer = await running.http.post("/v1/metrics", content=compress(GAUGE), headers=headers)

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-protobuf")
    assert ExportMetricsServiceResponse.FromString(answer.content) == ExportMetricsServiceResponse()
    assert await running.points() == {"queue.depth": [(T0, 3.0)]}


async def test_every_signal_has_its_path_and_its_door_counts(running: Running) -> None:
    for path, request in (("/v1/metrics", gauge("checkout", "queue.depth", [(0, 3.0)])),
                          ("/v1/logs", logs("checkout", [(0, "disk full")])),
                          ("/v1/traces", spans([("checkout", "b" * 16, "", "GET /", 0, 1)]))):
        answer = await running.http.post(path, content=request.SerializeToString(), headers=PROTOBUF)
        assert answer.status_code == 200, path

    door = await running.door("otlp-http")
    assert (door.accepted_requests, door.accepted_items) == (3, 3)
    assert {(sender.service, sender.user_agent) for sender in door.senders} == {("checkout", "otel-test")}


async def test_json_is_read_by_otlps_own_mapping(running: Running) -> None:
    """Ids in hexadecimal, numbers of 64 bits as text, enums as numbers, unknown fields left out."""
    span = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "GET /cart", "kind": 2,
            "startTimeUnixNano": str(T0), "endTimeUnixNano": str(T0 + 5_000_000), "status": {"code": 2},
            "attributes": [{"key": "traceId", "value": {"stringValue": "not hexadecimal"}}], "newField": [1]}
    body = {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "cart"}}]},
                               "scopeSpans": [{"scope": {"name": "x"}, "spans": [span]}]}]}

    answer = await running.http.post("/v1/traces", content=json.dumps(body), headers=JSON)

    assert (answer.status_code, answer.json()) == (200, {})
    assert {series.service for series in await running.series()} == {"cart"}


async def test_partial_success_says_how_many_and_why(running: Running) -> None:
    request = gauge("checkout", "queue.depth", [(0, 3.0), (1, float("nan")), (2, float("inf"))])

    answer = await running.http.post("/v1/metrics", content=request.SerializeToString(), headers=PROTOBUF)

    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (answer.status_code, partial.rejected_data_points) == (200, 2)
    assert partial.error_message == "2: the value is not a finite number"


async def test_partial_success_in_json(running: Running) -> None:
    request = {"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "ab" * 16, "spanId": "cd" * 8, "startTimeUnixNano": str(T0), "endTimeUnixNano": str(T0 - 1)}]}]}]}

    answer = await running.http.post("/v1/traces", content=json.dumps(request), headers=JSON)

    assert answer.json() == {"partialSuccess": {"rejectedSpans": "1",
                                                "errorMessage": "1: the span ends before it starts"}}


@pytest.mark.parametrize(("body", "headers", "code", "says"), [
    (b"\xff\xff\xff", PROTOBUF, 400, "no OTLP metrics request"),
    (GAUGE[:-3], PROTOBUF, 400, "no OTLP metrics request"),
    (b'{"resourceMetrics": [', JSON, 400, "in JSON"),
    (b'"\xff\xfe"', JSON, 400, "in JSON"),
    (b"[]", JSON, 400, "not an object"),
    (b'{"resourceMetrics": {"a": 1}}', JSON, 400, "in JSON"),
    (NESTED, JSON, 400, "in JSON"),
    (b'{"x":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON, 400, "in JSON"),
    (GAUGE, {"content-type": "text/plain"}, 415, "Content-Type"),
    (GAUGE, {}, 415, "Content-Type"),
    (GAUGE, PROTOBUF | {"content-encoding": "br"}, 415, "Content-Encoding"),
    (GAUGE, PROTOBUF | {"content-encoding": "gzip"}, 400, "not gzip"),
    (gzip.compress(GAUGE)[:-9], PROTOBUF | {"content-encoding": "gzip"}, 400, "cut off"),
    (b"", PROTOBUF | {"content-encoding": "gzip"}, 400, "cut off"),
    (GAUGE, PROTOBUF | {"afteraction-stream": "no such/stream"}, 400, "stream"),
    (GAUGE, PROTOBUF | {"origin": "https://evil.example"}, 401, "browsers"),
])
async def test_a_senders_mistake_has_a_code_that_is_not_retried_and_a_reason(
        running: Running, body: bytes, headers: dict[str, str], code: int, says: str) -> None:
    answer = await running.http.post("/v1/metrics", content=body, headers=headers)

    assert answer.status_code == code
    status = (answer.json() if answer.headers["content-type"] == "application/json" else None)
    message = status["message"] if status else Status.FromString(answer.content).message
    assert says in message
    assert "retry-after" not in answer.headers
    door = await running.door("otlp-http")
    assert (door.rejected_requests, door.last_error) == (1, message)


async def test_another_method_is_refused_with_the_right_one(running: Running) -> None:
    answer = await running.http.get("/v1/logs")

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_an_unknown_path_is_told_which_there_are(running: Running) -> None:
    answer = await running.http.post("/v1/profiles", content=b"", headers=PROTOBUF)

    assert answer.status_code == 404
    assert "/v1/metrics" in answer.text


class TestLimits:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(max_request_bytes=64 * 1024, max_pending_bytes=64 * 1024, series_per_service=3)

    @pytest.mark.parametrize(("body", "encoding"), [
        (gzip.compress(b"\0" * 50_000_000), "gzip"), (zlib.compress(b"\0" * 50_000_000), "deflate"),
        (b"".join(gzip.compress(b"\0" * 40_000) for _ in range(3)), "gzip"), (b"\0" * 65_537, "identity")])
    async def test_what_expands_beyond_the_limit_is_refused(self, running: Running, body: bytes, encoding: str) -> None:
        answer = await running.http.post("/v1/metrics", content=body, headers=PROTOBUF | {"content-encoding": encoding})

        assert answer.status_code in (413, 429)
        if encoding != "identity":
            assert answer.status_code == 413
            assert "after decompression" in Status.FromString(answer.content).message

    async def test_series_past_the_limit_are_named_and_the_rest_goes_on(self, running: Running) -> None:
        for number in range(5):
            request = gauge("checkout", "queue.depth", [(0, 1.0)], customer=str(number))
            answer = await running.http.post("/v1/metrics", content=request.SerializeToString(), headers=PROTOBUF)
            partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
            assert partial.rejected_data_points == (0 if number < 3 else 1)

        assert "as many series as it may" in partial.error_message
        assert len(await running.series()) == 3


async def test_too_much_under_way_is_a_429_that_says_when_to_come_back(running: Running, settings: Settings) -> None:
    room: Room = running.parts.room
    with room.hold(settings.max_pending_bytes):
        answer = await running.http.post("/v1/metrics", content=GAUGE, headers=PROTOBUF)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "2")
    retry = RetryInfo()
    assert any(detail.Unpack(retry) for detail in Status.FromString(answer.content).details)
    assert retry.retry_delay.seconds == 2
    assert room.pending_bytes == 0


async def test_the_same_request_again_is_stored_once(running: Running) -> None:
    for _ in range(2):
        answer = await running.http.post("/v1/metrics", content=GAUGE, headers=PROTOBUF)
        assert answer.status_code == 200

    assert await running.points() == {"queue.depth": [(T0, 3.0)]}


async def test_health(running: Running) -> None:
    assert (await running.http.get("/healthz")).text == "SERVING\n"
    running.parts.stopping.set()
    assert (await running.http.get("/healthz")).status_code == 503


