"""Real senders against the running stack: the OpenTelemetry SDK's own exporters, live."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from afteraction.v1.evidence_pb2 import Observation, Window
from afteraction.v1.ingestion_service_pb2 import GetEvidenceRequest
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from services.cli.connection import Connection
from services.cli.demo.command import Stack, running
from shared.timestamps import to_proto

if TYPE_CHECKING:
    from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceAsyncStub

SERVICE = "greenhouse"


def emit(stack: Stack) -> None:
    """What an application instrumented with the SDK does, with the exporters as their documentation shows them."""
    resource = Resource.create({"service.name": SERVICE})
    endpoint = f"http://{stack.common.otlp_grpc_address}"
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint, insecure=True))
    meters = MeterProvider([reader], resource=resource)
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=True)))
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(endpoint=endpoint, insecure=True)))
    logger = logging.getLogger("greenhouse")
    logger.addHandler(LoggingHandler(logger_provider=logs))

    duration = meters.get_meter("test").create_histogram("http.server.request.duration", unit="s")
    for number in range(20):
        if number == 10:
            meters.force_flush()  # what is cumulative shows its increase with the second export
        with traces.get_tracer("test").start_as_current_span("GET /plants"):
            duration.record(0.05, {"http.route": "/plants", "http.request.method": "GET",
                                   "http.response.status_code": 200})
            logger.error("valve 7 does not answer")
    for provider in (meters, traces, logs):
        assert provider.force_flush()
        provider.shutdown()


async def observations(connection: Connection) -> list[Observation]:
    now = datetime.now(UTC)
    stub: IngestionServiceAsyncStub = connection.stub(IngestionServiceStub)
    request = GetEvidenceRequest(stream="live", services=[SERVICE], max_traces=5, max_patterns_per_service=10,
                                 max_log_records_per_service=5, max_series_per_service=50, window=Window(
        start=to_proto(now - timedelta(minutes=10)), end=to_proto(now + timedelta(minutes=1))))
    return [each async for part in stub.GetEvidence(request) for each in part.observations]


@pytest.mark.filterwarnings("ignore")
async def test_what_the_sdk_exports_is_there_when_its_flush_returns(tmp_path: Path) -> None:
    async with running(tmp_path) as stack, Connection(stack.common) as connection:
        await asyncio.to_thread(emit, stack)

        found = await observations(connection)

        series = [each.series.series.metric_name for each in found if each.HasField("series")]
        assert "http.server.request.duration" in series
        patterns = [each.log_pattern for each in found if each.HasField("log_pattern")]
        assert [each.count for each in patterns if "valve" in each.template] == [20]
        operation, = (each.operation for each in found if each.HasField("operation"))
        assert (operation.operation, operation.count) == ("GET /plants", 20)
        doctor_names_the_sender(stack)


def doctor_names_the_sender(stack: Stack) -> None:
    result = subprocess.run([sys.executable, "-m", "services.cli", "doctor", "--json"], capture_output=True, text=True,
                            check=True, env=os.environ | stack.environment)
    doors = {each["name"]: each for each in json.loads(result.stdout)["doors"]}
    assert SERVICE in [each["service"] for each in doors["otlp-grpc"]["senders"]]
    assert int(doors["otlp-grpc"]["accepted_items"]) >= 40
