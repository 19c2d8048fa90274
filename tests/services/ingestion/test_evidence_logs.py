"""Patterns of a window, counted from what was derived when their lines came in."""

from collections.abc import Sequence

import numpy as np

from afteraction.v1 import series_pb2
from afteraction.v1.evidence_pb2 import PATTERN_CHANGE_BURST, PATTERN_CHANGE_GONE, PATTERN_CHANGE_NEW
from services.ingestion import evidence_logs
from services.ingestion.columns import encode_points
from services.ingestion.evidence_logs import Counts, Found
from services.ingestion.evidence_series import Span as Interval
from services.ingestion.records import Line

SECOND, MINUTE = 1_000_000_000, 60_000_000_000
INTERVAL = Interval(before=0, until=60 * MINUTE, start=60 * MINUTE, end=70 * MINUTE)
DEFINITIONS = {
    number: series_pb2.Series(id=number, service="shop", attributes={"pattern": name, "severity": severity})
    for number, name, severity in (
        (1, "usual", "INFO"), (2, "fresh", "ERROR"), (3, "over", "WARN"), (4, "more", "INFO"))
}


def counts(*points: tuple[int, float, float, int]) -> Counts:
    """points: series, minute of its last line, lines, position of the chunk."""
    return Counts([((position,), None, encode_points(
        np.array([series], "u8"), np.array([int(minute * MINUTE)], "i8"),
        np.array([int(minute * MINUTE) - 10 * SECOND], "i8"), np.array([lines], "f8")))
        for series, minute, lines, position in points])


def windows(found: Counts) -> dict[str, Found]:
    return {one.message.pattern: one for one in evidence_logs.windows(found, DEFINITIONS, {}, INTERVAL, 10)}


def test_new_burst_and_gone_patterns_are_told_apart() -> None:
    usual: Sequence[tuple[int, float, float, int]] = [(1, minute + 0.5, 10, 1) for minute in range(70)]
    found = windows(counts(*usual, (2, 65.5, 7, 9), *[(3, minute + 0.5, 3, 2) for minute in range(60)],
                           *[(4, minute + 0.5, 1, 3) for minute in range(60)], (4, 64.5, 200, 4)))

    assert found["fresh"].message.change == PATTERN_CHANGE_NEW
    assert (found["fresh"].message.count, found["fresh"].message.severity) == (7, "ERROR")
    assert found["over"].message.change == PATTERN_CHANGE_GONE
    assert found["more"].message.change == PATTERN_CHANGE_BURST
    assert (found["usual"].message.count, found["usual"].message.baseline_count) == (100, 600)


def test_lines_are_counted_in_their_minutes() -> None:
    found = windows(counts((2, 61.5, 3, 1), (2, 61.9, 2, 2), (2, 69.5, 4, 3)))

    assert list(found["fresh"].message.counts_per_minute) == [0, 5, 0, 0, 0, 0, 0, 0, 0, 4]


def test_the_example_is_read_from_the_chunk_of_the_first_line() -> None:
    (found,) = windows(counts((2, 65.5, 7, 30), (2, 63.5, 1, 20))).values()

    assert evidence_logs.chunks_of_examples([found]) == [20]


def test_the_example_is_read_from_the_chunk_within_a_block() -> None:
    points = encode_points(np.full(3, 2, "u8"), np.array([61, 63, 65], "i8") * MINUTE,
                           np.array([61, 63, 65], "i8") * MINUTE - 10 * SECOND, np.ones(3))

    (found,) = windows(Counts([((10, 20), (1, 2), points)])).values()

    assert evidence_logs.chunks_of_examples([found]) == [10]


def test_chunks_with_lines_of_the_window_are_named() -> None:
    found = counts((2, 50.5, 7, 30), (1, 63.5, 1, 20), (3, 69.9, 1, 10), (3, 71, 1, 40))

    assert found.chunks(INTERVAL) == [10, 20]


def test_the_example_is_the_earliest_line_of_the_window() -> None:
    (found,) = windows(counts((2, 63.5, 2, 20))).values()
    lines = [Line("shop", int(minute * MINUTE), "ERROR", f"at {minute}", pattern="fresh")
             for minute in (59, 63.4, 63.2)]

    evidence_logs.give_examples([found], lines, INTERVAL)

    assert found.message.example == "at 63.2"
    assert found.message.first_seen_at.ToNanoseconds() == int(63.2 * MINUTE)
