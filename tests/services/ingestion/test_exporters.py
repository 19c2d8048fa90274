"""The OpenTelemetry SDK's own exporters, over gRPC and HTTP, against real servers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter

from services.ingestion import otlp_grpc
from shared.http import serving
from shared.rpc.server import Server
from shared.settings import Common
from tests.services.ingestion.conftest import Running

Exporters = Callable[[str, str], tuple[MetricExporter, SpanExporter]]


@pytest.fixture
async def endpoints(running: Running) -> AsyncIterator[tuple[str, str]]:
    """Where gRPC and HTTP are answered."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(
            "127.0.0.1:0", Common(), [running.parts.register_otlp], names=otlp_grpc.NAMES))
        port = await stack.enter_async_context(serving(running.parts.http, "127.0.0.1:0", Common()))
        yield f"http://127.0.0.1:{server.port}", f"http://127.0.0.1:{port}"


def over_grpc(grpc: str, http: str) -> tuple[MetricExporter, SpanExporter]:
    return GrpcMetrics(endpoint=grpc, insecure=True), GrpcSpans(endpoint=grpc, insecure=True)


def over_http(grpc: str, http: str) -> tuple[MetricExporter, SpanExporter]:
    return (HttpMetrics(endpoint=f"{http}/v1/metrics", compression=Compression.Gzip),
            HttpSpans(endpoint=f"{http}/v1/traces", compression=Compression.Deflate))


def emit(metrics: MetricExporter, spans: SpanExporter) -> bool:
    """What an instrumented application does; whether its flush says that all was taken."""
    resource = Resource.create({"service.name": "greenhouse"})
    meters = MeterProvider([PeriodicExportingMetricReader(metrics)], resource=resource)
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(SimpleSpanProcessor(spans))
    duration = meters.get_meter("test").create_histogram("http.server.request.duration", unit="s")
    with traces.get_tracer("test").start_as_current_span("GET /plants"):
        duration.record(0.05, {"http.route": "/plants"})
    is_taken = meters.force_flush() and traces.force_flush()
    meters.shutdown()
    traces.shutdown()
    return is_taken


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("exporters", "door"), [(over_grpc, "otlp-grpc"), (over_http, "otlp-http")])
async def test_what_the_sdk_flushes_is_stored(running: Running, endpoints: tuple[str, str], exporters: Exporters,
                                              door: str) -> None:
    assert await asyncio.to_thread(emit, *exporters(*endpoints))

    names = {series.metric_name for series in await running.series()}
    assert {"http.server.request.duration", "span.duration"} <= names
    sender, = (await running.door(door)).senders
    assert (sender.service, sender.user_agent[:10]) == ("greenhouse", "OTel-OTLP-")
