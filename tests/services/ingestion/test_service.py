"""Ingestion as its callers see it: what was acknowledged is read back, once, in order."""

import asyncio
from collections import Counter
from typing import Any

import numpy as np
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import event_pb2, evidence_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion import span_columns
from services.ingestion.columns import decode_histograms, decode_points
from shared.errors import FailedPrecondition, InvalidArgument
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.senders import SECOND, T0, gauge, logs, spans

REPLAY = (("afteraction-stream", "replay"),)


def at(seconds: float) -> Timestamp:
    found = Timestamp()
    found.FromNanoseconds(T0 + int(seconds * SECOND))
    return found


def note(text: str, seconds: float = 0, **more: Any) -> event_pb2.Event:
    return event_pb2.Event(occurred_at=at(seconds), source="cli", note=event_pb2.Note(text=text), **more)


async def evidence(running: Running, **request: Any) -> list[evidence_pb2.Observation]:
    parts = [part async for part in running.ingestion.GetEvidence(pb.GetEvidenceRequest(**request))]
    return [each for part in parts for each in part.observations]


async def test_exported_points_come_back_through_tail_with_their_series(running: Running) -> None:
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 0.5), (60, 0.7)], pod="a"))

    row, = await running.rows()

    ids, times, _, values = decode_points(row.points)
    series, = row.series
    assert (series.service, series.metric_name, dict(series.attributes)) == ("checkout", "cpu", {"pod": "a"})
    assert set(ids.tolist()) == {series.id}
    assert times.tolist() == [T0, T0 + 60 * SECOND]
    assert values.tolist() == [0.5, 0.7]


async def test_same_request_again_is_stored_once(running: Running) -> None:
    request = gauge("checkout", "cpu", [(0, 0.5)])

    await asyncio.gather(*(running.metrics.Export(request) for _ in range(5)))
    await running.metrics.Export(request)

    assert len(await running.rows()) == 1


async def test_each_series_is_defined_once_in_a_call(running: Running) -> None:
    for second in range(3):
        await running.metrics.Export(gauge("checkout", "cpu", [(second, 1.0)]))

    assert [len(row.series) for row in await running.rows()] == [1, 0, 0]


async def test_malformed_points_cost_the_rest_nothing(running: Running) -> None:
    request = gauge("checkout", "cpu", [(0, 1.0), (1, float("nan")), (2, 2.0)])
    request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points.add(as_double=3.0)

    answer = await running.metrics.Export(request)

    assert answer.partial_success.rejected_data_points == 2
    assert "time_unix_nano" in answer.partial_success.error_message
    row, = await running.rows()
    assert decode_points(row.points)[3].tolist() == [1.0, 2.0]


async def test_position_order_is_order_of_visibility_under_concurrent_writers(running: Running) -> None:
    seen: list[int] = []

    async def follow() -> None:
        async for row in running.ingestion.Tail(pb.TailRequest(follow=True)):
            seen.extend([row.position] * (not row.is_heartbeat))
            if len(seen) >= 100:
                return
    async with asyncio.timeout(20):
        async with asyncio.TaskGroup() as group:
            group.create_task(follow())
            for second in range(100):
                group.create_task(running.metrics.Export(gauge(f"s{second % 7}", "cpu", [(second, 1.0)])))

    assert seen == sorted(seen)
    assert len(set(seen)) == 100


async def test_replay_advances_by_its_marks_alone_and_closes(running: Running) -> None:
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 1.0), (600, 1.0)]), metadata=REPLAY)
    await running.ingestion.MarkTime(pb.MarkTimeRequest(stream="replay", complete_until=at(300)))
    await running.metrics.Export(gauge("checkout", "cpu", [(700, 1.0)]), metadata=REPLAY)
    await running.ingestion.MarkTime(pb.MarkTimeRequest(stream="replay", complete_until=at(700), is_last=True))

    rows = await running.rows("replay")

    assert [row.watermark.ToNanoseconds() for row in rows] == [0, at(300).ToNanoseconds(), at(300).ToNanoseconds(),
                                                               at(700).ToNanoseconds()]
    assert [row.is_closed for row in rows] == [False, False, False, True]
    with pytest.raises(FailedPrecondition, match="closed"):
        await running.metrics.Export(gauge("checkout", "cpu", [(800, 1.0)]), metadata=REPLAY)


