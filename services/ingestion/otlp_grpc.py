"""The three standard OTLP services over gRPC, reading requests as bytes."""

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import unquote

import grpc
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from services.ingestion.doors import Doors
from services.ingestion.intake import Decoded
from services.ingestion.reception import STREAM_KEY, Kind, Origin, Reception
from services.ingestion.watermark import LIVE
from shared.clock import Clock
from shared.rpc.server import Context, Registration

DOOR = "otlp-grpc"
NAMES = ("opentelemetry.proto.collector.metrics.v1.MetricsService", "opentelemetry.proto.collector.logs.v1.LogsService",
         "opentelemetry.proto.collector.trace.v1.TraceService")
METHODS = frozenset(f"/{name}/Export" for name in NAMES)


@dataclass(frozen=True, slots=True)
class Body:
    """A request that was not parsed: interceptors learn from DESCRIPTOR what it is."""

    data: bytes
    DESCRIPTOR: ClassVar[Any] = metrics_service_pb2.ExportMetricsServiceRequest.DESCRIPTOR


def registration(reception: Reception, doors: Doors, clock: Clock) -> Registration:
    """Adds the three services to a server."""
    def register(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers(tuple(
            grpc.method_handlers_generic_handler(name, {"Export": grpc.unary_unary_rpc_method_handler(
                _exporter(kind, reception, doors, clock), request_deserializer=Body,
                response_serializer=lambda message: message.SerializeToString())})
            for name, kind in zip(NAMES, (Kind.METRICS, Kind.LOGS, Kind.TRACES), strict=True)))
    return register


def _exporter(kind: Kind, reception: Reception, doors: Doors, clock: Clock) -> Any:
    async def export(request: Body, context: Context) -> Message:
        with doors.counting(DOOR, clock):
            return answer(kind, await reception.receive(kind, request.data, origin(context)))
    return export


def origin(context: Context) -> Origin:
    """Host, user agent and stream of a caller."""
    metadata = {str(key): value for key, value in context.invocation_metadata() or ()}
    return Origin(DOOR, host(unquote(context.peer())), _text(metadata.get("user-agent")),
                  _text(metadata.get(STREAM_KEY)) or LIVE)


def host(peer: str) -> str:
    """`ipv4:127.0.0.1:4711` without its port."""
    return peer.rpartition(":")[0] if peer.startswith(("ipv4:", "ipv6:")) else peer


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def answer(kind: Kind, decoded: Decoded) -> Message:
    """The response, with partial_success where something was turned away."""
    if kind is Kind.METRICS:
        metrics = metrics_service_pb2.ExportMetricsServiceResponse()
        if decoded.rejected:
            metrics.partial_success.rejected_data_points = decoded.rejected
            metrics.partial_success.error_message = decoded.message
        return metrics
    if kind is Kind.LOGS:
        logs = logs_service_pb2.ExportLogsServiceResponse()
        if decoded.rejected:
            logs.partial_success.rejected_log_records = decoded.rejected
            logs.partial_success.error_message = decoded.message
        return logs
    traces = trace_service_pb2.ExportTraceServiceResponse()
    if decoded.rejected:
        traces.partial_success.rejected_spans = decoded.rejected
        traces.partial_success.error_message = decoded.message
    return traces
