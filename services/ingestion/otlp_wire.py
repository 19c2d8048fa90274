"""OTLP's messages of metrics and traces with some parts left as bytes: the same wire format, a cheaper reading.

A batch repeats the same resources and attributes in request after request. Where a field is declared as `bytes`
instead of as a message, upb hands out the bytes without building objects, and they are the key of a cache: attributes
are decoded once for each series instead of once for each point. Protocol Buffers promise that a length-delimited
field may be read either way. Here that is so for `MetricsData.resource_metrics`, the `resource` of both,
`data_points` of `Gauge` and `Sum`, and the `attributes` of spans and of every kind of data point. Derived from
opentelemetry-proto's own descriptors, so that nothing can drift.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

_PACKAGE = "afteraction.wire"
_AS_BYTES = {("MetricsData", "resource_metrics"), ("ResourceMetrics", "resource"),
             ("Gauge", "data_points"), ("Sum", "data_points"),
             ("NumberDataPoint", "attributes"), ("HistogramDataPoint", "attributes"),
             ("ExponentialHistogramDataPoint", "attributes"), ("SummaryDataPoint", "attributes"),
             ("ResourceSpans", "resource"), ("Span", "attributes")}


def _messages(descriptor: Any, name: str) -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto()
    descriptor.CopyToProto(file)
    prefix = f".{file.package}."
    file.package, file.name = f"{_PACKAGE}.{name}", f"afteraction/wire/{name}.proto"
    pending = list(file.message_type)
    while pending:
        message = pending.pop()
        pending += message.nested_type
        for field in message.field:
            if (message.name, field.name) in _AS_BYTES:
                field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
            elif field.type_name.startswith(prefix):
                field.type_name = f".{file.package}.{field.type_name.removeprefix(prefix)}"
    found = descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return {name: message_factory.GetMessageClass(each) for name, each in found.message_types_by_name.items()}


_METRICS = _messages(metrics_pb2.DESCRIPTOR, "metrics")
# ExportMetricsServiceRequest and MetricsData are the same on the wire: field 1, repeated ResourceMetrics. So it is with
# traces.
MetricsData: Any = _METRICS["MetricsData"]
ResourceMetrics: Any = _METRICS["ResourceMetrics"]
NumberDataPoint: Any = _METRICS["NumberDataPoint"]
TracesData: Any = _messages(trace_pb2.DESCRIPTOR, "traces")["TracesData"]
