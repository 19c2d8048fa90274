"""OTLP's JSON to its protobuf: protobuf's own mapping, but for trace and span ids, which are hexadecimal."""

import base64
import binascii
from typing import Any

import orjson
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from services.ingestion.reception import Kind
from shared.errors import InvalidArgument

_REQUESTS: dict[Kind, type[Message]] = {Kind.METRICS: ExportMetricsServiceRequest, Kind.LOGS: ExportLogsServiceRequest,
                                        Kind.TRACES: ExportTraceServiceRequest}
_IDS = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")


def to_protobuf(kind: Kind, body: bytes) -> bytes:
    """The request in protobuf. Fields that are not known are left out. Raises InvalidArgument when it is no such
    request."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed(kind, str(error)) from None
    if not isinstance(found, dict):
        raise _malformed(kind, "it is not an object")
    _mend_ids(found, kind)
    request = _REQUESTS[kind]()
    try:
        ParseDict(found, request, ignore_unknown_fields=True)
    # protobuf's reader meets some shapes that it does not expect with Python's own errors.
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise _malformed(kind, str(error)) from None
    return request.SerializeToString()


def _mend_ids(found: dict[str, Any], kind: Kind) -> None:
    """Ids from hexadecimal to base64, in place. No attribute can be mistaken for one: those are keys and values."""
    pending: list[Any] = [found]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            for name in _IDS:
                if isinstance(each.get(name), str):
                    each[name] = _base64(name, each[name], kind)
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)


def _base64(name: str, text: str, kind: Kind) -> str:
    try:
        return base64.b64encode(binascii.unhexlify(text)).decode()
    except (binascii.Error, ValueError):
        raise _malformed(kind, f"{name} {text[:40]!r} is not hexadecimal") from None


def _malformed(kind: Kind, why: str) -> InvalidArgument:
    return InvalidArgument(f"the body is no {kind.value} request in JSON: {why[:300]}", reason="MALFORMED_REQUEST",
                           field="body")
