"""A running ingestion: its own RPCs and OTLP over gRPC, on a database of the test's own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1 import ingestion_service_pb2_grpc as rpc
from services.ingestion.compose import MIGRATIONS, SCHEMA, Parts, parts
from services.ingestion.settings import Settings
from shared.clock import SetClock
from shared.postgres.pool import Pool
from tests.conftest import PoolFor, Serve


@dataclass
class Running:
    """Stubs of everything that ingestion answers."""

    pool: Pool
    parts: Parts
    ingestion: "rpc.IngestionServiceAsyncStub"
    metrics: Any
    logs: Any
    traces: Any

    async def rows(self, stream: str = "", after: int = 0) -> list[pb.TailResponse]:
        """What Tail says now, without heartbeats."""
        request = pb.TailRequest(after_position=after, stream=stream)
        return [row async for row in self.ingestion.Tail(request) if not row.is_heartbeat]


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
async def running(pool_for: PoolFor, serve: Serve, set_clock: SetClock, settings: Settings) -> AsyncIterator[Running]:
    pool = await pool_for(SCHEMA, MIGRATIONS)
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(parts(pool, settings, set_clock, {}))
        channel = await serve(made.register_service, made.register_otlp)
        yield Running(pool, made, channel.stub(rpc.IngestionServiceStub), channel.stub(MetricsServiceStub),
                      channel.stub(LogsServiceStub), channel.stub(TraceServiceStub))
