"""A running ingestion: its own RPCs, OTLP over gRPC and the doors over HTTP, on a database of the test's own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1 import ingestion_service_pb2_grpc as rpc
from afteraction.v1.event_pb2 import Event
from afteraction.v1.series_pb2 import Series
from services.ingestion.columns import decode_points
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
    http: httpx2.AsyncClient

    async def rows(self, stream: str = "", after: int = 0) -> list[pb.TailResponse]:
        """What Tail says now, without heartbeats."""
        request = pb.TailRequest(after_position=after, stream=stream)
        return [row async for row in self.ingestion.Tail(request) if not row.is_heartbeat]

    async def events(self, stream: str = "") -> list[Event]:
        """The events that Tail hands out."""
        return [event for row in await self.rows(stream) for event in row.events]

    async def series(self, stream: str = "") -> list[Series]:
        """The definitions of series that Tail hands out."""
        return [series for row in await self.rows(stream) for series in row.series]

    async def points(self, stream: str = "") -> dict[str, list[tuple[int, float]]]:
        """By the name of the metric: time and value of every scalar point that Tail hands out."""
        names: dict[int, str] = {}
        found: dict[str, list[tuple[int, float]]] = {}
        for row in await self.rows(stream):
            names |= {series.id: series.metric_name for series in row.series}
            ids, times, _, values = decode_points(row.points)
            for identifier, time, value in zip(ids.tolist(), times.tolist(), values.tolist(), strict=True):
                found.setdefault(names[identifier], []).append((time, value))
        return found

    async def door(self, name: str) -> pb.Door:
        """What `afteraction doctor` knows of a door."""
        doors = (await self.ingestion.ListDoors(pb.ListDoorsRequest())).doors
        return next(each for each in doors if each.name == name)


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
async def running(pool_for: PoolFor, serve: Serve, set_clock: SetClock, settings: Settings) -> AsyncIterator[Running]:
    pool = await pool_for(SCHEMA, MIGRATIONS)
    async with AsyncExitStack() as stack:
        made = await stack.enter_async_context(parts(pool, settings, set_clock, {}))
        channel = await serve(made.register_service, made.register_otlp)
        http = await stack.enter_async_context(httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=made.http), base_url="http://127.0.0.1:4318"))
        yield Running(pool, made, channel.stub(rpc.IngestionServiceStub), channel.stub(MetricsServiceStub),
                      channel.stub(LogsServiceStub), channel.stub(TraceServiceStub), http)
