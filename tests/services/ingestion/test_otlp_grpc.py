"""OTLP over gRPC, to the letter of its specification."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub

from services.ingestion import otlp_grpc
from services.ingestion.settings import Settings
from shared.errors import Unauthenticated
from shared.rpc.server import Server
from shared.rpc.status import DETAILS_KEY
from shared.settings import Common
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.senders import T0, gauge

Stub = MetricsServiceStub
LIMIT = 256 * 1024


@pytest.fixture
def settings() -> Settings:
    return Settings(max_request_bytes=LIMIT, max_pending_bytes=LIMIT)


@pytest.fixture
async def stub(running: Running, settings: Settings) -> AsyncIterator[Stub]:
    """As a sender has it: a plain channel, none of our own client's retries."""
    async with (Server("127.0.0.1:0", Common(), [running.parts.register_otlp], names=otlp_grpc.NAMES,
                       max_message_bytes=settings.max_request_bytes) as server,
                grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel):
        yield MetricsServiceStub(channel)  # type: ignore[no-untyped-call]


def retry_delay_s(error: grpc.aio.AioRpcError) -> float | None:
    """What RetryInfo says; None where there is none, which tells a sender not to come back."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            for detail in Status.FromString(value).details:
                info = RetryInfo()
                if detail.Unpack(info):
                    return float(info.retry_delay.ToTimedelta().total_seconds())
    return None


async def refusal(stub: Stub, request: ExportMetricsServiceRequest | bytes, **options: object) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Export(request, **options)
    return caught.value


async def test_gzip_is_read(running: Running, stub: Stub) -> None:
    await stub.Export(gauge("checkout", "queue.depth", [(0, 3.0)]), compression=grpc.Compression.Gzip)

    assert await running.points() == {"queue.depth": [(T0, 3.0)]}


async def test_what_expands_beyond_the_limit_is_refused_for_good(stub: Stub) -> None:
    bomb = gauge("a" * (LIMIT + 1), "queue.depth", [(0, 3.0)])

    for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
        error = await refusal(stub, bomb, compression=compression)
        # Without RetryInfo this code is one that a sender must not repeat.
        assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)


async def test_too_much_under_way_says_when_to_come_back(running: Running, stub: Stub) -> None:
    with running.parts.room.hold(LIMIT):
        error = await refusal(stub, gauge("checkout", "queue.depth", [(0, 3.0)]))

    assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, 2.0)
    assert (await running.door("otlp-grpc")).rejected_requests == 1


async def test_a_senders_mistake_is_not_to_be_repeated(running: Running, stub: Stub) -> None:
    error = await refusal(stub, gauge("checkout", "queue.depth", [(0, 3.0)]),
                          metadata=(("afteraction-stream", "no such/stream"),))

    assert (error.code(), retry_delay_s(error)) == (grpc.StatusCode.INVALID_ARGUMENT, None)
    assert "stream" in (await running.door("otlp-grpc")).last_error


async def test_partial_success_says_how_many_and_why(stub: Stub) -> None:
    answer = await stub.Export(gauge("checkout", "queue.depth", [(0, 3.0), (1, float("nan"))]))

    assert answer.partial_success.rejected_data_points == 1
    assert answer.partial_success.error_message == "1: the value is not a finite number"


async def test_an_empty_request_is_taken(running: Running, stub: Stub) -> None:
    await stub.Export(ExportMetricsServiceRequest())

    assert (await running.door("otlp-grpc")).accepted_requests == 1


async def test_many_at_once_are_all_stored(running: Running, stub: Stub) -> None:
    requests = [gauge("checkout", "queue.depth", [(number, 1.0)], worker=str(number)) for number in range(20)]

    await asyncio.gather(*(stub.Export(request) for request in requests))

    assert len((await running.points())["queue.depth"]) == 20


async def test_calls_that_were_not_let_in_are_counted_with_their_door(running: Running) -> None:
    error = Unauthenticated("no valid token", reason="BAD_TOKEN")

    running.parts.refused("/opentelemetry.proto.collector.trace.v1.TraceService/Export", error)
    running.parts.refused("/afteraction.v1.IngestionService/RecordEvents", error)
    running.parts.refused("/afteraction.v1.IngestionService/Tail", error)

    for name in ("otlp-grpc", "events"):
        door = await running.door(name)
        assert (door.rejected_requests, door.last_error) == (1, "no valid token")
