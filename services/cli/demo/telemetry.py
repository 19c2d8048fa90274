"""What the shop's instrumentation would send of a step: metrics that count every request.

Traces and log lines are in `observing`. Names and attributes are those of OpenTelemetry's semantic conventions.
Counters and histograms are cumulative from the start of the instance, as the SDKs export them.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from services.cli.demo.simulator import Flow, Loads, Step
from services.cli.demo.system import Instance, Outage, Service, Store
from services.cli.otlp import SCOPE, attributes, resource

Floats = npt.NDArray[np.float64]
# Bucket limits (s) that the conventions advise for durations of requests and of database calls.
REQUEST_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
DATABASE_BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)
_CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
_NS = 1_000_000_000
Labels = tuple[tuple[str, object], ...]


@dataclass(slots=True)
class _Buckets:
    """A histogram since its instance started."""

    counts: npt.NDArray[np.int64]
    total: float = 0.0


@dataclass(slots=True)
class _Instrumented:
    """The instruments of one instance: cumulative since it started."""

    instance: Instance
    service: str
    began_ns: int
    histograms: dict[tuple[str, str, Labels], _Buckets] = field(default_factory=dict)
    counters: defaultdict[tuple[str, str, Labels], float] = field(default_factory=lambda: defaultdict(float))
    gauges: dict[tuple[str, str, Labels], float] = field(default_factory=dict)

    def record(self, name: str, labels: Labels, values: Floats, bounds: tuple[float, ...]) -> None:
        """Adds durations (s) to a histogram."""
        key = (name, "s", labels)
        buckets = self.histograms.setdefault(key, _Buckets(np.zeros(len(bounds) + 1, np.int64)))
        buckets.counts += np.bincount(np.searchsorted(bounds, values, side="left"), minlength=len(bounds) + 1)
        buckets.total += float(values.sum())


class Instruments:
    """Turns steps into metric exports, one request per step with every instance in it."""

    def __init__(self, outage: Outage) -> None:
        self._outage = outage
        self._services = {service.name: service for service in outage.services}
        self._began_s = outage.begins_at.timestamp()
        self._instrumented: dict[str, _Instrumented] = {}
        self._random = np.random.default_rng(outage.seed + 1)
        self._still_busy: dict[str, tuple[Floats, Floats]] = {}
        self._store_counters: defaultdict[tuple[str, str], float] = defaultdict(float)

    def export(self, step: Step) -> ExportMetricsServiceRequest:
        """The metrics at the end of `step`."""
        load: defaultdict[str, int] = defaultdict(int)
        for flow in step.flows:
            self._requests(flow, load)
        for service, loads in step.loads:
            if service.store:
                self._pool(service, service.store, loads, step.ends_at)
        exported = []
        for service in self._outage.services:
            for instance in _running(service, step):
                instrumented = self._of(service, instance)
                seconds = step.ends_at - step.starts_at
                busy = load[instance.name] / seconds / 400 + abs(float(self._random.normal(0.08, 0.01)))
                instrumented.gauges["process.cpu.utilization", "1", ()] = round(min(busy, 0.98), 4)
                exported.append(_resource_metrics(instrumented, int(step.ends_at * _NS)))
        exported += [each for service in self._outage.services if service.store
                     for each in self._store(service, service.store, step)]
        return ExportMetricsServiceRequest(resource_metrics=exported)

    def _of(self, service: Service, instance: Instance) -> _Instrumented:
        if instance.name not in self._instrumented:
            began = max(instance.starts_at, self._began_s - 3600)
            self._instrumented[instance.name] = _Instrumented(instance, service.name, int(began * _NS))
        return self._instrumented[instance.name]

    def _requests(self, flow: Flow, load: defaultdict[str, int]) -> None:
        for hop, slots, durations in zip(flow.journey.hops, flow.slots, flow.durations, strict=True):
            service = self._services[hop.service]
            reached = ~np.isnan(durations)
            for instance in service.instances:
                mine = (reached & (slots == instance.slot) & (flow.arrivals >= instance.starts_at)
                        & (flow.arrivals < instance.ends_at))
                if not mine.any():
                    continue
                load[instance.name] += int(mine.sum())
                instrumented = self._of(service, instance)
                for status, chosen in ((200, mine & ~flow.has_failed), (500, mine & flow.has_failed)):
                    if not chosen.any():
                        continue
                    labels: Labels = (("http.request.method", hop.method), ("http.route", hop.path),
                                      ("http.response.status_code", status), ("url.scheme", "http"))
                    if status == 500:
                        labels = (*labels, ("error.type", "500"))
                    instrumented.record("http.server.request.duration", labels, durations[chosen], REQUEST_BOUNDS)

    def _pool(self, service: Service, store: Store, loads: Loads, at: float) -> None:
        instrumented = self._of(service, loads.instance)
        began = ~np.isnan(loads.starts)
        ends = loads.starts + loads.lasted
        # A query that gave up waited as long as the timeout let it.
        got_it = np.where(began, loads.starts, loads.arrivals + store.wait_timeout_s)
        before = self._still_busy.get(loads.instance.name, (np.empty(0), np.empty(0)))
        used = int(np.sum((loads.starts <= at) & (ends > at)) + np.sum((before[0] <= at) & (before[1] > at)))
        late = began & (ends > at)
        self._still_busy[loads.instance.name] = (loads.starts[late], ends[late])
        pool: Labels = (("db.client.connection.pool.name", store.name),)
        gauges = instrumented.gauges
        used = min(used, store.pool_size)
        gauges["db.client.connection.count", "{connection}", (*pool, ("db.client.connection.state", "used"))] = used
        gauges["db.client.connection.count", "{connection}", (*pool, ("db.client.connection.state", "idle"))] = (
            store.pool_size - used)
        gauges["db.client.connection.max", "{connection}", pool] = store.pool_size
        gauges["db.client.connection.pending_requests", "{request}", pool] = int(np.sum(got_it > at))
        instrumented.counters["db.client.connection.timeouts", "{timeout}", pool] += loads.timed_out_requests
        instrumented.record("db.client.connection.wait_time", pool, (loads.starts - loads.arrivals)[began],
                            DATABASE_BOUNDS)
        operation = store.operations[loads.instance.release.is_query_per_item]
        labels: Labels = (("db.system.name", store.system), ("db.collection.name", store.collection),
                          ("db.operation.name", operation), ("server.address", store.name))
        instrumented.record("db.client.operation.duration", labels, loads.lasted[began], DATABASE_BOUNDS)
        self._store_counters[store.name, operation] += int(began.sum())

    def _store(self, service: Service, store: Store, step: Step) -> Iterator[ResourceMetrics]:
        """What the database tells of itself."""
        at_ns = int(step.ends_at * _NS)
        running = _running(service, step)
        queries = [NumberDataPoint(time_unix_nano=at_ns, start_time_unix_nano=int((self._began_s - 3600) * _NS),
                                   as_int=int(count), attributes=attributes({"operation": operation}))
                   for (name, operation), count in self._store_counters.items() if name == store.name]
        connections = NumberDataPoint(time_unix_nano=at_ns, as_int=store.pool_size * len(running) + 3)
        yield ResourceMetrics(resource=resource(store.name), scope_metrics=[ScopeMetrics(scope=SCOPE, metrics=[
            Metric(name=store.queries_metric, unit="{operation}", sum=Sum(
                data_points=queries, is_monotonic=True, aggregation_temporality=_CUMULATIVE)),
            Metric(name=store.connections_metric, unit="{connection}", gauge=Gauge(data_points=[connections]))])])


def _running(service: Service, step: Step) -> list[Instance]:
    return [each for each in service.instances if each.starts_at < step.ends_at and each.ends_at > step.starts_at]


def _resource_metrics(instrumented: _Instrumented, at_ns: int) -> ResourceMetrics:
    metrics: dict[str, Metric] = {}
    began = instrumented.began_ns
    for (name, unit, labels), buckets in instrumented.histograms.items():
        bounds = REQUEST_BOUNDS if name.startswith("http") else DATABASE_BOUNDS
        metric = metrics.setdefault(name, Metric(name=name, unit=unit, histogram=Histogram(
            aggregation_temporality=_CUMULATIVE)))
        metric.histogram.data_points.append(HistogramDataPoint(
            time_unix_nano=at_ns, start_time_unix_nano=began, count=int(buckets.counts.sum()), sum=buckets.total,
            bucket_counts=buckets.counts.tolist(), explicit_bounds=bounds, attributes=attributes(dict(labels))))
    for (name, unit, labels), count in instrumented.counters.items():
        metric = metrics.setdefault(name, Metric(name=name, unit=unit, sum=Sum(
            aggregation_temporality=_CUMULATIVE, is_monotonic=True)))
        metric.sum.data_points.append(NumberDataPoint(
            time_unix_nano=at_ns, start_time_unix_nano=began, as_int=int(count), attributes=attributes(dict(labels))))
    for (name, unit, labels), number in instrumented.gauges.items():
        metric = metrics.setdefault(name, Metric(name=name, unit=unit, gauge=Gauge()))
        metric.gauge.data_points.append(NumberDataPoint(
            time_unix_nano=at_ns, as_double=number, attributes=attributes(dict(labels))))
    return ResourceMetrics(
        resource=resource(instrumented.service, (("service.version", instrumented.instance.release.version),
                                                 ("service.instance.id", instrumented.instance.name))),
        scope_metrics=[ScopeMetrics(scope=SCOPE, metrics=list(metrics.values()))])


