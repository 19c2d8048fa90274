"""Seconds from an incident's opening to its card, and from its resolution to its draft: `make bench-drafting`.

    python -m tests.bench.drafting [LINES]

`afteraction serve` on embedded defaults, as a user starts it; fifty services send metrics, spans and a million log
lines of the last ten minutes over OTLP, and a tenth of that for the hour before. Then incidents are declared and
resolved one by one, and at last twenty are resolved at once. Measured is what a client sees, by polling every 20 ms,
from the answer of the call that opened or resolved to the stored card or draft; beside it, how many of these had all
that was asked for (what came too late is named in them and completed by a further version), and what the services
computed for each, which does not depend on what else the machine does.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import NumberDataPoint
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from afteraction.v1 import card_service_pb2, incident_service_pb2, postmortem_service_pb2
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from afteraction.v1.incident_pb2 import SEVERITY_P2
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from tests.bench.processes import cpu_seconds
from tests.eval.causes import Stack

SERVICES, LINES, METRICS, SPANS = 50, 1_000_000, 20, 40_000
ONE_BY_ONE, AT_ONCE = 30, 20
_MINUTE_NS = 60_000_000_000
_PATTERNS = ("request {} served in {} ms", "cache miss for key item:{} after {} lookups", "user {} opened page {}",
             "worker {} took job {}", "connection {} returned to pool of {}")


@dataclass(frozen=True, slots=True)
class Made:
    """How long a card or draft took; is_complete: nothing was missing in it."""

    seconds: float
    is_complete: bool


def main(lines: int) -> int:
    with tempfile.TemporaryDirectory(prefix="afteraction-bench-") as directory, Stack.started(Path(directory)) as stack:
        began = time.monotonic()
        _send(stack, lines, time.time_ns())
        print(f"{lines:,} log lines, {SPANS:,} spans and {SERVICES * METRICS:,} series of {SERVICES} services sent in "
              f"{time.monotonic() - began:.0f} s", flush=True)
        with _computed("cards"):
            opened = [_opened(stack, f"one by one {place}", place) for place in range(ONE_BY_ONE)]
        print(_said("card after the opening", [took for _, took in opened]))
        with _computed("drafts"):
            resolved = [_resolved(stack, name) for name, _ in opened]
        print(_said("draft after the resolution", resolved))
        several = [_opened(stack, f"at once {place}", place)[0] for place in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as threads, _computed("drafts", AT_ONCE):
            print(_said(f"draft, {AT_ONCE} resolved at once", list(threads.map(lambda name: _resolved(stack, name),
                                                                              several))))
    return 0


def _said(what: str, made: list[Made]) -> str:
    ordered = sorted(one.seconds for one in made)
    p99 = ordered[min(int(0.99 * len(ordered)), len(ordered) - 1)]
    return (f"{what}: median {ordered[len(ordered) // 2]:.2f} s, p99 {p99:.2f} s, worst {ordered[-1]:.2f} s "
            f"(n={len(ordered)}); {sum(one.is_complete for one in made)} of them complete at once")


@contextmanager
def _computed(what: str, count: int = ONE_BY_ONE) -> Iterator[None]:
    """Prints what the services computed in the block for each of what was made."""
    before = cpu_seconds(os.getpid()) - time.process_time()
    yield
    spent = cpu_seconds(os.getpid()) - time.process_time() - before
    print(f"{spent / count:.2f} s of processor time for each of {count} {what}, load average {os.getloadavg()[0]:.1f}")


def _opened(stack: Stack, title: str, place: int) -> tuple[str, Made]:
    """The name of a declared incident, and how long its card took."""
    incident = IncidentServiceStub(stack.channel("DETECTION")).DeclareIncident(
        incident_service_pb2.DeclareIncidentRequest(service=_service(place), title=title, severity=SEVERITY_P2))
    began = time.monotonic()
    request = card_service_pb2.GetCardRequest(incident=incident.name)
    answer = _wait(CardServiceStub(stack.channel("DRAFTING")).GetCard, request)
    return incident.name, Made(time.monotonic() - began, not answer.card.missing)


def _resolved(stack: Stack, name: str) -> Made:
    IncidentServiceStub(stack.channel("DETECTION")).ResolveIncident(
        incident_service_pb2.ResolveIncidentRequest(name=name, responder="bench"))
    began = time.monotonic()
    request = postmortem_service_pb2.GetPostmortemRequest(name=name.replace("incidents/", "postmortems/"))
    answer = _wait(PostmortemServiceStub(stack.channel("DRAFTING")).GetPostmortem, request)
    took = time.monotonic() - began
    # What is missing is asked of the reviewer.
    return Made(took, not any("unavailable" in one.text or "incomplete" in one.text for one in answer.questions))


def _wait(call: Callable[..., Any], request: Any) -> Any:
    """The answer, as soon as there is one."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            answer = call(request, timeout=10)
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
        else:
            return answer
        time.sleep(0.02)
    raise SystemExit(f"{type(request).__name__} found nothing in a minute")