async def test_live_watermark_follows_the_latest_sane_time_less_lateness(running: Running) -> None:
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 1.0)]))
    await running.metrics.Export(gauge("checkout", "cpu", [(10 * 86400, 1.0)]))

    first, second = await running.rows()

    assert first.watermark.ToNanoseconds() == T0 - 30 * SECOND
    assert second.watermark.ToNanoseconds() == T0 - 30 * SECOND
    assert (await running.ingestion.ListDoors(pb.ListDoorsRequest())).future_items == 1


async def test_spans_become_rates_errors_durations_and_calls(running: Running) -> None:
    await running.traces.Export(spans([("orders", "b" * 16, "a" * 16, "GET /orders", 1.1, 1.4)], is_error=True))
    await running.traces.Export(spans([("shop", "a" * 16, "", "GET /", 1.0, 2.0)]))

    rows = await running.rows()

    series = {each.id: each for row in rows for each in row.series}
    histograms = {(series[point.series_id].service, series[point.series_id].metric_name): point
                  for row in rows for point in decode_histograms(row.histograms)}
    assert set(histograms) == {("orders", "span.duration"), ("shop", "span.duration"), ("orders", "call.duration")}
    assert histograms["orders", "call.duration"].sum == pytest.approx(0.3)
    call, = [each for each in series.values() if each.metric_name == "call.errors"]
    assert dict(call.attributes) == {"caller": "shop", "operation": "GET /orders"}
    errors = {series[identifier].service: value for row in rows
              for identifier, value in zip(decode_points(row.points)[0].tolist(), decode_points(row.points)[3].tolist(),
                                           strict=True) if series[identifier].metric_name == "span.errors"}
    assert errors == {"orders": 1.0, "shop": 0.0}


async def test_span_sent_in_two_requests_counts_once(running: Running) -> None:
    one = ("shop", "a" * 16, "", "GET /", 1.0, 2.0)
    await running.traces.Export(spans([one]))
    await running.traces.Export(spans([one, ("shop", "c" * 16, "", "GET /", 3.0, 4.0)]))

    total = sum(point.total for row in await running.rows() for point in decode_histograms(row.histograms))

    assert total == 2


async def test_span_that_comes_again_after_a_restart_counts_once(running: Running) -> None:
    one, parent = ("orders", "a" * 16, "b" * 16, "GET /", 1.0, 2.0), ("shop", "b" * 16, "", "GET /", 0.5, 3.0)
    await running.traces.Export(spans([one]))
    running.parts.reception._intake._streams.clear()

    await running.traces.Export(spans([one, parent]))

    rows = await running.rows()
    names = {each.id: each.metric_name for row in rows for each in row.series}
    totals = Counter(names[point.series_id] for row in rows for point in decode_histograms(row.histograms)
                     for _ in range(point.total))
    assert totals == {"span.duration": 2, "call.duration": 1}


async def test_lines_become_patterns_with_counts(running: Running) -> None:
    await running.logs.Export(logs("shop", [(second, f"user {second} logged in") for second in range(5)]))

    row, = await running.rows()

    series, = row.series
    assert series.metric_name == "log.lines"
    assert set(series.attributes) == {"pattern", "severity", "template"}
    assert decode_points(row.points)[3].sum() == 5


async def test_pattern_keeps_its_name_over_a_restart(running: Running) -> None:
    await running.logs.Export(logs("shop", [(0, "user 17 logged in")]), metadata=REPLAY)
    before, = await running.pool.fetch("SELECT pattern FROM patterns")
    running.parts.reception._intake._streams.clear()

    await running.logs.Export(logs("shop", [(1, "user 18 logged in")]), metadata=REPLAY)

    after, = await running.pool.fetch("SELECT pattern FROM patterns")
    assert before == after


async def test_events_are_recorded_once_by_id_and_by_content(running: Running) -> None:
    request = pb.RecordEventsRequest(events=[note("one", id="n1"), note("two")])

    first = await running.ingestion.RecordEvents(request)
    again = await running.ingestion.RecordEvents(request)

    assert (first.recorded, first.duplicates) == (2, 0)
    assert (again.recorded, again.duplicates) == (0, 2)
    assert sum(len(row.events) for row in await running.rows()) == 2


