"""Traces and log lines of a step.

Traces are sampled by their head, one request in `SAMPLED`. Loggers keep volume down as zap's sampler does: of the lines
of one kind an instance writes the first few of each second and leaves out the rest.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from services.cli.demo.simulator import Flow, Step
from services.cli.demo.system import Hop, Instance, Outage, Store
from services.cli.otlp import KINDS, SCOPE, SEVERITIES, attributes, resource, value

SAMPLED = 1000
# Lines of one kind that an instance writes in a second.
_LINES_A_SECOND = 1
# One healthy request in so many leaves a line.
_TALKS = 1500
_NS = 1_000_000_000
_ROUTINE = {
    "cart": ("cart {id} loaded: {items} items in {ms} ms", "rendered cart {id} for session {session}"),
    "checkout": ("order {id} placed with {items} items", "checkout {id} completed in {ms} ms"),
    "product": ("served product {id} from cache", "product {id} read in {ms} ms"),
    "wishlist": ("wishlist {id} rendered, {items} entries", "wishlist {id} read in {ms} ms"),
}
_MISHAPS = ("request {id} failed: connection reset by peer",
            "request {id} failed: upstream closed the connection early")
Where = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Trace:
    """A request of the sample: its ids and which request of the flow it is."""

    trace_id: bytes
    index: int


class Observer:
    """Writes down what a tracer and loggers in the shop would."""

    def __init__(self, outage: Outage) -> None:
        self._services = {service.name: service for service in outage.services}
        self._journeys = outage.journeys
        self._random = np.random.default_rng(outage.seed + 2)
        self._started: set[str] = set()

    def export(self, step: Step) -> Iterator[Message]:
        """The requests with spans and with lines of `step`, as far as there are any."""
        spans: defaultdict[Where, list[Span]] = defaultdict(list)
        lines: defaultdict[Where, list[LogRecord]] = defaultdict(list)
        for number, flow in enumerate(step.flows):
            sampled = np.flatnonzero(self._random.random(len(flow.arrivals)) < 1 / SAMPLED)
            traces = {int(each): self._random.bytes(16) for each in sampled}
            for index, trace_id in traces.items():
                self._trace(flow, number, index, trace_id, step, spans)
            self._talk(flow, traces, step, lines)
        self._starts(step, lines)
        if spans:
            yield ExportTraceServiceRequest(resource_spans=[
                ResourceSpans(resource=_who(where), scope_spans=[ScopeSpans(scope=SCOPE, spans=each)])
                for where, each in spans.items()])
        if lines:
            yield ExportLogsServiceRequest(resource_logs=[
                ResourceLogs(resource=_who(where), scope_logs=[ScopeLogs(scope=SCOPE, log_records=each)])
                for where, each in lines.items()])

    def _instance(self, hop: Hop, slot: int, at: float) -> Instance:
        return next(each for each in self._services[hop.service].instances
                    if each.slot == slot and each.starts_at <= at < each.ends_at)

    def _trace(self, flow: Flow, number: int, index: int, trace_id: bytes, step: Step,
               spans: defaultdict[Where, list[Span]]) -> None:
        at = float(flow.arrivals[index])
        parent = b""
        has_failed = bool(flow.has_failed[index])
        hops = [(hop, int(slots[index]), float(durations[index]))
                for hop, slots, durations in zip(flow.journey.hops, flow.slots, flow.durations, strict=True)
                if not np.isnan(durations[index])]
        begins = at
        for depth, (hop, slot, lasted) in enumerate(hops):
            instance = self._instance(hop, slot, at)
            where = (hop.service, instance.release.version, instance.name)
            mine = self._random.bytes(8)
            failed_here = has_failed and depth == len(hops) - 1
            spans[where].append(_span(
                trace_id, mine, parent, f"{hop.method} {hop.path}", "server", begins, lasted,
                {"http.request.method": hop.method, "http.route": hop.path,
                 "http.response.status_code": 500 if has_failed else 200}, error="500" if has_failed else ""))
            store = self._services[hop.service].store
            if store and hop.service == flow.journey.loads_at:
                self._queries(store, where, trace_id, mine, number, index, step, spans)
                if failed_here and flow.has_timed_out[index]:
                    spans[where][-1].attributes.extend(attributes({"error.type": store.error_type}))
            if depth + 1 < len(hops):
                following, _, takes = hops[depth + 1]
                # What a caller does before it calls takes about a third of its own time.
                begins += max(lasted - takes, 0.0) / 3
                parent = self._random.bytes(8)
                spans[where].append(_span(
                    trace_id, parent, mine, f"{following.method} {following.path}", "client", begins, takes + 0.0008,
                    {"http.request.method": following.method, "server.address": following.service,
                     "http.response.status_code": 500 if has_failed else 200}, error="500" if has_failed else ""))

    def _queries(self, store: Store, where: Where, trace_id: bytes, parent: bytes, number: int, index: int, step: Step,
                 spans: defaultdict[Where, list[Span]]) -> None:
        for service, loads in step.loads:
            if service.store is not store:
                continue
            for each in np.flatnonzero((loads.requests == index) & (loads.journeys == number)):
                operation = store.operations[loads.instance.release.is_query_per_item]
                asked, began = float(loads.arrivals[each]), float(loads.starts[each])
                details = {"db.system.name": store.system, "db.collection.name": store.collection,
                           "db.operation.name": operation, "server.address": store.name}
                if np.isnan(began):
                    spans[where].append(_span(
                        trace_id, self._random.bytes(8), parent, f"{operation} {store.collection}", "client", asked,
                        store.wait_timeout_s, details | {"error.type": store.error_type}, error=store.error_type))
                else:
                    spans[where].append(_span(
                        trace_id, self._random.bytes(8), parent, f"{operation} {store.collection}", "client", asked,
                        began - asked + float(loads.lasted[each]), details, error=""))

    def _talk(self, flow: Flow, traces: dict[int, bytes], step: Step,
              lines: defaultdict[Where, list[LogRecord]]) -> None:
        journey = flow.journey
        place = next((depth for depth, hop in enumerate(journey.hops) if hop.service == journey.loads_at),
                     len(journey.hops) - 1)
        hop = journey.hops[place]
        store = self._services[hop.service].store
        written: defaultdict[tuple[str, int, int], int] = defaultdict(int)
        talks = self._random.random(len(flow.arrivals)) < 1 / (30 if journey.name == "checkout" else _TALKS)
        pending = self._pending(step, hop.service)
        for index in np.flatnonzero(flow.has_failed | talks).tolist():
            at = float(flow.arrivals[index])
            instance = self._instance(hop, int(flow.slots[place][index]), at)
            timed_out = bool(flow.has_timed_out[index])
            failed = bool(flow.has_failed[index])
            templates: Sequence[str] = _ROUTINE[journey.name]
            if failed:
                templates = store.refusals if timed_out and store else _MISHAPS
            choice = int(self._random.integers(len(templates)))
            key = (instance.name, choice + 10 * failed + 20 * timed_out, int(at))
            written[key] += 1
            if written[key] > _LINES_A_SECOND:
                continue
            lasted = float(flow.durations[place][index])
            waited = store.wait_timeout_s if store else 0.0
            text = templates[choice].format(
                id=self._random.bytes(4).hex(), session=self._random.bytes(6).hex(), items=int(flow.items[index]),
                ms=round(1000 * (waited if timed_out else lasted)), busy=store.pool_size if store else 0,
                waiting=pending.get(instance.name, 0))
            lines[hop.service, instance.release.version, instance.name].append(_line(
                at + lasted, "ERROR" if failed else "INFO", text, traces.get(index, b"")))

    def _pending(self, step: Step, service: str) -> dict[str, int]:
        """Queries that wait at the end of the step, by instance."""
        found: dict[str, int] = {}
        for each, loads in step.loads:
            if each.name == service and each.store:
                waits_until = np.where(np.isnan(loads.starts), loads.arrivals + each.store.wait_timeout_s, loads.starts)
                found[loads.instance.name] = int(np.sum(waits_until > step.ends_at))
        return found

    def _starts(self, step: Step, lines: defaultdict[Where, list[LogRecord]]) -> None:
        for service in self._services.values():
            for instance in service.instances:
                if instance.name in self._started or not step.starts_at <= instance.starts_at < step.ends_at:
                    continue
                self._started.add(instance.name)
                where = (service.name, instance.release.version, instance.name)
                lines[where].append(_line(instance.starts_at, "INFO", f"{service.name} {instance.release.version} is "
                                          "listening on port 8080", b""))


def _who(where: Where) -> Resource:
    service, version, instance = where
    return resource(service, (("service.version", version), ("service.instance.id", instance)))


def _span(trace_id: bytes, span_id: bytes, parent: bytes, name: str, kind: str, begins: float, lasted: float,
          details: Mapping[str, object], *, error: str) -> Span:
    start = int(begins * _NS)
    return Span(trace_id=trace_id, span_id=span_id, parent_span_id=parent, name=name, kind=KINDS[kind],
                start_time_unix_nano=start, end_time_unix_nano=start + int(lasted * _NS),
                attributes=attributes(details),
                status=Status(code=Status.STATUS_CODE_ERROR, message=error) if error else None)


def _line(at: float, severity: str, text: str, trace_id: bytes) -> LogRecord:
    ns = int(at * _NS)
    return LogRecord(time_unix_nano=ns, observed_time_unix_nano=ns, severity_text=severity,
                     severity_number=SEVERITIES[severity], body=value(text), trace_id=trace_id)
