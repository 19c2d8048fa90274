"""Plain values to OTLP messages: what a replay and the demo's simulator have in common with any other sender."""

from collections.abc import Iterable, Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

SCOPE = InstrumentationScope(name="afteraction")

SEVERITIES: Mapping[str, SeverityNumber.ValueType] = {
    "TRACE": SeverityNumber.SEVERITY_NUMBER_TRACE, "DEBUG": SeverityNumber.SEVERITY_NUMBER_DEBUG,
    "INFO": SeverityNumber.SEVERITY_NUMBER_INFO, "NOTICE": SeverityNumber.SEVERITY_NUMBER_INFO2,
    "WARN": SeverityNumber.SEVERITY_NUMBER_WARN, "WARNING": SeverityNumber.SEVERITY_NUMBER_WARN,
    "ERROR": SeverityNumber.SEVERITY_NUMBER_ERROR, "SEVERE": SeverityNumber.SEVERITY_NUMBER_ERROR,
    "CRITICAL": SeverityNumber.SEVERITY_NUMBER_FATAL, "FATAL": SeverityNumber.SEVERITY_NUMBER_FATAL,
}
KINDS: Mapping[str, Span.SpanKind.ValueType] = {
    "internal": Span.SPAN_KIND_INTERNAL, "server": Span.SPAN_KIND_SERVER, "client": Span.SPAN_KIND_CLIENT,
    "producer": Span.SPAN_KIND_PRODUCER, "consumer": Span.SPAN_KIND_CONSUMER,
}


def value(of: object) -> AnyValue:
    """`of` as OTLP's union; what it has no kind for becomes its text."""
    if isinstance(of, bool):
        return AnyValue(bool_value=of)
    if isinstance(of, int):
        return AnyValue(int_value=of)
    if isinstance(of, float):
        return AnyValue(double_value=of)
    return AnyValue(string_value=str(of))


def attributes(of: Mapping[str, object]) -> list[KeyValue]:
    """Attributes in the order of the mapping."""
    return [KeyValue(key=key, value=value(each)) for key, each in of.items()]


def resource(service: str, more: Iterable[tuple[str, object]] = ()) -> Resource:
    """Who sends: `service.name` and whatever else is known."""
    return Resource(attributes=attributes({"service.name": service, **dict(more)}))