# What is sent


def _send(stack: Stack, lines: int, now: int) -> None:
    channel = stack.channel("OTLP_GRPC")
    with ThreadPoolExecutor(4) as threads:
        # The stubs that OpenTelemetry generates have no types.
        kinds: tuple[tuple[Iterator[Any], Callable[..., Any]], ...] = (
            (_metrics(now), MetricsServiceStub), (_spans(now), TraceServiceStub), (_lines(now, lines), LogsServiceStub))
        for requests, stub in kinds:
            export = stub(channel).Export
            for _ in threads.map(partial(export, timeout=120), requests):
                pass


def _service(place: int) -> str:
    return f"service-{place % SERVICES:02d}"


def _resource(place: int) -> Resource:
    resource = Resource()
    attribute = resource.attributes.add(key="service.name")
    attribute.value.string_value = _service(place)
    return resource


def _metrics(now: int) -> Iterator[ExportMetricsServiceRequest]:
    """Gauges of the last seventy minutes, a value a minute."""
    for place in range(SERVICES):
        request = ExportMetricsServiceRequest()
        resource = request.resource_metrics.add(resource=_resource(place))
        scope = resource.scope_metrics.add()
        for number in range(METRICS):
            metric = scope.metrics.add(name=f"pool{number}.utilization", unit="1")
            metric.gauge.data_points.extend(
                NumberDataPoint(time_unix_nano=now - minute * _MINUTE_NS,
                                as_double=0.3 + (minute * 7 + number) % 11 / 100)
                for minute in range(70, 0, -1))
        yield request


def _spans(now: int) -> Iterator[ExportTraceServiceRequest]:
    """Traces of a caller and a callee, over seventy minutes."""
    for place in range(SERVICES):
        request = ExportTraceServiceRequest()
        mine = request.resource_spans.add(resource=_resource(place)).scope_spans.add()
        other = request.resource_spans.add(resource=_resource(place + 1)).scope_spans.add()
        for number in range(SPANS // SERVICES // 2):
            start = now - int(number / (SPANS // SERVICES // 2) * 70 * _MINUTE_NS) - _MINUTE_NS
            trace, span = (place * 1_000_000 + number + 1).to_bytes(16, "big"), number.to_bytes(8, "little")
            mine.spans.append(Span(trace_id=trace, span_id=b"a" + span[:7], name="GET /", kind=Span.SPAN_KIND_SERVER,
                                   start_time_unix_nano=start, end_time_unix_nano=start + 30_000_000))
            other.spans.append(Span(trace_id=trace, span_id=b"b" + span[:7], parent_span_id=b"a" + span[:7],
                                    name="load", kind=Span.SPAN_KIND_SERVER, start_time_unix_nano=start + 1_000_000,
                                    end_time_unix_nano=start + 20_000_000))
        yield request


def _lines(now: int, lines: int) -> Iterator[ExportLogsServiceRequest]:
    """A thousand lines a request: a tenth in the hour before, the rest in the last ten minutes."""
    batches = max(lines // 1000, 1)
    for batch in range(-batches // 10, batches):
        share = (batch + 1) / batches if batch >= 0 else -batch / (batches / 10)
        ago = (1 - share) * 10 if batch >= 0 else 12 + share * 58
        request = ExportLogsServiceRequest()
        scope = request.resource_logs.add(resource=_resource(batch % SERVICES)).scope_logs.add()
        at = now - int((ago + 0.5) * _MINUTE_NS)
        scope.log_records.extend(_record(at + number * 1000, batch, number) for number in range(1000))
        yield request


def _record(at: int, batch: int, number: int) -> LogRecord:
    record = LogRecord(time_unix_nano=at, severity_text="INFO")
    is_new = batch >= 0 and number % 50 == 0
    text = "timeout after {} ms, attempt {}" if is_new else _PATTERNS[number % len(_PATTERNS)]
    record.severity_text = "ERROR" if is_new else "INFO"
    record.body.string_value = text.format(number * 37 + batch, number)
    return record


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else LINES))
