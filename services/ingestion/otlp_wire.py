"""OTLP's metric messages with their inner parts left as bytes: the same wire format, a cheaper reading.

A batch repeats the same resources and attributes in request after request. Where a field is declared as `bytes`
instead of as a message, upb hands out the bytes without building objects, and they are the key of a cache: attributes
are decoded once for each series instead of once for each point. Protocol Buffers promise that a length-delimited
field may be read either way. Here that is so for `MetricsData.resource_metrics`, `ResourceMetrics.resource`,
`data_points` of `Gauge` and `Sum`, and the `attributes` of every kind of data point. Derived from opentelemetry-proto's
own descriptor, so that nothing can drift.
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from opentelemetry.proto.metrics.v1 import metrics_pb2

_PACKAGE = "afteraction.wire"
_AS_BYTES = {("MetricsData", "resource_metrics"), ("ResourceMetrics", "resource"),
             ("Gauge", "data_points"), ("Sum", "data_points"),
             ("NumberDataPoint", "attributes"), ("HistogramDataPoint", "attributes"),
             ("ExponentialHistogramDataPoint", "attributes"), ("SummaryDataPoint", "attributes")}


def _messages() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto()
    metrics_pb2.DESCRIPTOR.CopyToProto(file)
    prefix = f".{file.package}."
    file.package, file.name = _PACKAGE, "afteraction/wire/metrics.proto"
    pending = list(file.message_type)
    while pending:
        message = pending.pop()
        pending += message.nested_type
        for field in message.field:
            if (message.name, field.name) in _AS_BYTES:
                field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES
                field.ClearField("type_name")
            elif field.type_name.startswith(prefix):
                field.type_name = f".{_PACKAGE}.{field.type_name.removeprefix(prefix)}"
    pool = descriptor_pool.Default()
    found = pool.AddSerializedFile(file.SerializeToString())
    return {name: message_factory.GetMessageClass(found.message_types_by_name[name])
            for name in ("MetricsData", "ResourceMetrics", "NumberDataPoint")}


_MESSAGES = _messages()
# ExportMetricsServiceRequest and MetricsData are the same on the wire: field 1, repeated ResourceMetrics.
MetricsData: Any = _MESSAGES["MetricsData"]
ResourceMetrics: Any = _MESSAGES["ResourceMetrics"]
NumberDataPoint: Any = _MESSAGES["NumberDataPoint"]
