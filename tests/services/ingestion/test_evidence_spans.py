"""Operations and calls of a window, and the traces that say most."""

from collections.abc import Sequence
from dataclasses import replace
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from afteraction.v1 import evidence_pb2 as pb
from services.ingestion import evidence_spans, evidence_traces
from services.ingestion.evidence_series import Span as Interval
from services.ingestion.records import Span
from services.ingestion.span_table import SpanTable, table
from tests.services.ingestion.test_span_table import SECOND, sent, span

MINUTE = 60
INTERVAL = Interval(before=0, until=60 * MINUTE * SECOND, start=60 * MINUTE * SECOND, end=70 * MINUTE * SECOND)
NOW = 65 * MINUTE


def tabled(*spans: Span) -> SpanTable:
    by_service: dict[str, list[Span]] = {}
    for each in spans:
        by_service.setdefault(each.service, []).append(each)
    return table([sent(found, position) for position, found in enumerate(by_service.values(), 1)], 1000)


def operations(*spans: Span) -> dict[str, pb.OperationWindow]:
    return {each.operation.operation: each.operation for each in evidence_spans.windows(tabled(*spans), INTERVAL)
            if each.HasField("operation")}


def chosen(*spans: Span, most: int = 10) -> list[pb.TraceExample]:
    found = tabled(*spans)
    return [each.trace for each in evidence_traces.examples(
        found, evidence_traces.chosen(found, INTERVAL, most), {})]


def failed(found: Span) -> Span:
    return replace(found, is_error=True)


def test_an_operation_is_told_beside_its_baseline() -> None:
    now = [span(number, start=NOW, end=NOW + number, trace=number) for number in range(1, 4)]
    before = [span(10 + number, start=number, end=number + 1, trace=number) for number in range(4)]

    found = operations(failed(now[0]), *now[1:], *before)["GET"]

    assert (found.count, found.errors, found.baseline_count, found.baseline_errors) == (3, 1, 4, 0)
    assert [found.p50_s, found.baseline_p50_s] == pytest.approx([2, 1])
    assert found.p95_s == pytest.approx(2.9)
    assert list(found.counts_per_minute) == [0, 0, 0, 0, 0, 3, 0, 0, 0, 0]
    assert found.first_error_at.ToNanoseconds() == NOW * SECOND + 1


def test_what_lies_outside_of_both_is_not_counted() -> None:
    assert operations(span(1, start=71 * MINUTE, end=72 * MINUTE)) == {}


def test_a_call_is_named_by_who_called_and_has_the_gap_between_both() -> None:
    found = [each.call for each in evidence_spans.windows(tabled(
        span(1, start=NOW, end=NOW + 1.0), span(2, 1, NOW + 0.1, NOW + 0.8, service="db", operation="SELECT"),
        span(3, 1, NOW + 0.1, NOW + 5, service="queue", operation="work")), INTERVAL) if each.HasField("call")]

    assert [(each.caller, each.service, each.operation, each.count) for each in found] == [
        ("web", "db", "SELECT", 1), ("web", "queue", "work", 1)]
    assert found[0].gap_p50_s == pytest.approx(0.3)
    assert found[1].gap_p50_s == 0  # it outlived its caller


@given(st.lists(st.lists(st.floats(-100, 100), max_size=6), min_size=1, max_size=5))
def test_quantiles_are_those_of_numpy(groups: list[list[float]]) -> None:
    slots = np.repeat(np.arange(len(groups)), [len(each) for each in groups])
    begins = np.concatenate(([0], np.cumsum([len(each) for each in groups])))
    values = np.array([value for each in groups for value in each])

    p50, p95 = evidence_spans.quantiles(values, slots, begins, (0.5, 0.95))

    assert p50 == pytest.approx([np.percentile(each, 50) if each else 0.0 for each in groups])
    assert p95 == pytest.approx([np.percentile(each, 95) if each else 0.0 for each in groups])


def test_what_is_not_a_number_is_no_value() -> None:
    assert evidence_spans.quantiles(np.array([nan, 1.0, 3.0, nan]), np.array([0, 0, 0, 1]), np.array([0, 3, 4]),
                                    (0.5,)) == [[2.0, 0.0]]


def test_a_trace_with_an_error_comes_before_a_slow_one_and_a_usual_one_does_not_come() -> None:
    usual = [span(1, start=NOW, end=NOW + 1, trace=trace) for trace in range(1, 6)]
    slow, bad = span(1, start=NOW, end=NOW + 9, trace=7), failed(span(1, start=NOW, end=NOW + 1, trace=8))

    assert [each.trace_id for each in chosen(*usual, slow, bad)] == [f"{8:032x}", f"{7:032x}"]


def test_one_of_each_kind_comes_before_the_second_of_any() -> None:
    bad = [failed(span(1, start=NOW, end=NOW + 1, trace=trace)) for trace in range(1, 6)]
    other = failed(span(1, start=NOW, end=NOW + 1, trace=9, operation="POST"))

    assert f"{9:032x}" in [each.trace_id for each in chosen(*bad, other, most=2)]


def test_the_path_leads_down_to_the_deepest_failure() -> None:
    found, = chosen(failed(span(1, start=NOW, end=NOW + 9)), span(2, 1, NOW, NOW + 5, service="fine"),
                    failed(span(3, 1, NOW, NOW + 3, service="shop")), failed(span(4, 3, NOW, NOW + 2, service="db")))

    assert list(found.error_path) == ["web", "shop", "db"]
    assert [each.span_id for each in found.spans] == [f"{number:016x}" for number in (1, 2, 3, 4)]


def test_without_an_error_the_path_ends_where_the_time_was_spent() -> None:
    usual = [span(1, start=NOW, end=NOW + 1, trace=trace) for trace in range(2, 9)]
    found, = chosen(*usual, span(1, start=NOW, end=NOW + 9), span(2, 1, NOW, NOW + 8, service="shop"),
                    span(3, 2, NOW, NOW + 1, service="db"))

    assert list(found.error_path) == ["web", "shop"]


def test_attributes_and_message_come_from_the_details_of_the_chunk() -> None:
    found = tabled(failed(span(1, start=NOW, end=NOW + 1)), failed(span(2, 1, NOW, NOW + 1)))
    traces = evidence_traces.chosen(found, INTERVAL, 10)
    details: dict[int, Sequence[tuple[str, dict[str, str]]]] = {1: [("", {}), ("no route", {"db.system": "mysql"})]}

    assert evidence_traces.chunks(found, traces) == [1]
    _, second = evidence_traces.examples(found, traces, details)[0].trace.spans
    assert (second.status_message, dict(second.attributes)) == ("no route", {"db.system": "mysql"})
