"""Spans come back as they were sent, alone and put together from many parts."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestion.records import Span
from services.ingestion.span_columns import columns, decode, decode_details, encode, encode_details, joined, spans

texts = st.text(st.characters(codec="utf-8"), max_size=20)
times = st.integers(1, 2**63 - 1)
ids = st.binary(min_size=8, max_size=8).filter(any)
found_spans = st.lists(st.builds(
    Span, st.just("shop"), st.binary(min_size=16, max_size=16), ids, ids | st.just(b""), texts, texts, times, times,
    st.booleans(), texts, st.dictionaries(texts, texts, max_size=3)), min_size=1)


def bare(found: list[Span]) -> list[Span]:
    return [replace(span, status_message="", attributes={}) for span in found]


@settings(max_examples=50, deadline=None)
@given(found_spans)
def test_spans_come_back(found: list[Span]) -> None:
    assert spans("shop", decode(encode(columns(found)))) == bare(found)
    assert decode_details(encode_details(found)) == [(span.status_message, span.attributes) for span in found]


@settings(max_examples=50, deadline=None)
@given(st.lists(found_spans, max_size=4))
def test_parts_come_back_as_one(parts: list[list[Span]]) -> None:
    together, counts = joined([encode(columns(part)) for part in parts])

    assert spans("shop", together) == bare([span for part in parts for span in part])
    assert counts == [len(part) for part in parts]


def test_parent_of_no_valid_length_is_none() -> None:
    found = Span("shop", b"t" * 16, b"s" * 8, b"short", "GET", "server", 1, 2)

    assert spans("shop", columns([found]))[0].parent_span_id == b""
