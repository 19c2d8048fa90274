"""What the names of Prometheus say: the type and unit of a metric, and labels that OpenTelemetry calls otherwise."""

from collections.abc import Mapping

from afteraction.wire.v1 import remote_write_pb2 as wire
from services.ingestion.series import Type

_PARTS = ("_bucket", "_sum", "_count")
# As OpenMetrics and the exporters name units, and as OpenTelemetry does.
_UNITS = {"seconds": "s", "milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns", "bytes": "By",
          "ratio": "1", "percent": "%", "celsius": "Cel", "volts": "V", "amperes": "A", "joules": "J", "meters": "m",
          "hertz": "Hz"}


def series_type(name: str, told: int, has_le: bool) -> Type:
    """How the values of a series are to be read.

    told: the type that the sender gave with it, a wire.MetricType. Without one the name decides, by the conventions
    that every client library of Prometheus follows. A name with a colon is that of a recording rule, whose results are
    values.
    """
    if told in (wire.METRIC_TYPE_GAUGE, wire.METRIC_TYPE_INFO, wire.METRIC_TYPE_STATESET,
                wire.METRIC_TYPE_GAUGE_HISTOGRAM):
        return Type.GAUGE
    if told == wire.METRIC_TYPE_COUNTER:
        # When it was created, which OpenMetrics puts beside the count.
        return Type.GAUGE if name.endswith("_created") else Type.CUMULATIVE
    if ":" in name and told == wire.METRIC_TYPE_UNSPECIFIED:
        return Type.GAUGE
    is_part = name.endswith(_PARTS[1:]) or (name.endswith("_bucket") and has_le)
    if told in (wire.METRIC_TYPE_HISTOGRAM, wire.METRIC_TYPE_SUMMARY):
        return Type.CUMULATIVE if is_part else Type.GAUGE
    return Type.CUMULATIVE if is_part or name.endswith("_total") else Type.GAUGE


def unit_said(unit: str) -> str:
    """A unit as a sender gave it, in OpenTelemetry's spelling where it has one."""
    return _UNITS.get(unit, unit[:64])


def unit_of(name: str) -> str:
    """The unit that stands at the end of a name: `http_request_duration_seconds_bucket` is in seconds."""
    for suffix in ("_total", "_created", *_PARTS):
        if name.endswith(suffix):
            name = name[:-len(suffix)]
            break
    return _UNITS.get(name.rpartition("_")[2], "")


# OpenTelemetry's attributes as its exporters to Prometheus spell them. Back under their own names, a series means the
# same whether it came over OTLP or was scraped.
OPENTELEMETRY_LABELS: Mapping[str, str] = {name.replace(".", "_"): name for name in (
    "http.request.method", "http.response.status_code", "http.route", "http.method", "http.status_code", "http.target",
    "url.scheme", "server.address", "server.port", "client.address", "net.peer.name", "net.host.name", "error.type",
    "rpc.system", "rpc.service", "rpc.method", "rpc.grpc.status_code", "rpc.response.status_code",
    "db.system", "db.system.name", "db.operation.name", "db.namespace", "db.collection.name",
    "messaging.system", "messaging.operation.name", "messaging.destination.name", "peer.service",
    "network.protocol.name", "network.protocol.version", "service.namespace", "service.instance.id", "span.kind",
    "deployment.environment", "deployment.environment.name", "host.name", "cloud.region", "cloud.availability_zone",
    "k8s.namespace.name", "k8s.pod.name", "k8s.node.name", "k8s.deployment.name", "k8s.cluster.name",
    "k8s.container.name", "container.id")}
