"""The load of `make bench-ingestion`: requests that are built once and sent at another time again and again.

A time is a fixed64 at a known place of the encoded request, so that a generator only writes eight bytes for each.
"""

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

BATCH = 1000
SERVICES = 20
_STAMP = 0x1122334455667788
_ROUTES = ("/cart", "/checkout", "/orders/{id}", "/search", "/login", "/stock", "/health", "/users/{id}")
_WORDS = ("payment", "order", "cart", "stock", "session", "invoice", "parcel", "refund", "voucher", "rating")


@dataclass(frozen=True, slots=True)
class Template:
    """An encoded request and where its times stand; ids: where eight bytes must differ from request to request."""

    body: NDArray[np.uint8]
    times: NDArray[np.int64]
    ids: NDArray[np.int64]

    def at(self, nanoseconds: int, number: int) -> bytes:
        """The request with every time set, and its ids those of request `number`."""
        body = self.body.copy()
        _write(body, self.times, np.full(len(self.times), nanoseconds, "<u8"))
        first = (number << 20) % (1 << 63)
        _write(body, self.ids, np.arange(first, first + len(self.ids), dtype="<u8"))
        return body.tobytes()


def _write(body: NDArray[np.uint8], places: NDArray[np.int64], values: NDArray[np.uint64]) -> None:
    if len(places):
        body[places[:, None] + np.arange(8)] = values.astype("<u8").view(np.uint8).reshape(-1, 8)


def _template(message: Any, ids: bytes = b"") -> Template:
    body = message.SerializeToString()
    return Template(np.frombuffer(body, np.uint8), _places(body, _STAMP.to_bytes(8, "little")), _places(body, ids))


def _places(body: bytes, wanted: bytes) -> NDArray[np.int64]:
    found, at = [], body.find(wanted) if wanted else -1
    while at >= 0:
        found.append(at)
        at = body.find(wanted, at + 8)
    return np.array(found, np.int64)


def metrics(number: int) -> Template:
    """1,000 points as a collector batches them: 5 services, 20 metrics each, 10 series each, counters and gauges."""
    request, chance = ExportMetricsServiceRequest(), random.Random(number)
    for service in range(5):
        part = request.resource_metrics.add()
        name = f"service-{(number * 5 + service) % SERVICES:02}"
        _resource(part.resource, name)
        _text(part.resource.attributes, "k8s.pod.name", f"{name}-7c5ddbdf54-{number}")
        scope = part.scope_metrics.add()
        for metric in range(20):
            made = scope.metrics.add(name=f"shop.metric.{metric:02}", unit="1")
            if metric % 2:
                made.sum.is_monotonic = True
                made.sum.aggregation_temporality = 2  # type: ignore[assignment]
            points = made.sum.data_points if metric % 2 else made.gauge.data_points
            for series in range(10):
                point = points.add(time_unix_nano=_STAMP, as_double=chance.uniform(0, 1e6))
                if metric % 2:
                    point.start_time_unix_nano = 1_700_000_000_000_000_000
                _text(point.attributes, "http.route", _ROUTES[series % len(_ROUTES)])
                _text(point.attributes, "http.response.status_code", str(200 + series))
                _text(point.attributes, "http.request.method", "GET")
    return _template(request)


