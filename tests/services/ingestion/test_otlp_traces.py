"""Spans of OTLP as values."""

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.ingestion.attributes import MOST_ATTRIBUTES
from services.ingestion.otlp_traces import SpanReader
from services.ingestion.records import Span
from services.ingestion.rejections import Rejections
from tests.services.ingestion.senders import SECOND, T0, spans


def redact(name: str, value: str) -> str:
    return value.replace("hunter2", "***")


def request(**attributes: str) -> ExportTraceServiceRequest:
    return spans([("shop", f"{2:016x}", f"{1:016x}", "GET /", 0, 1.0)], attributes=attributes)


def read(sent: ExportTraceServiceRequest, rejections: Rejections | None = None) -> list[Span]:
    return SpanReader(redact).read(sent.SerializeToString(), Rejections() if rejections is None else rejections)


def test_a_span_is_read_with_everything_that_is_kept() -> None:
    sent = request(key="hunter2")
    span = sent.resource_spans[0].scope_spans[0].spans[0]
    span.kind = 3  # type: ignore[assignment]
    span.status.code, span.status.message = 2, "no hunter2"  # type: ignore[assignment]

    assert read(sent) == [Span("shop", bytes.fromhex("a" * 32), bytes(7) + b"\2", bytes(7) + b"\1", "GET /", "client",
                               T0, T0 + SECOND, True, "no ***", {"key": "***"})]


def test_attributes_that_were_seen_before_are_read_the_same() -> None:
    reader, body = SpanReader(redact), request(key="hunter2", other="x" * 1000).SerializeToString()

    first, second = (reader.read(body, Rejections()) for _ in range(2))

    assert first == second
    assert first[0].attributes == {"key": "***", "other": "x" * 1000}


def test_attributes_beyond_the_limit_are_left_out() -> None:
    (span,) = read(request(**{f"key{number}": "v" for number in range(MOST_ATTRIBUTES + 9)}))

    assert len(span.attributes) == MOST_ATTRIBUTES


@pytest.mark.parametrize(("field", "value", "reason"), [
    ("trace_id", b"short", "trace_id must have 16"), ("span_id", b"", "span_id 8"),
    ("start_time_unix_nano", 0, "is missing"), ("end_time_unix_nano", 2**64 - 1, "beyond 2262"),
    ("end_time_unix_nano", T0 - 1, "ends before it starts")])
def test_what_cannot_be_is_turned_away_with_its_reason(field: str, value: object, reason: str) -> None:
    sent, rejections = request(), Rejections()
    setattr(sent.resource_spans[0].scope_spans[0].spans[0], field, value)

    assert read(sent, rejections) == []
    assert reason in rejections.message


@pytest.mark.parametrize(("kind", "attributes", "is_error"), [
    (2, {"http.response.status_code": "500"}, True), (2, {"http.response.status_code": "404"}, False),
    (3, {"http.status_code": "404"}, True), (2, {"rpc.grpc.status_code": "14"}, True),
    (2, {"rpc.grpc.status_code": "5"}, False), (3, {"rpc.grpc.status_code": "5"}, True),
    (1, {"error.type": "timeout"}, True), (1, {"exception.type": "OSError"}, True), (1, {}, False)])
def test_without_a_status_attributes_tell_of_a_failure(kind: int, attributes: dict[str, str], is_error: bool) -> None:
    sent = request(**attributes)
    sent.resource_spans[0].scope_spans[0].spans[0].kind = kind  # type: ignore[assignment]

    assert [span.is_error for span in read(sent)] == [is_error]


def test_a_status_that_says_ok_is_believed() -> None:
    sent = request(**{"http.response.status_code": "500"})
    sent.resource_spans[0].scope_spans[0].spans[0].status.code = 1  # type: ignore[assignment]

    assert not read(sent)[0].is_error


def test_what_is_no_request_raises() -> None:
    with pytest.raises(DecodeError):
        SpanReader(redact).read(b"\xff" * 9, Rejections())
