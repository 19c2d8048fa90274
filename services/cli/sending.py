"""Sends telemetry and events into a stream through the public doors, several requests at a time, and loses nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

from afteraction.v1.event_pb2 import Event
from afteraction.v1.ingestion_service_pb2 import MarkTimeRequest, RecordEventsRequest
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from services.cli.connection import Connection
from shared.errors import ResourceExhausted, Unavailable
from shared.timestamps import to_proto

if TYPE_CHECKING:
    from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceAsyncStub

# Requests under way at the same time: enough to keep ingestion busy while we encode the next.
_IN_FLIGHT = 4
_EVENTS_AT_ONCE = 1000
# How often a request is sent again that ingestion had no room for; each time after as long as it asked for.
_ATTEMPTS = 50


@dataclass(slots=True)
class Sent:
    """What has gone out and was acknowledged, and what ingestion refused of it."""

    points: int = 0
    lines: int = 0
    spans: int = 0
    events: int = 0
    rejected: int = 0
    refusal: str = ""


class Sender:
    """One sender of one stream.

    async with Sender(connection, "demo") as sender:
        await sender.send(metrics_request)
        await sender.mark(at)          # waits until all before it is acknowledged
    """

    def __init__(self, connection: Connection, stream: str) -> None:
        self.stream = stream
        self.sent = Sent()
        self._metadata = (("afteraction-stream", stream),)
        self._ingestion: IngestionServiceAsyncStub = connection.stub(IngestionServiceStub)
        self._doors: dict[type[Message], Callable[..., Awaitable[Any]]] = {
            ExportMetricsServiceRequest: connection.stub(MetricsServiceStub).Export,
            ExportLogsServiceRequest: connection.stub(LogsServiceStub).Export,
            ExportTraceServiceRequest: connection.stub(TraceServiceStub).Export,
        }
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Sender":
        return self

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is None:
            await self.settle()
        for task in self._under_way:
            task.cancel()

    async def send(self, request: Message) -> None:
        """Sends an OTLP request; returns when there is room for the next."""
        while len(self._under_way) >= _IN_FLIGHT:
            await self._one_of(self._under_way)
        self._under_way.add(asyncio.create_task(self._export(request)))

    async def record(self, events: Sequence[Event]) -> None:
        """Records events, after all telemetry sent before."""
        await self.settle()
        for first in range(0, len(events), _EVENTS_AT_ONCE):
            request = RecordEventsRequest(stream=self.stream, events=events[first:first + _EVENTS_AT_ONCE])
            response = await _insisting(partial(self._ingestion.RecordEvents, request))
            self.sent.events += response.recorded

    async def mark(self, complete_until: datetime, *, is_last: bool = False) -> int:
        """Tells how far the stream has come, once everything before is acknowledged; returns the mark's position."""
        await self.settle()
        request = MarkTimeRequest(stream=self.stream, complete_until=to_proto(complete_until), is_last=is_last)
        response = await _insisting(lambda: self._ingestion.MarkTime(request))
        return int(response.position)

    async def settle(self) -> None:
        """Waits until everything sent so far is acknowledged."""
        while self._under_way:
            await self._one_of(self._under_way)

    async def _one_of(self, tasks: set[asyncio.Task[None]]) -> None:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        self._under_way -= done
        for task in done:
            task.result()

    async def _export(self, request: Message) -> None:
        response = await _insisting(lambda: self._doors[type(request)](request, metadata=self._metadata))
        refused = response.partial_success
        match request:
            case ExportMetricsServiceRequest():
                rejected = refused.rejected_data_points
                self.sent.points += _points(request) - rejected
            case ExportLogsServiceRequest():
                rejected = refused.rejected_log_records
                self.sent.lines += sum(len(scope.log_records) for each in request.resource_logs
                                       for scope in each.scope_logs) - rejected
            case ExportTraceServiceRequest():
                rejected = refused.rejected_spans
                self.sent.spans += sum(len(scope.spans) for each in request.resource_spans
                                       for scope in each.scope_spans) - rejected
            case _:
                raise TypeError(f"{type(request).__name__} is no request of OTLP")
        if rejected:
            self.sent.rejected += rejected
            self.sent.refusal = refused.error_message


async def _insisting(attempt: Callable[[], Awaitable[Any]]) -> Any:
    """What `attempt` returns, made again as long as the server asks to come back later."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await attempt()
        except (ResourceExhausted, Unavailable) as error:
            if error.retry_after_s is None:
                raise
            await asyncio.sleep(error.retry_after_s)
    return await attempt()


def _points(request: ExportMetricsServiceRequest) -> int:
    return sum(len(getattr(metric, metric.WhichOneof("data") or "gauge").data_points)
               for each in request.resource_metrics for scope in each.scope_metrics for metric in scope.metrics)