def logs(number: int) -> Template:
    """1,000 lines of 5 services, some 60 kinds of them, with numbers, ids and addresses in them."""
    request, chance = ExportLogsServiceRequest(), random.Random(number)
    for service in range(5):
        part = request.resource_logs.add()
        _resource(part.resource, f"service-{(number * 5 + service) % SERVICES:02}")
        records = part.scope_logs.add().log_records
        for _ in range(BATCH // 5):
            line = records.add(time_unix_nano=_STAMP, severity_number=chance.choice((9, 9, 9, 9, 13, 17)),
                               trace_id=chance.randbytes(16), span_id=chance.randbytes(8))
            line.body.string_value = _line(chance)
            _text(line.attributes, "thread.name", f"worker-{chance.randrange(16)}")
    return _template(request)


def _line(chance: random.Random) -> str:
    word, number = chance.choice(_WORDS), chance.randrange(10**6)
    return chance.choice((
        f"{word} {number} processed in {chance.uniform(0, 900):.1f} ms for user u{chance.randrange(10**5)}",
        f"GET /api/{word}s/{number}?page={chance.randrange(9)} HTTP/1.1 200 {chance.randrange(10**5)}",
        f"retrying {word} {chance.randbytes(8).hex()} against 10.0.{chance.randrange(256)}.7:8080",
        f"cache miss for key {word}:{number} on shard {chance.randrange(32)}",
        f"connection to db-{chance.randrange(4)}.shop.example:5432 lost while reading {word}: timed out after 3000 ms",
        f"{word} queue depth is {number}, above the limit of 1000",
    ))


def traces(number: int) -> Template:
    """1,000 spans: 200 traces of 5 services that call each other, 12 attributes a span at most."""
    request, chance = ExportTraceServiceRequest(), random.Random(number)
    scopes = []
    for service in range(5):
        part = request.resource_spans.add()
        _resource(part.resource, f"service-{(number * 5 + service) % SERVICES:02}")
        scopes.append(part.scope_spans.add().spans)
    marker = b"\x42" * 8
    for _ in range(BATCH // 5):
        trace = marker + chance.randbytes(8)
        parent = b""
        for depth, spans in enumerate(scopes):
            own = chance.randbytes(8)
            route = chance.choice(_ROUTES)
            span = spans.add(trace_id=trace, span_id=own, parent_span_id=parent, name=f"GET {route}",
                             kind=2 if depth % 2 == 0 else 3, start_time_unix_nano=_STAMP,
                             end_time_unix_nano=_STAMP)
            _text(span.attributes, "http.route", route)
            _text(span.attributes, "http.request.method", "GET")
            span.attributes.add(key="http.response.status_code").value.int_value = chance.choice((200, 200, 200, 500))
            _text(span.attributes, "server.address", f"10.0.0.{depth}")
            parent = own
    return _template(request, marker)


def remote_write(number: int) -> Template:
    """The points of `metrics` as Prometheus takes them: an encoded WriteRequest, before snappy.

    Its times are varints of milliseconds, six bytes since 2004 and until 2109; `Template.at` does not fit them.
    """
    request = ExportMetricsServiceRequest.FromString(metrics(number).body.tobytes())
    found = []
    for part in request.resource_metrics:
        target = {"job": part.resource.attributes[0].value.string_value,
                  "instance": part.resource.attributes[-1].value.string_value}
        for metric in part.scope_metrics[0].metrics:
            points = metric.sum.data_points or metric.gauge.data_points
            for point in points:
                labels = {"__name__": metric.name.replace(".", "_")} | target | {
                    pair.key.replace(".", "_"): pair.value.string_value for pair in point.attributes}
                sample = b"\x09" + struct.pack("<d", point.as_double) + b"\x10" + _MARK
                series = b"".join(_field(1, _field(1, key.encode()) + _field(2, labels[key].encode()))
                                  for key in sorted(labels)) + _field(2, sample)
                found.append(_field(1, series))
    body = b"".join(found)
    return Template(np.frombuffer(body, np.uint8), _places(body, _MARK), _places(body, b""))


_MARK = b"\xff\xfe\xfd\xfc\xfb\x7a"


def write_request(template: Template, milliseconds: int) -> bytes:
    """The WriteRequest with every time set."""
    body = template.body.copy()
    body[template.times[:, None] + np.arange(6)] = np.frombuffer(_varint(milliseconds), np.uint8)
    return body.tobytes()


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _resource(resource: Any, service: str) -> None:
    _text(resource.attributes, "service.name", service)
    _text(resource.attributes, "k8s.namespace.name", "shop")
    _text(resource.attributes, "host.name", "node-7")


def _text(attributes: Any, key: str, value: str) -> None:
    attributes.add(key=key).value.string_value = value


KINDS: dict[str, Callable[[int], Template]] = {"metrics": metrics, "logs": logs, "traces": traces,
                                               "remote-write": remote_write}


def templates(kind: str, count: int) -> Sequence[Template]:
    return [KINDS[kind](number) for number in range(count)]
