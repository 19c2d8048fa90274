"""Bodies as they arrive: part by part, cut off, or more than there is room for."""

from collections.abc import Iterator, Sequence

import pytest
from starlette.requests import Request
from starlette.types import Message

from services.ingestion.http_bodies import Bodies, TooLarge
from services.ingestion.room import Room
from shared.errors import InvalidArgument, ResourceExhausted
from shared.offload import Offload

LIMIT = 1_000


@pytest.fixture
def room() -> Room:
    return Room(3 * LIMIT)


@pytest.fixture
def bodies(room: Room) -> Iterator[Bodies]:
    with Offload(1) as offload:
        yield Bodies(room=room, offload=offload, most_bytes=LIMIT)


def request(parts: Sequence[bytes], *, is_cut_off: bool = False) -> Request:
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    messages.append({"type": "http.disconnect"} if is_cut_off else {"type": "http.request", "body": b""})
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)
    return Request({"type": "http", "method": "POST", "path": "/", "headers": []}, receive)


async def test_parts_become_one_body_and_their_room_is_given_back(bodies: Bodies, room: Room) -> None:
    assert await bodies.read(request([b"a" * 600, b"b" * 400])) == b"a" * 600 + b"b" * 400
    assert room.pending_bytes == 0


async def test_a_sender_that_hangs_up_leaves_nothing_behind(bodies: Bodies, room: Room) -> None:
    with pytest.raises(InvalidArgument, match="hung up"):
        await bodies.read(request([b"a" * 600], is_cut_off=True))

    assert room.pending_bytes == 0


async def test_reading_stops_at_the_limit(bodies: Bodies, room: Room) -> None:
    with pytest.raises(TooLarge, match="more than max_request_bytes"):
        await bodies.read(request([b"a" * 600] * 1_000))

    assert room.pending_bytes == 0


async def test_bodies_that_still_arrive_count_as_under_way(bodies: Bodies, room: Room) -> None:
    with room.hold(2 * LIMIT + 500), pytest.raises(ResourceExhausted):
        await bodies.read(request([b"a" * 400, b"b" * 400]))

    assert room.pending_bytes == 0
