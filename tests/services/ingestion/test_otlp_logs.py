"""Log records of OTLP as lines."""

import pytest
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from services.ingestion import otlp_logs
from services.ingestion.otlp_logs import CUT, LONGEST_BODY, severity
from services.ingestion.records import Line
from services.ingestion.rejections import Rejections
from tests.services.ingestion.senders import T0, logs

ARRIVED = T0 + 7


def read(request: ExportLogsServiceRequest, rejections: Rejections | None = None) -> list[Line]:
    return otlp_logs.read(request.SerializeToString(), lambda name, value: value.replace("hunter2", "***"),
                          Rejections() if rejections is None else rejections, arrived_at=ARRIVED)


def request(body: str = "up") -> ExportLogsServiceRequest:
    return logs("shop", [(0, body)])


def test_a_record_is_a_redacted_line_of_its_service() -> None:
    sent = request("password hunter2")
    record = sent.resource_logs[0].scope_logs[0].log_records[0]
    record.trace_id, record.span_id = b"t" * 16, b"s" * 8

    assert read(sent) == [Line("shop", T0, "INFO", "password ***", b"t" * 16, b"s" * 8)]


@pytest.mark.parametrize(("observed", "wanted"), [(0, ARRIVED), (T0 + 5, T0 + 5)])
def test_without_a_time_it_happened_when_it_was_seen_or_else_when_it_came(observed: int, wanted: int) -> None:
    sent = request()
    record = sent.resource_logs[0].scope_logs[0].log_records[0]
    record.time_unix_nano, record.observed_time_unix_nano = 0, observed

    assert [line.occurred_at for line in read(sent)] == [wanted]


def test_a_time_beyond_what_can_be_stored_is_turned_away() -> None:
    sent, rejections = request(), Rejections()
    sent.resource_logs[0].scope_logs[0].log_records[0].time_unix_nano = 2**64 - 1

    assert read(sent, rejections) == []
    assert len(rejections) == 1


@pytest.mark.parametrize(("number", "text", "wanted"), [
    (9, "", "INFO"), (17, "WARN", "ERROR"), (24, "", "FATAL"), (0, "warning", "WARN"), (0, " crit ", "FATAL"),
    (0, "", ""), (0, "loud", ""), (99, "error", "ERROR")])
def test_severity_is_one_of_six_or_none(number: int, text: str, wanted: str) -> None:
    assert severity(number, text) == wanted


def test_a_long_body_is_cut_and_says_so() -> None:
    line, = read(request("x" * 100_000))

    assert line.body == "x" * LONGEST_BODY + CUT


def test_a_map_says_its_message_or_else_all_of_it() -> None:
    sent = request()
    records = sent.resource_logs[0].scope_logs[0].log_records
    del records[:]
    for key in ("msg", "code"):
        records.add(time_unix_nano=T0).body.kvlist_value.values.add(key=key).value.string_value = "down"

    assert [line.body for line in read(sent)] == ["down", '{"code":"down"}']


def test_a_stack_trace_beside_the_body_belongs_to_it_once() -> None:
    sent = request("it broke")
    record = sent.resource_logs[0].scope_logs[0].log_records[0]
    record.attributes.add(key="exception.stacktrace").value.string_value = "at shop.Cart"

    line, = read(sent)
    record.body.string_value = line.body

    assert line.body == "it broke\nat shop.Cart"
    assert read(sent)[0].body == line.body


def test_what_is_no_request_raises() -> None:
    with pytest.raises(DecodeError):
        otlp_logs.read(b"\xff" * 9, lambda name, value: value, Rejections(), arrived_at=0)
