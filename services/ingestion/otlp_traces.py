"""OTLP spans to values."""

from google.protobuf.message import DecodeError
from opentelemetry.proto.trace.v1 import trace_pb2

from services.ingestion.attributes import Redact, attributes, resource, storable
from services.ingestion.records import Span
from services.ingestion.rejections import Rejections

__all__ = ["DecodeError", "read"]

_KINDS = ("", "internal", "server", "client", "producer", "consumer")
_ERROR = trace_pb2.Status.STATUS_CODE_ERROR
_UNSET = trace_pb2.Status.STATUS_CODE_UNSET
_LATEST = 2**63 - 1
_LONGEST_NAME = 256
_LONGEST_MESSAGE = 4_096


def read(body: bytes, redact: Redact, rejections: Rejections) -> list[Span]:
    """The spans of an ExportTraceServiceRequest. Raises DecodeError when it is none."""
    found = []
    for part in trace_pb2.TracesData.FromString(body).resource_spans:
        origin = resource(part.resource, redact)
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
                    own = attributes(span.attributes, redact)
                    kind = span.kind if span.kind < len(_KINDS) else 0
                    code = span.status.code
                    found.append(Span(
                        origin.service, span.trace_id, span.span_id, span.parent_span_id,
                        storable(span.name[:_LONGEST_NAME]) or "(no name)", _KINDS[kind], start, end,
                        code == _ERROR or (code == _UNSET and _says_failure(own, _KINDS[kind])),
                        redact("status.message", storable(span.status.message[:_LONGEST_MESSAGE])), own))
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