async def test_retried_request_id_gets_the_first_answer(running: Running) -> None:
    request = pb.RecordEventsRequest(events=[note("one")], request_id="r1")

    first = await running.ingestion.RecordEvents(request)

    assert await running.ingestion.RecordEvents(request) == first


async def test_event_without_kind_is_refused_naming_the_field(running: Running) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await running.ingestion.RecordEvents(pb.RecordEventsRequest(events=[event_pb2.Event(occurred_at=at(0))]))

    assert caught.value.violations[0].subject == "events[0].kind"


async def test_secrets_do_not_reach_the_log(running: Running) -> None:
    await running.ingestion.RecordEvents(pb.RecordEventsRequest(events=[note("password=hunter2 for a@b.example")]))
    await running.logs.Export(logs("shop", [(0, "login with password=hunter2 failed")]))

    window = {"window": {"start": at(-60), "end": at(60)}, "max_log_records_per_service": 5}
    told = str(await evidence(running, **window))

    assert "hunter2" not in told
    assert "[redacted:secret]" in told
    assert "[redacted:email]" in told


async def test_evidence_sets_a_window_beside_its_baseline(running: Running) -> None:
    before = [(second, 10.0 + second / 60 % 3) for second in range(-3600, 0, 60)]
    await running.metrics.Export(gauge("checkout", "latency", [*before, (0, 11.0), (60, 50.0), (120, 52.0)]))
    await running.logs.Export(logs("checkout", [(second, "request served") for second in range(-600, 120, 30)]))
    await running.logs.Export(logs("checkout", [(70, "pool exhausted\n\tat com.shop.Pool.take(Pool.java:7)")], 17))

    found = await evidence(running, window={"start": at(0), "end": at(180)})

    window, = [each.series for each in found if each.series.series.metric_name == "latency"]
    assert (window.baseline_points, window.baseline_median) == (60, 11.0)
    assert list(window.values) == [11.0, 50.0, 52.0]
    assert window.departed_at == at(60)
    assert window.extreme_value == 52.0
    assert window.extreme_z > 10
    patterns = {each.log_pattern.template: each.log_pattern for each in found if each.HasField("log_pattern")}
    assert patterns["pool exhausted"].change == evidence_pb2.PATTERN_CHANGE_NEW
    assert patterns["pool exhausted"].root_frame == "com.shop.Pool.take(Pool.java:7)"
    assert patterns["request served"].change == evidence_pb2.PATTERN_CHANGE_STEADY


async def test_evidence_tells_operations_calls_and_a_failing_trace(running: Running) -> None:
    for index in range(4):
        await running.traces.Export(spans([
            ("shop", f"{index + 1:016x}", "", "GET /", index, index + 1.0),
            ("orders", f"{index + 100:016x}", f"{index + 1:016x}", "load", index + 0.1, index + 0.4)],
            trace=f"{index + 1:032x}", is_error=index == 3))

    found = await evidence(running, window={"start": at(0), "end": at(60)})

    shop, = [each.operation for each in found if each.operation.service == "shop"]
    assert (shop.count, shop.errors) == (4, 1)
    assert shop.p50_s == pytest.approx(1.0)
    assert shop.self_p50_s == pytest.approx(0.7)
    call, = [each.call for each in found if each.HasField("call")]
    assert (call.caller, call.service, call.count) == ("shop", "orders", 4)
    assert call.gap_p50_s == pytest.approx(0.7)
    trace, = [each.trace for each in found if each.HasField("trace")]
    assert list(trace.error_path) == ["shop", "orders"]


async def test_changes_come_for_all_services_whatever_was_asked(running: Running) -> None:
    deploy = event_pb2.Event(occurred_at=at(-30), service="other", deploy=event_pb2.Deploy(version="v2"))
    await running.ingestion.RecordEvents(pb.RecordEventsRequest(events=[deploy]))

    found = await evidence(running, window={"start": at(0), "end": at(60)}, services=["checkout"])

    assert [each.event.deploy.version for each in found] == ["v2"]


