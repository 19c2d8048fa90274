"""Errors, validation, tokens and deadlines, through a real server and our own client."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1 import memory_service_pb2_grpc as rpc
from shared.errors import (
    AfteractionError,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unauthenticated,
    Unimplemented,
    Violation,
)
from shared.rpc.client import Channel
from shared.rpc.server import Context, Registration, Server
from shared.settings import Common
from tests.conftest import Serve


class Memory(rpc.MemoryServiceServicer):
    """Answers every search with one error, or never."""

    def __init__(self, error: Exception | None) -> None:
        self._error = error

    async def SearchSimilar(self, request: pb.SearchSimilarRequest, context: Context) -> pb.SearchSimilarResponse:
        if self._error is None:
            await asyncio.Event().wait()
        else:
            raise self._error
        return pb.SearchSimilarResponse()

    async def WatchSimilar(self, request: pb.WatchSimilarRequest,
                           context: Context) -> AsyncIterator[pb.SearchSimilarResponse]:
        yield pb.SearchSimilarResponse(version=1)
        if self._error is not None:
            raise self._error


def register(error: Exception | None = None) -> Registration:
    return lambda server: rpc.add_MemoryServiceServicer_to_server(Memory(error), server)  # type: ignore[abstract]


def search(channel: Channel) -> "rpc.MemoryServiceAsyncStub":
    return channel.stub(rpc.MemoryServiceStub)


REQUEST = pb.SearchSimilarRequest(query=pb.Query(text="pool exhausted"))


@pytest.mark.parametrize("error", [
    NotFound("no document documents/x", reason="NO_DOCUMENT", resource="documents/x"),
    FailedPrecondition("not ready to publish", reason="NOT_READY", resource="postmortems/p",
                       violations=[Violation("owner", "missing"), Violation("due_date", "missing")]),
    ResourceExhausted("too much at once", reason="BACKPRESSURE", retry_after_s=2.5),
    InvalidArgument("window.end is not after window.start", reason="EMPTY_WINDOW", field="window.end"),
])
async def test_error_arrives_as_it_was_raised(serve: Serve, error: AfteractionError) -> None:
    channel = await serve(register(error))

    with pytest.raises(type(error)) as caught:
        await search(channel).SearchSimilar(REQUEST)

    for field in ("message", "reason", "resource", "violations", "retry_after_s"):
        assert getattr(caught.value, field) == getattr(error, field), field


async def test_error_in_a_stream_arrives_after_what_came_before(serve: Serve) -> None:
    channel = await serve(register(NotFound("gone", reason="GONE", resource="documents/x")))
    versions: list[int] = []

    with pytest.raises(NotFound, match="gone"):
        async for answer in search(channel).WatchSimilar(pb.WatchSimilarRequest(search=REQUEST)):
            versions += [answer.version]

    assert versions == [1]


async def test_defect_leaks_nothing(serve: Serve) -> None:
    channel = await serve(register(ValueError("secret detail")))

    with pytest.raises(Internal) as caught:
        await search(channel).SearchSimilar(REQUEST)

    assert "secret" not in str(caught.value)


async def test_invalid_request_names_every_field(serve: Serve) -> None:
    channel = await serve(register())

    with pytest.raises(InvalidArgument) as caught:
        await search(channel).SearchSimilar(pb.SearchSimilarRequest(limit=5000, method="magic"))

    assert {each.subject for each in caught.value.violations} == {"query", "limit", "method"}


async def test_call_without_the_token_is_refused(serve: Serve) -> None:
    channel = await serve(register(NotFound("reached", reason="REACHED")), common=Common(token="right"))
    async with Channel(channel.address, Common(token="wrong")) as stranger:
        with pytest.raises(Unauthenticated):
            await search(stranger).SearchSimilar(REQUEST)
    with pytest.raises(NotFound, match="reached"):
        await search(channel).SearchSimilar(REQUEST)


async def test_a_call_that_was_not_let_in_is_told_of() -> None:
    heard: list[tuple[str, str]] = []
    async with (
        Server("127.0.0.1:0", Common(token="right"), [register()], names=(),
               refused=lambda method, error: heard.append((method, error.reason))) as server,
        Channel(f"127.0.0.1:{server.port}", Common(token="wrong")) as stranger,
    ):
        with pytest.raises(Unauthenticated):
            await search(stranger).SearchSimilar(REQUEST)

    assert heard == [("/afteraction.v1.MemoryService/SearchSimilar", "BAD_TOKEN")]


async def test_call_that_takes_too_long_ends_at_its_deadline(serve: Serve) -> None:
    channel = await serve(register())

    with pytest.raises(DeadlineExceeded):
        await search(channel).SearchSimilar(REQUEST, timeout=0.2)


async def test_call_that_the_server_does_not_know_says_so(serve: Serve) -> None:
    channel = await serve()

    with pytest.raises(Unimplemented):
        await search(channel).SearchSimilar(REQUEST)


async def test_health_can_be_watched(serve: Serve) -> None:
    channel = await serve(register())

    async for answer in channel.stub(HealthStub).Watch(HealthCheckRequest()):
        assert answer.status == HealthCheckResponse.SERVING
        break
