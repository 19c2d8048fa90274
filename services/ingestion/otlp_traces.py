"""OTLP spans to values.

Attributes repeat from span to span (methods, routes, hosts), each as the same bytes: they are read and redacted once
and then looked up.
"""

from collections.abc import Iterable
from functools import lru_cache

from opentelemetry.proto.trace.v1 import trace_pb2

from services.ingestion.attributes import (
    MOST_ATTRIBUTES,
    Redact,
    Resource,
    decoded,
    resource_from_bytes,
    storable,
)
from services.ingestion.otlp_wire import TracesData
from services.ingestion.records import Span
from services.ingestion.rejections import Rejections

_KINDS = ("", "internal", "server", "client", "producer", "consumer")
_ERROR = trace_pb2.Status.STATUS_CODE_ERROR
_UNSET = trace_pb2.Status.STATUS_CODE_UNSET
_LATEST = 2**63 - 1
_LONGEST_NAME = 256
_LONGEST_MESSAGE = 4_096
_MOST_REMEMBERED = 50_000
# Longer ones (statements, URLs) are seldom the same again.
_LONGEST_REMEMBERED = 200


class SpanReader:
    """Reads requests one after the other, keeping what it learnt of resources and attributes."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._resource = lru_cache(_MOST_REMEMBERED // 50)(self._read_resource)
        self._known: dict[bytes, tuple[str, str]] = {}

    def read(self, body: bytes, rejections: Rejections) -> list[Span]:
        """The spans of an ExportTraceServiceRequest. Raises DecodeError when it is none."""
        found = []
        for part in TracesData.FromString(body).resource_spans:
            service = self._resource(part.resource).service
            for scope in part.scope_spans:
                for span in scope.spans:
                    start, end = span.start_time_unix_nano, span.end_time_unix_nano
                    if len(span.trace_id) != 16 or len(span.span_id) != 8:
                        rejections.add("trace_id must have 16 bytes and span_id 8")
                    elif not 0 < start <= _LATEST or not 0 < end <= _LATEST:
                        rejections.add("start_time_unix_nano or end_time_unix_nano is missing or beyond 2262")
                    elif end < start:
                        rejections.add("the span ends before it starts")
                    else:
                        own = self._attributes(span.attributes)
                        kind = _KINDS[span.kind] if span.kind < len(_KINDS) else ""
                        code, message = span.status.code, span.status.message
                        found.append(Span(
                            service, span.trace_id, span.span_id, span.parent_span_id, self._name(span.name), kind,
                            start, end, code == _ERROR or (code == _UNSET and _says_failure(own, kind)),
                            message and self._redact("status.message", storable(message[:_LONGEST_MESSAGE])), own))
        return found

    def _name(self, name: str) -> str:
        return self._redact("", storable(name[:_LONGEST_NAME])) or "(no name)"

    def _read_resource(self, body: bytes) -> Resource:
        return resource_from_bytes(body, self._redact)

    def _attributes(self, parts: Iterable[bytes]) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in parts:
            if len(found) >= MOST_ATTRIBUTES:
                break
            known = self._known.get(part)
            if known is None:
                (known,) = decoded((part,), self._redact).items()
                if len(part) <= _LONGEST_REMEMBERED:
                    if len(self._known) >= _MOST_REMEMBERED:
                        self._known.clear()
                    self._known[part] = known
            found[known[0]] = known[1]
        return found


def _says_failure(own: dict[str, str], kind: str) -> bool:
    """Whether the attributes of a span without a status tell of a failure.

    By OpenTelemetry's conventions: 5xx is a failure on both sides, 4xx on the client's alone; of gRPC's codes a server
    fails with those that are not its caller's mistake.
    """
    code = own.get("http.response.status_code") or own.get("http.status_code")
    if code and code.isdigit():
        return int(code) >= (400 if kind == "client" else 500)
    grpc = own.get("rpc.grpc.status_code")
    if grpc and grpc.isdigit():
        return int(grpc) in ({2, 4, 12, 13, 14, 15} if kind != "client" else set(range(1, 17)))
    return "exception.type" in own or bool(own.get("error.type"))
