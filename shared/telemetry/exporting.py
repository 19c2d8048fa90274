"""Our own traces and metrics, sent over OTLP where the settings name an endpoint, and nowhere otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from shared.settings import Common


@contextmanager
def exporting(service: str, common: Common) -> Iterator[None]:
    """Exports what this process measures of itself while the block lasts; flushed at its end."""
    if not common.otlp_export_endpoint:
        yield
        return
    resource = Resource.create({"service.name": f"afteraction-{service}"})
    insecure = common.otlp_export_endpoint.startswith("http://")
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(common.otlp_export_endpoint, insecure=insecure)))
    metering = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(common.otlp_export_endpoint,
                                                                               insecure=insecure))], resource)
    trace.set_tracer_provider(tracing)
    metrics.set_meter_provider(metering)
    try:
        yield
    finally:
        tracing.shutdown()
        metering.shutdown()
