"""The door's keeper: who may come in, and who is told to come back."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import cast

import pytest

from services.ingestion.committer import Committer
from services.ingestion.doors import Doors
from services.ingestion.intake import Decoded, Intake
from services.ingestion.reception import Kind, Origin, Reception
from services.ingestion.room import Room
from services.ingestion.settings import Settings
from services.ingestion.store.log import Entry, TelemetryLog
from shared.clock import SetClock
from shared.errors import InvalidArgument, ResourceExhausted, Unavailable
from shared.offload import Offload
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.senders import gauge, spans


@pytest.fixture
def settings() -> Settings:
    return Settings(max_request_bytes=2_000, max_pending_bytes=2_000)


async def test_sender_is_told_to_come_back_before_memory_runs_out(running: Running) -> None:
    request = gauge("shop", "cpu", [(second, 1.0) for second in range(60)])
    assert 1_000 < request.ByteSize() < 2_000

    answers = await asyncio.gather(*(running.metrics.Export(gauge("shop", f"cpu{place}", [
        (second, 1.0) for second in range(60)])) for place in range(20)), return_exceptions=True)

    refused = [answer for answer in answers if isinstance(answer, ResourceExhausted)]
    assert refused
    assert {answer.retry_after_s for answer in refused} == {2.0}
    assert len(refused) + len(await running.rows()) == 20
    # There is room again.
    await running.metrics.Export(request)


async def test_request_that_is_too_large_names_the_limit(running: Running) -> None:
    with pytest.raises(InvalidArgument, match="max_request_bytes"):
        await running.metrics.Export(gauge("shop", "cpu", [(second, 1.0) for second in range(120)]))


class Gate:
    """A committer whose entries become durable, or do not, when the test says so."""

    def __init__(self) -> None:
        self.queued: list[asyncio.Future[int]] = []
        self.has_more = asyncio.Event()

    def queue(self, entry: Entry, *, sender: str, size: int) -> "asyncio.Future[int]":
        self.queued.append(asyncio.get_running_loop().create_future())
        self.has_more.set()
        return self.queued[-1]


class Nothing:
    """A log in which nothing is stored yet."""

    async def patterns(self, stream: str) -> list[object]:
        return []

    async def spans(self, stream: str, since: datetime) -> list[object]:
        return []


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def offload() -> Iterator[Offload]:
    with Offload(1) as found:
        yield found


@pytest.fixture
def reception(gate: Gate, set_clock: SetClock, offload: Offload) -> Reception:
    return Reception(intake=Intake(Settings(), lambda name, value: value), committer=cast(Committer, gate),
                     log=cast(TelemetryLog, Nothing()), doors=Doors({}), offload=offload, settings=Settings(),
                     clock=set_clock, room=Room(10**9))


def trace(*numbers: int) -> bytes:
    return spans([("shop", f"{number:016x}", "", "GET", 0, 1) for number in numbers]).SerializeToString()


async def begun(gate: Gate, reception: Reception, body: bytes) -> "asyncio.Task[Decoded]":
    gate.has_more.clear()
    task = asyncio.create_task(reception.receive(Kind.TRACES, body, Origin("otlp-grpc")))
    await gate.has_more.wait()
    return task


async def decoded(offload: Offload, reception: Reception, body: bytes) -> "asyncio.Task[Decoded]":
    """A request that is read, and waits."""
    task = asyncio.create_task(reception.receive(Kind.TRACES, body, Origin("otlp-grpc")))
    await asyncio.sleep(0)
    await offload.run(int)  # the one thread has done what came before
    return task


async def test_who_sends_the_same_span_waits_for_the_one_that_brought_it_first(
        gate: Gate, reception: Reception, offload: Offload) -> None:
    first = await begun(gate, reception, trace(1, 2))
    second = await decoded(offload, reception, trace(2, 3))
    gate.has_more.clear()

    gate.queued[0].set_result(1)
    await first
    await gate.has_more.wait()
    gate.queued[1].set_result(2)

    assert [len(chunk.times) for chunk in (await second).chunks] == [1]


async def test_when_the_first_was_not_stored_the_second_is_told_to_try_again_and_takes_the_span(
        gate: Gate, reception: Reception, offload: Offload) -> None:
    first = await begun(gate, reception, trace(1, 2))
    second = await decoded(offload, reception, trace(2, 3))
    gate.queued[0].set_exception(ConnectionError("gone"))

    with pytest.raises(ConnectionError):
        await first
    with pytest.raises(Unavailable, match="try again"):
        await second
    again = await begun(gate, reception, trace(2, 3))
    gate.queued[1].set_result(1)

    assert [len(chunk.times) for chunk in (await again).chunks] == [2]


async def test_a_sender_that_hangs_up_does_not_undo_what_is_stored(gate: Gate, reception: Reception) -> None:
    first = await begun(gate, reception, trace(1))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    gate.queued[0].set_result(1)

    assert (await reception.receive(Kind.TRACES, trace(1), Origin("otlp-http"))).chunks == ()