async def test_streams_do_not_see_each_other(running: Running) -> None:
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 1.0)]))
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 2.0)]), metadata=REPLAY)

    rows = await running.rows("replay")

    assert [decode_points(row.points)[3].tolist() for row in rows] == [[2.0]]
    assert np.all([row.stream == "replay" for row in rows])


async def test_what_is_no_otlp_is_refused(running: Running) -> None:
    request = gauge("checkout", "cpu", [(0, 1.0)])

    with pytest.raises(InvalidArgument, match="stream"):
        await running.metrics.Export(request, metadata=(("afteraction-stream", "no spaces!"),))


async def test_doors_tell_who_sent_what(running: Running) -> None:
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 1.0), (1, 1.0)]))

    doors = {door.name: door for door in (await running.ingestion.ListDoors(pb.ListDoorsRequest())).doors}

    assert doors["otlp-grpc"].accepted_items == 2
    assert doors["otlp-grpc"].senders[0].service == "checkout"
    assert "grpc-python" in doors["otlp-grpc"].senders[0].user_agent


async def test_counter_is_told_as_rates_and_as_what_it_counted(running: Running) -> None:
    request = gauge("checkout", "requests", [(second, float(second)) for second in range(-600, 121, 60)])
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    points = list(metric.gauge.data_points)
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = 2  # type: ignore[assignment]
    metric.sum.data_points.extend(points)
    await running.metrics.Export(request)

    found = await evidence(running, window={"start": at(0), "end": at(180)})

    window, = [each.series for each in found if each.HasField("series")]
    assert list(window.values) == [1.0, 1.0, 1.0]
    assert list(window.counts) == [60.0, 60.0, 60.0]
    assert len(window.baseline_counts) == 9


async def test_counter_that_began_anew_and_overtook_itself_is_told_whole(running: Running) -> None:
    request = gauge("checkout", "requests", [])
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.sum.is_monotonic = True
    metric.sum.aggregation_temporality = 2  # type: ignore[assignment]
    for second, start, value in ((-60, -600, 100.0), (0, -600, 110.0), (60, 30, 120.0)):
        metric.sum.data_points.add(start_time_unix_nano=T0 + start * SECOND, time_unix_nano=T0 + second * SECOND,
                                   as_double=value)
    await running.metrics.Export(request)

    found = await evidence(running, window={"start": at(0), "end": at(120)})

    window, = [each.series for each in found if each.HasField("series")]
    assert list(window.counts) == [10.0, 120.0]


async def test_upkeep_keeps_what_is_new_and_read(running: Running) -> None:
    await running.metrics.Export(gauge("checkout", "cpu", [(0, 1.0)], pod="x"))

    await running.parts.upkeep.save()
    await running.parts.upkeep.retain()

    assert len(await running.rows()) == 1


async def stored_spans(running: Running) -> list[str]:
    rows = await running.pool.fetch("SELECT service, raw FROM chunks WHERE signal = 2 AND raw IS NOT NULL")
    return [span.span_id.hex() for row in rows
            for span in span_columns.spans(row["service"], span_columns.decode(row["raw"]))]


async def test_a_span_in_requests_that_come_at_once_is_stored_once(running: Running) -> None:
    requests = [spans([("shop", f"{1:016x}", "", "GET /", 0, 1.0), ("shop", f"{number:016x}", "", "GET /", 0, 1.0)])
                for number in range(2, 12)]

    await asyncio.gather(*(running.traces.Export(request) for request in requests))

    assert sorted(await stored_spans(running)) == [f"{number:016x}" for number in range(1, 12)]


async def test_doctor_hears_of_the_service_that_sent_and_not_of_the_one_that_was_called(running: Running) -> None:
    await running.traces.Export(spans([("shop", f"{2:016x}", f"{1:016x}", "load", 0, 1.0)]))
    await running.http.post("/v1/traces", headers={"content-type": "application/x-protobuf"}, content=spans(
        [("web", f"{1:016x}", "", "GET /", 0, 1.0)]).SerializeToString())

    assert {each.service for each in (await running.door("otlp-http")).senders} == {"web"}
    assert {each.service for each in (await running.door("otlp-grpc")).senders} == {"shop"}
