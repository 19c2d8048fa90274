"""A block holds what its chunks held, in their order."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestion import span_columns
from services.ingestion.blocks import Part, joined_histograms, merged
from services.ingestion.chunks import Chunk, Signal, metrics, spans, unpacked
from services.ingestion.columns import (
    Histogram,
    PointBuilder,
    decode_histograms,
    decode_points,
    encode_histograms,
)
from services.ingestion.records import Span

AT = datetime(2026, 7, 5, tzinfo=UTC)
HOUR = 3_600_000_000_000
histograms = st.builds(
    lambda identifier, at, counts: Histogram(identifier, at, at - 1, sum(counts), 1.0,
                                             [float(bound) for bound in range(len(counts))], counts),
    st.integers(1, 9), st.integers(1, 99), st.lists(st.integers(0, 9), min_size=1, max_size=5))


def parts(chunks: Sequence[Chunk]) -> list[Part]:
    return [Part(position, AT + timedelta(seconds=position), chunk.first_at, chunk.last_at, chunk.columns, chunk.raw)
            for position, chunk in enumerate(chunks, 1)]


def points(*rows: tuple[int, int, float]) -> PointBuilder:
    found = PointBuilder()
    for identifier, at, value in rows:
        found.add(identifier, at, at - 1, value)
    return found


@given(st.lists(st.lists(histograms, max_size=3), max_size=4))
@settings(max_examples=50, deadline=None)
def test_histograms_are_joined_in_order(found: list[list[Histogram]]) -> None:
    joined = joined_histograms([encode_histograms(each) for each in found])

    assert list(decode_histograms(joined) if joined.series_ids else ()) == [point for each in found for point in each]


def test_points_of_one_hour_make_one_block() -> None:
    chunks = [metrics("shop", points((1, 10, 1.0), (2, 20, 2.0))), metrics("shop", points((1, 30, 3.0)))]

    (block,) = merged(Signal.METRICS, parts(chunks))

    ids, times, starts, values = decode_points(unpacked(block.columns).points)
    assert (ids.tolist(), times.tolist(), starts.tolist(), values.tolist()) == (
        [1, 2, 1], [10, 20, 30], [9, 19, 29], [1.0, 2.0, 3.0])
    assert (block.positions, block.lengths, block.position) == ((1, 2), (2, 1), 2)
    assert (block.first_at, block.last_at, block.arrived_at) == (10, 30, AT + timedelta(seconds=2))


def test_a_backfill_makes_a_block_of_each_hour() -> None:
    chunks = [metrics("shop", points((1, hour * HOUR + 1, 1.0))) for hour in (1, 2, 1)]

    assert [block.positions for block in merged(Signal.METRICS, parts(chunks))] == [(1, 3), (2,)]


def test_spans_are_counted_by_chunk_also_where_one_brought_points_alone() -> None:
    def span(number: int) -> Span:
        return Span("shop", b"t" * 16, number.to_bytes(8, "big"), b"", f"GET /{number}", "server", number, number + 1)

    chunks = [spans("shop", points((1, 5, 1.0)), [span(1), span(2)]), spans("shop", points((2, 6, 1.0)), []),
              spans("shop", PointBuilder(), [span(3)])]

    (block,) = merged(Signal.SPANS, parts(chunks))

    assert block.raw
    assert span_columns.spans("shop", span_columns.decode(block.raw)) == [span(1), span(2), span(3)]
    assert block.lengths == (2, 0, 1)
    assert decode_points(unpacked(block.columns).points)[0].tolist() == [1, 2]
