"""Lines of a recorded case as OTLP and events."""

from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from afteraction.v1.event_pb2 import Alert, Page
from services.cli.replay_lines import MalformedLine, event, nanoseconds, requests

AT = "2026-07-05T03:35:00Z"


def metric(**more: Any) -> dict[str, Any]:
    return {"t": AT, "kind": "metric", "service": "cart", "name": "cpu.utilization", "unit": "%", "type": "gauge",
            "value": 12.5, "attributes": {"pod": "cart-1"}} | more


def test_nanoseconds_keep_all_nine_digits() -> None:
    assert nanoseconds("2026-07-05T03:35:00.123456789Z") == 1783222500123456789
    assert nanoseconds("2026-07-05T05:35:00+02:00") == 1783222500000000000


def test_gauges_and_sums_keep_name_unit_and_attributes() -> None:
    message, = requests([metric(), metric(value=13.0), metric(name="requests", type="sum", unit="{request}")])

    assert isinstance(message, ExportMetricsServiceRequest)
    gauge, total = message.resource_metrics[0].scope_metrics[0].metrics
    assert (gauge.name, gauge.unit, [each.as_double for each in gauge.gauge.data_points]) == (
        "cpu.utilization", "%", [12.5, 13.0])
    assert gauge.gauge.data_points[0].attributes[0].value.string_value == "cart-1"
    assert total.sum.aggregation_temporality == 1


def test_every_signal_goes_to_its_own_door() -> None:
    log = {"t": AT, "kind": "log", "service": "cart", "severity": "ERROR", "body": "no", "trace_id": "ab" * 16}
    span = {"t": AT, "kind": "span", "service": "cart", "trace_id": "ab" * 16, "span_id": "cd" * 8, "name": "get",
            "parent_span_id": "", "start": AT, "end": "2026-07-05T03:35:01Z", "status": "unset"}

    messages = list(requests([metric(), log, span]))

    assert [type(each) for each in messages] == [ExportMetricsServiceRequest, ExportLogsServiceRequest,
                                                 ExportTraceServiceRequest]
    assert isinstance(messages[1], ExportLogsServiceRequest)
    assert isinstance(messages[2], ExportTraceServiceRequest)
    assert messages[1].resource_logs[0].scope_logs[0].log_records[0].severity_number == 17
    sent = messages[2].resource_spans[0].scope_spans[0].spans[0]
    assert (sent.end_time_unix_nano - sent.start_time_unix_nano, sent.parent_span_id) == (10**9, b"")


def test_ids_of_other_lengths_become_ids_of_ours_the_same_each_time() -> None:
    def identity() -> bytes:
        span = {"t": AT, "kind": "span", "service": "cart", "trace_id": "trace-7", "span_id": "1f", "name": "get",
                "end": AT}
        message, = requests([span])
        assert isinstance(message, ExportTraceServiceRequest)
        return bytes(message.resource_spans[0].scope_spans[0].spans[0].trace_id)

    assert len(identity()) == 16
    assert identity() == identity()


@pytest.mark.parametrize(("line", "kind"), [
    ({"kind": "deploy", "version": "v2", "previous": "v1", "rollback": True}, "deploy"),
    ({"kind": "config", "key": "pool.size", "old": 10, "new": 20}, "config_change"),
    ({"kind": "flag", "key": "new-cart", "old": False, "new": True}, "flag_change"),
    ({"kind": "alert", "name": "HighErrors", "state": "resolved", "labels": {"team": "cart"}}, "alert"),
    ({"kind": "page", "target": "cart on-call", "state": "acknowledged"}, "page"),
    ({"kind": "note", "author": "on-call", "text": "rolled back"}, "note"),
    ({"kind": "infrastructure", "reason": "NodeNotReady"}, "infrastructure"),
])
def test_every_other_kind_becomes_its_event(line: dict[str, Any], kind: str) -> None:
    told = event({"t": AT, "service": "cart"} | line)

    assert told.WhichOneof("kind") == kind
    assert told.occurred_at.seconds == 1783222500
    assert told.alert.state in (0, Alert.STATE_RESOLVED)
    assert told.page.state in (0, Page.STATE_ACKNOWLEDGED)


@pytest.mark.parametrize(("line", "words"), [
    ({"t": AT, "kind": "deploy", "service": "cart"}, "version"),
    ({"t": AT, "kind": "weather", "service": "cart"}, "weather"),
    ({"t": "yesterday", "kind": "note", "service": "cart", "text": "x"}, "yesterday"),
])
def test_line_that_is_not_of_the_format_is_told(line: dict[str, Any], words: str) -> None:
    with pytest.raises(MalformedLine, match=words):
        event(line)


@pytest.mark.parametrize("wrong", [{"value": "high"}, {"name": ""}, {"type": "summary"}, {"t": "noon"}])
def test_metric_that_is_not_of_the_format_is_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedLine):
        list(requests([metric(**wrong)]))
