"""What no sender means to send, at every door: a clear answer, no 5xx, and the door works afterwards."""

import gzip
import math
import random
from collections.abc import Sequence

import orjson
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from services.ingestion.http_bodies import UnsupportedMedia
from services.ingestion.intake import Intake
from services.ingestion.otlp_json import to_protobuf
from services.ingestion.reception import Kind
from services.ingestion.settings import Settings
from services.ingestion.webhooks.server import webhooks
from shared.clock import SetClock
from shared.errors import AfteractionError
from shared.redaction import Redactor
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.prometheus_requests import V1, V2, native, snappy, write_1, write_2
from tests.services.ingestion.senders import T0, gauge, logs, spans
from tests.services.ingestion.webhooks.deliveries import REAL, delivery, sample

PROTOBUF = {"content-type": "application/x-protobuf"}
JSON = {"content-type": "application/json"}
LABELS = {"__name__": "http_requests_total", "job": "checkout"}
FUZZ = hypothesis_settings(max_examples=150, deadline=None,
                           suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


async def test_nul_is_taken_out_of_every_text(running: Running) -> None:
    """PostgreSQL holds it in no text: one of them would fail the commit of everybody in the group."""
    requests: list[tuple[str, bytes, dict[str, str]]] = [
        ("/v1/metrics", gauge("a\0b", "depth", [(0, 1.0)], x="y\0z").SerializeToString(), PROTOBUF),
        ("/v1/logs", logs("a\0b", [(0, "disk \0 full")]).SerializeToString(), PROTOBUF),
        ("/v1/traces", spans([("a\0b", "b" * 16, "", "GET\0 /", 0, 1)]).SerializeToString(), PROTOBUF),
        ("/api/v1/write", snappy(write_1([({"__name__": "x\0", "job": "a\0b", "z\0": "\0"}, [(0, 1.0)])])), V1),
        ("/webhooks/alertmanager", orjson.dumps({"alerts": [{
            "status": "firing", "startsAt": "2026-07-05T03:00:00Z",
            "labels": {"alertname": "x\0", "job": "a\0b"}}]}), JSON),
        ("/webhooks/events", orjson.dumps({"id": "1\0", "service": "a\0b", "note": {"text": "\0x"}}), JSON)]
    for path, body, headers in requests:
        answer = await running.http.post(path, content=body, headers=headers)
        assert answer.is_success, (path, answer.text)

    services = {series.service for series in await running.series()}
    assert services | {event.service for event in await running.events()} == {"ab"}


async def test_numbers_that_are_none_and_spans_that_end_before_they_start(running: Running) -> None:
    values = [(0, math.nan), (1, math.inf), (2, -math.inf), (3, 1.0)]
    metrics = await running.http.post("/v1/metrics", content=gauge("a", "m", values).SerializeToString(),
                                      headers=PROTOBUF)
    backwards = spans([("a", "b" * 16, "", "GET /", 5, 1), ("a", "c" * 16, "", "GET /", 1, 1)])
    traces = await running.http.post("/v1/traces", content=backwards.SerializeToString(), headers=PROTOBUF)

    assert ExportMetricsServiceResponse.FromString(metrics.content).partial_success.rejected_data_points == 3
    partial = ExportTraceServiceResponse.FromString(traces.content).partial_success
    assert (partial.rejected_spans, partial.error_message) == (1, "1: the span ends before it starts")


async def test_texts_of_ten_megabytes(running: Running) -> None:
    long = "x" * 10_000_000
    for path, body in (("/v1/logs", logs("a", [(0, long)])), ("/v1/logs", logs(long, [(0, "short")])),
                       ("/v1/traces", spans([("a", "b" * 16, "", long, 0, 1)])),
                       ("/v1/metrics", gauge("a", "m", [(0, 1.0)], key=long))):
        answer = await running.http.post(path, content=gzip.compress(body.SerializeToString(), 1),
                                         headers=PROTOBUF | {"content-encoding": "gzip"})
        assert (answer.status_code, answer.content) == (200, b""), path

    name = await running.http.post("/v1/metrics", content=gauge("a", long, [(0, 1.0)]).SerializeToString(),
                                   headers=PROTOBUF)
    assert "longer than 1024 characters" in ExportMetricsServiceResponse.FromString(
        name.content).partial_success.error_message
    stored = await running.pool.fetchval("SELECT sum(length(columns)) + sum(length(raw)) FROM chunks")
    assert stored < 100_000


class TestCardinality:
    @pytest.fixture
    def settings(self) -> Settings:
        return Settings(series_per_service=200, series_in_all=300)

    async def test_label_sets_without_end(self, running: Running) -> None:
        """Thirty thousand of them against a limit of 200: what a million is to the limit that one has."""
        request = gauge("many", "m", [(0, 1.0)])
        points = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
        for number in range(30_000):
            points.add(time_unix_nano=T0, as_double=1.0).attributes.add(key="u").value.string_value = str(number)

        answer = await running.http.post("/v1/metrics", content=request.SerializeToString(), headers=PROTOBUF)

        partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
        assert (answer.status_code, partial.rejected_data_points) == (200, 29_801)
        assert "as many series as it may" in partial.error_message

    async def test_services_without_end(self, running: Running) -> None:
        series = [({"__name__": "up", "job": f"service-{number}"}, [(0, 1.0)]) for number in range(1_000)]

        answer = await running.http.post("/api/v1/write", content=snappy(write_1(series)), headers=V1)

        assert (answer.status_code, answer.headers["x-prometheus-remote-write-samples-written"]) == (400, "300")


# Bytes, at the readers themselves: an error that says what is wrong, or values.

def readers() -> Intake:
    return Intake(Settings(series_per_service=50), Redactor().attribute)


BODIES: Sequence[tuple[str, bytes]] = [
    ("metrics", gauge("a", "m", [(0, 1.0), (1, 2.0)], x="y").SerializeToString()),
    ("logs", logs("a", [(0, "disk full"), (1, "user 7 left")]).SerializeToString()),
    ("traces", spans([("a", "b" * 16, "", "GET /", 0, 1), ("b", "c" * 16, "b" * 16, "q", 0, 1)]).SerializeToString()),
    ("remote_write_1", write_1([(LABELS, [(0, 1.0)])]).SerializeToString()),
    ("remote_write_2", write_2([(LABELS, [(0, 1.0)])], unit="seconds").SerializeToString())]


def mutated(body: bytes, seed: int) -> bytes:
    """`body` with some bytes changed, left out or doubled."""
    random_ = random.Random(seed)
    found = bytearray(body)
    for _ in range(random_.randint(1, 6)):
        place = random_.randrange(len(found)) if found else 0
        match random_.randrange(4):
            case 0:
                found[place:place + 1] = bytes([random_.randrange(256)])
            case 1:
                del found[place:place + random_.randint(1, 8)]
            case 2:
                found[place:place] = found[place:place + random_.randint(1, 8)]
            case _:
                found[place:place] = bytes(random_.choices((0, 0x7F, 0x80, 0xFF), k=3))
    return bytes(found)


@pytest.mark.parametrize(("reader", "body"), BODIES, ids=[name for name, _ in BODIES])
@FUZZ
@given(seed=st.integers(0, 2**32), junk=st.one_of(st.none(), st.binary(max_size=60)))
def test_bytes_are_read_or_refused(reader: str, body: bytes, seed: int, junk: bytes | None) -> None:
    intake = readers()
    try:
        decoded = getattr(intake, reader)("live", mutated(body, seed) if junk is None else junk, T0)
    except DecodeError:
        return
    for chunk in decoded.chunks:
        assert "\0" not in chunk.service
        assert -2**63 <= chunk.first_at <= chunk.last_at < 2**63


@FUZZ
@given(schema=st.integers(-60, 20), zero=st.integers(0, 2**63), offsets=st.lists(st.integers(-2**31, 2**31 - 1),
       max_size=4), length=st.integers(0, 2**32 - 1), deltas=st.lists(st.integers(-2**62, 2**62), max_size=8),
       count=st.integers(0, 2**64 - 1), total=st.floats(), custom=st.lists(st.floats(), max_size=4))
def test_a_native_histogram_is_read_or_refused(schema: int, zero: int, offsets: list[int], length: int,
                                               deltas: list[int], count: int, total: float,
                                               custom: list[float]) -> None:
    request = write_2([(LABELS, [])])
    histogram = native(schema=schema, zero=zero, spans=[(each, length % 5) for each in offsets], deltas=deltas,
                       count=count, total=total)
    histogram.custom_values.extend(custom)
    if offsets:
        histogram.positive_spans[0].length = length
    request.timeseries[0].histograms.append(histogram)

    decoded = readers().remote_write_2("live", request.SerializeToString(), T0)

    assert decoded.rejected + decoded.written.histograms == 1


VALUES = st.recursive(st.none() | st.booleans() | st.integers(-2**63, 2**63) | st.floats(allow_nan=False)
                      | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
                      | st.dictionaries(st.sampled_from(["alerts", "status", "labels", "startsAt", "name", "id"]),
                                        inner, max_size=3), max_leaves=12)


def replaced(document: object, value: object, seed: int) -> object:
    """`document` with one of its parts replaced."""
    random_ = random.Random(seed)
    if isinstance(document, dict) and document and random_.random() < 0.9:
        key = random_.choice(sorted(document))
        return document | {key: replaced(document[key], value, seed + 1)}
    if isinstance(document, list) and document and random_.random() < 0.9:
        place = random_.randrange(len(document))
        return [*document[:place], replaced(document[place], value, seed + 1), *document[place + 1:]]
    return value


@pytest.mark.parametrize(("sender", "name", "headers"), REAL, ids=[name for _, name, _ in REAL])
@hypothesis_settings(FUZZ, max_examples=60)
@given(value=VALUES, seed=st.integers(0, 2**32))
def test_a_delivery_is_read_or_refused(sender: str, name: str, headers: dict[str, str], value: object, seed: int,
                                       set_clock: SetClock) -> None:
    webhook = webhooks(Settings())[sender]
    body = orjson.dumps(replaced(orjson.loads(sample(name)), value, seed), option=orjson.OPT_PASSTHROUGH_DATETIME) \
        if not _too_large(value) else b"[]"
    one = delivery(body, set_clock, **{key.replace("-", "_"): text for key, text in headers.items()})
    try:
        events = [webhook.fit(event) for event in webhook.parse(one)]
    except (AfteractionError, UnsupportedMedia):
        return
    again = [webhook.fit(event) for event in webhook.parse(one)]
    assert [event.id for event in events] == [event.id for event in again]


def _too_large(value: object) -> bool:
    """Whether JSON's writer refuses it: its integers have 64 bits."""
    try:
        orjson.dumps(value)
    except TypeError:
        return True
    return False


@FUZZ
@given(value=VALUES, seed=st.integers(0, 2**32))
def test_otlps_json_is_read_or_refused(value: object, seed: int) -> None:
    document = {"resourceMetrics": [{"resource": {"attributes": [{"key": "service.name", "value": {
        "stringValue": "a"}}]}, "scopeMetrics": [{"metrics": [{"name": "m", "sum": {
            "aggregationTemporality": 2, "isMonotonic": True,
            "dataPoints": [{"timeUnixNano": "1", "asInt": "7"}]}}]}]}]}
    if _too_large(value):
        return
    try:
        body = to_protobuf(Kind.METRICS, orjson.dumps(replaced(document, value, seed)))
    except AfteractionError:
        return
    readers().metrics("live", body, T0)


async def test_every_door_works_after_all_that(running: Running) -> None:
    for path, headers in (("/v1/metrics", PROTOBUF), ("/v1/logs", PROTOBUF), ("/v1/traces", PROTOBUF),
                          ("/api/v1/write", V1), ("/api/v1/write", V2), ("/webhooks/alertmanager", JSON),
                          ("/webhooks/github", JSON), ("/webhooks/cloudevents", JSON), ("/webhooks/events", JSON)):
        for seed in range(12):
            body = mutated(b"some body that is none" * 3, seed)
            answer = await running.http.post(path, content=body, headers=headers)
            assert 200 <= answer.status_code < 500, (path, body)

    answer = await running.http.post("/v1/metrics", content=gauge("a", "m", [(0, 1.0)]).SerializeToString(),
                                     headers=PROTOBUF)
    assert answer.status_code == 200
    assert await running.points() == {"m": [(T0, 1.0)]}
