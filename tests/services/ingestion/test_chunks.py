"""What is stored is what comes back, and how a sender cut its batches does not matter."""

import math
from collections.abc import Sequence

from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestion.chunks import decode_lines, encode_lines, metrics, unpacked
from services.ingestion.columns import Histogram, PointBuilder, decode_histograms, decode_points
from services.ingestion.intake import Intake
from services.ingestion.records import Line
from services.ingestion.settings import Settings
from tests.services.ingestion.senders import T0, gauge, logs, spans

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.integers(1, 2**63 - 1)
ids = st.binary(min_size=8, max_size=8)
lines = st.builds(Line, st.just("shop"), times, st.sampled_from(["", "INFO", "ERROR"]), texts, ids, ids, texts)
histograms = st.builds(
    lambda identifier, at, buckets, total: Histogram(
        identifier, at, 0, sum(count for _, count in buckets), total,
        [*(float(bound) for bound, _ in buckets), math.inf], [*(count for _, count in buckets), 0]),
    st.integers(1, 2**64 - 1), times, st.lists(st.tuples(st.integers(), st.integers(0, 2**40)), max_size=5),
    st.floats(allow_nan=False))


@settings(max_examples=50, deadline=None)
@given(st.lists(lines, min_size=1))
def test_lines_come_back(found: list[Line]) -> None:
    assert decode_lines("shop", encode_lines(found)) == found


def test_lines_of_some_patterns_are_read_alone() -> None:
    found = [Line("shop", number, "INFO", f"line {number}", pattern=pattern)
             for number, pattern in enumerate(("a", "b", "a"), 1)]

    assert decode_lines("shop", encode_lines(found), {"a"}) == [found[0], found[2]]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 2**64 - 1), times, times, st.floats(allow_nan=False)), min_size=1),
       st.lists(histograms))
def test_points_come_back(rows: list[tuple[int, int, int, float]], distributions: list[Histogram]) -> None:
    points = PointBuilder(histograms=distributions)
    for row in rows:
        points.add(*row)

    chunk = metrics("shop", points)

    stored = unpacked(chunk.columns)
    assert list(zip(*(column.tolist() for column in decode_points(stored.points)), strict=True)) == rows
    assert list(decode_histograms(stored.histograms)) == distributions
    assert chunk.series == {row[0] for row in rows} | {each.series_id for each in distributions}
    seen = [row[1] for row in rows] + [each.time for each in distributions]
    assert (chunk.first_at, chunk.last_at) == (min(seen), max(seen))
    assert sorted(chunk.times.tolist()) == sorted(seen)


def intake() -> Intake:
    return Intake(Settings(), lambda name, value: value)


def columns(found: Intake, kind: str, bodies: list[bytes]) -> list[tuple[float, ...]]:
    """Series, time and value of everything, the counts of one step added up."""
    totals: dict[tuple[int, int, float], float] = {}
    for body in bodies:
        for chunk in getattr(found, kind)("live", body, T0).chunks:
            stored = unpacked(chunk.columns)
            identifiers, at, starts, values = decode_points(stored.points)
            steps = at if kind == "metrics" else starts
            for identifier, step, value in zip(identifiers.tolist(), steps.tolist(), values.tolist(), strict=True):
                totals[identifier, step, 0.0] = totals.get((identifier, step, 0.0), 0.0) + value
            for point in decode_histograms(stored.histograms):
                for bound, count in zip(point.bounds, point.counts, strict=True):
                    if count:
                        key = point.series_id, point.start_time, bound
                        totals[key] = totals.get(key, 0.0) + count
    return sorted((*key, value) for key, value in totals.items())


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 12), st.permutations(range(12)))
def test_batches_that_are_cut_differently_give_the_same_columns(cut: int, order: list[int]) -> None:
    whole = [(index, float(index)) for index in range(12)]
    said = [(index * 3, f"order {index % 4} was placed by {'alice' if index % 2 else 'bob'}") for index in range(12)]
    rows = [("shop" if index % 2 else "orders", f"{index + 1:016x}", f"{index:016x}" if index else "", "see",
             float(index), index + 0.5) for index in range(12)]

    def request(kind: str, places: Sequence[int]) -> bytes:
        made: dict[str, Message] = {"metrics": gauge("shop", "m", [whole[place] for place in places]),
                                    "logs": logs("shop", [said[place] for place in places]),
                                    "traces": spans([rows[place] for place in places])}
        return made[kind].SerializeToString()
    parts = [part for part in (order[:cut], order[cut:]) if part]
    for kind in ("metrics", "logs", "traces"):
        assert columns(intake(), kind, [request(kind, range(12))]) == columns(
            intake(), kind, [request(kind, part) for part in parts]), kind
