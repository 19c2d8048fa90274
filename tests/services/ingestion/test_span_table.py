"""Spans of a window, each once, joined with their parents."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestion.records import Span
from services.ingestion.span_columns import columns, encode
from services.ingestion.span_table import Sent, SpanTable, table

SECOND = 1_000_000_000


def span(number: int, parent: int = 0, start: float = 0.0, end: float = 1.0, *, trace: int = 1, service: str = "web",
         operation: str = "GET") -> Span:
    """start, end: seconds."""
    above = parent.to_bytes(8, "big") if parent else b""
    return Span(service, trace.to_bytes(16, "big"), number.to_bytes(8, "big"), above, operation, "server",
                int(start * SECOND) + 1, int(end * SECOND) + 1)


def sent(spans: Sequence[Span], position: int = 1) -> Sent:
    return Sent(spans[0].service, encode(columns(spans)), (position,), None)


def row(found: SpanTable, number: int) -> int:
    return int(np.flatnonzero(found.rows["span"] == number)[0])


def test_a_span_that_was_sent_twice_counts_once() -> None:
    assert len(table([sent([span(1), span(2)]), sent([span(2)])], 100)) == 2


def test_a_child_finds_its_parent_in_another_service_and_not_in_another_trace() -> None:
    found = table([sent([span(1), span(1, trace=2)]),
                   sent([span(2, 1, service="db"), span(3, 1, trace=3, service="db")])], 100)

    parent = found.parents[row(found, 2)]
    assert (found.rows["span"][parent], found.rows["trace_low"][parent]) == (1, 1)
    assert found.parents[row(found, 3)] == -1


def test_a_span_that_is_its_own_parent_has_none() -> None:
    assert table([sent([span(1, 1)])], 100).parents.tolist() == [-1]


def test_time_of_its_own_is_what_no_child_covers() -> None:
    found = table([sent([span(1, start=0, end=10), span(2, 1, 1, 3), span(3, 1, 2, 4), span(4, 1, 8, 12),
                         span(5, 4, 8, 12)])], 100)

    assert found.self_s[row(found, 1)] == pytest.approx(10 - 3 - 2)
    assert found.self_s[row(found, 4)] == pytest.approx(0)
    assert found.self_s[row(found, 2)] == pytest.approx(2)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 20), st.integers(0, 20)), max_size=12))
@settings(max_examples=200, deadline=None)
def test_covered_time_is_counted_second_by_second(children: list[tuple[int, int, int]]) -> None:
    parents = {number: (number, number + 12) for number in range(1, 5)}
    spans = [span(number, 0, *bounds) for number, bounds in parents.items()]
    spans += [span(100 + index, parent, start, start + length)
              for index, (parent, start, length) in enumerate(children)]
    found = table([sent(spans)], 100)

    for number, (start, end) in parents.items():
        free = [second for second in range(start, end) if not any(
            parent == number and begin <= second < begin + length for parent, begin, length in children)]
        assert found.self_s[row(found, number)] == pytest.approx(len(free), abs=1e-6)


def test_of_too_many_whole_traces_are_left_out_of_every_service_the_same() -> None:
    found = table([sent([span(number, trace=trace, service=service) for trace in range(1, 2001)])
                   for number, service in enumerate(("web", "shop"), 1)], 1000)

    traces = [set(found.rows["trace_low"][found.rows["service"] == service].tolist()) for service in (0, 1)]
    assert 800 < len(found) < 1200
    assert traces[0] == traces[1]


def test_each_span_knows_where_its_details_are() -> None:
    block = Sent("web", encode(columns([span(1), span(2), span(3)])), (10, 20), (1, 2))

    found = table([block, sent([span(4)], 30)], 100)

    assert {int(each["span"]): (int(each["position"]), int(each["place"])) for each in found.rows} == {
        1: (10, 0), 2: (20, 0), 3: (20, 1), 4: (30, 0)}


def test_nothing_is_a_table_as_well() -> None:
    assert len(table([], 100)) == 0
