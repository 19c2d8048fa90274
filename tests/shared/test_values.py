"""Small values: windows, names, timestamps, tokens of pages, masks, etags."""

from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st

from shared import timestamps
from shared.clock import SetClock
from shared.errors import Aborted, InvalidArgument
from shared.names import deterministic_id, identifier, resource
from shared.rpc.etag import check_etag, etag
from shared.rpc.field_mask import masked_fields
from shared.rpc.paging import decode_token, encode_token, page_size
from shared.window import Window

AT = datetime(2026, 7, 5, 3, 47, tzinfo=UTC)
TIMES = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))


def test_window_is_half_open() -> None:
    window = Window(AT, AT + timedelta(minutes=23))

    assert AT in window
    assert window.end not in window
    assert not window.overlaps(Window(window.end, window.end + timedelta(minutes=1)))


def test_window_that_ends_before_it_begins_is_refused_with_both_times() -> None:
    with pytest.raises(InvalidArgument, match=r"03:20:00 is not after .* 03:47:00"):
        Window(AT, AT - timedelta(minutes=27))


@given(TIMES)
def test_time_survives_the_wire_to_the_microsecond(at: datetime) -> None:
    assert timestamps.from_proto(timestamps.to_proto(at)) == at
    assert timestamps.from_unix_ns(timestamps.to_unix_ns(at)) == at


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=400)))
def test_duration_survives_the_wire(duration: timedelta) -> None:
    message = timestamps.duration_to_proto(duration)

    assert message is not None
    assert timestamps.duration_from_proto(message) == duration


def test_time_that_was_not_set_is_none() -> None:
    assert timestamps.from_proto(None) is None
    assert timestamps.to_proto(None) is None


def test_name_gives_its_id_and_nothing_else_does() -> None:
    assert identifier("incidents", resource("incidents", "abc")) == "abc"
    for wrong in ("postmortems/abc", "incidents/", "incidents/a/b", "incidents", "incidents/a b", "incidents/é"):
        with pytest.raises(InvalidArgument, match="incidents"):
            identifier("incidents", wrong)


def test_ids_depend_on_every_part_and_on_its_place() -> None:
    assert deterministic_id("a", "b") == deterministic_id("a", "b")
    assert len({deterministic_id("a", "b"), deterministic_id("ab"), deterministic_id("b", "a"),
                deterministic_id("a", "b", "")}) == 4


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_page_token_gives_back_its_key(key: list[str]) -> None:
    assert decode_token(encode_token(*key), len(key)) == tuple(key)


@pytest.mark.parametrize("token", ["garbage", "W10", encode_token("one"), "e30", "💥"])
def test_foreign_page_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidArgument, match="page_token"):
        decode_token(token, 2)


def test_page_size_has_a_default_and_a_limit() -> None:
    assert (page_size(0), page_size(7), page_size(10**6)) == (50, 7, 1000)


def test_update_mask_names_what_may_change() -> None:
    assert masked_fields(FieldMask(paths=["title"]), {"title", "tags"}) == {"title"}
    assert masked_fields(FieldMask(paths=["*"]), {"title", "tags"}) == {"title", "tags"}
    with pytest.raises(InvalidArgument, match="name cannot be changed; it may name tags, title"):
        masked_fields(FieldMask(paths=["name", "title"]), {"title", "tags"})
    with pytest.raises(InvalidArgument, match="is empty"):
        masked_fields(FieldMask(), {"title"})


def test_stale_etag_is_refused_and_an_empty_one_does_not_care() -> None:
    present = etag("incidents/a", 2)

    check_etag("", present, "incidents/a")
    check_etag(present, present, "incidents/a")
    with pytest.raises(Aborted, match="read it again"):
        check_etag(etag("incidents/a", 1), present, "incidents/a")


def test_set_clock_moves_only_when_it_is_moved() -> None:
    clock = SetClock(AT)
    clock.advance(90)

    assert clock.now() == AT + timedelta(seconds=90)
    clock.set(AT)
    assert clock.now() == AT
