"""Incidents of invented systems as cases: `make invented OUT=DIR`, then `make eval-incidents DATA=DIR` and the like.

The same physics (`invented_systems`) told in the words of different senders: OpenTelemetry with spans and logs,
Prometheus behind an Istio mesh, a JVM with Micrometer and logs, and plain gauges of nothing but names. What is ranked
well here was not chosen by the recorded incidents, and the other way round.
"""

import gzip
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tests.eval.invented_systems import KINDS, Fault, Service, System, minutes

START = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
BEFORE, LASTING, AFTER = 75, 8, 6
_LADDER_MS = (5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, float("inf"))
Line = dict[str, Any]
Words = Callable[[System, Mapping[str, Service], datetime, np.random.Generator], Iterator[Line]]


def main(out: Path) -> int:
    """Writes a case for each kind of fault in each system."""
    for place, (system, words) in enumerate(SYSTEMS):
        for number, kind in enumerate(KINDS):
            if kind == "code-return" and system.name in ("bare", "mesh"):
                continue  # nothing that these senders tell would show it
            write(out / f"{system.name}-{number:02}", system, words, kind, seed=100 * place + number)
    return 0


def write(folder: Path, system: System, words: Words, kind: str, seed: int) -> None:
    """One case: what was told, and the truth beside it."""
    chance = np.random.default_rng(seed)
    fault = Fault(_struck(system, kind, chance), kind, range(BEFORE, BEFORE + LASTING))
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "telemetry.ndjson.gz", "wt", encoding="utf-8") as file:
        for number, told in enumerate(minutes(system, fault, BEFORE + LASTING + AFTER, seed)):
            at = START + timedelta(minutes=number + 1)
            for line in sorted(words(system, told, at, chance), key=lambda each: str(each["t"])):
                file.write(json.dumps(line) + "\n")
    start, end = START + timedelta(minutes=BEFORE), START + timedelta(minutes=BEFORE + LASTING)
    (folder / "truth.json").write_text(json.dumps({
        "fault_service": fault.service, "fault_kind": kind, "start": start.isoformat(), "end": end.isoformat(),
        "metric_period_s": 60, "visibility": {"visible_in_request_metrics": kind not in ("code-return",)}}))


def _struck(system: System, kind: str, chance: np.random.Generator) -> str:
    """A service in which this kind of fault has something to break: the way in where users come in greater numbers."""
    if kind == "traffic":
        return next(iter(system.entry))
    fitting = [name for name in system.services if name not in system.entry
               and (kind != "code-return" or system.calls.get(name))]
    return str(chance.choice(fitting))


# Words


def _metric(at: datetime, service: str, name: str, value: float, unit: str = "", kind: str = "gauge",
            **attributes: str) -> Line:
    return {"t": at.isoformat(), "kind": "metric", "service": service, "name": name, "unit": unit, "type": kind,
            "value": round(float(value), 6), "attributes": {key.replace("__", "."): text
                                                            for key, text in attributes.items()}}


def _log(at: datetime, service: str, severity: str, body: str) -> Line:
    return {"t": at.isoformat(), "kind": "log", "service": service, "severity": severity, "body": body}


def _failed(one: Service, chance: np.random.Generator) -> tuple[int, int]:
    """How many of a minute's requests were answered, and how many failed."""
    total = int(chance.poisson(one.requests))
    failed = int(chance.binomial(total, min(one.failing, 1.0)))
    return total - failed, failed


def otel(system: System, told: Mapping[str, Service], at: datetime, chance: np.random.Generator) -> Iterator[Line]:
    """OpenTelemetry's names, one span tree in some hundred requests, and logs."""
    for name, one in told.items():
        good, bad = _failed(one, chance)
        for code, count in (("200", good), ("500", bad)):
            yield _metric(at, name, "http.server.requests", count, "{request}", "sum",
                          http__response__status_code=code)
        for q, factor in (("p50", 1.0), ("p95", 2.6)):
            yield _metric(at, name, f"http.server.request.duration.{q}",
                          one.latency_s * factor * np.exp(chance.normal(0, 0.03)), "s")
        yield _metric(at, name, "process.cpu.utilization", one.cpu, "1")
        yield _metric(at, name, "process.memory.utilization", one.memory, "1")
        yield _metric(at, name, "system.disk.utilization", one.disk, "1")
        yield _metric(at, name, "db.client.connection.utilization", one.pool, "1")
        yield _metric(at, name, "k8s.container.restarts", one.restarts, "{restart}", "sum")
        yield from _lines(name, one, at, "RuntimeError: cannot compute total for cart {}", chance)
    for entry in system.entry:
        for number in range(4):
            began = at - timedelta(seconds=15 * number + 5)
            yield from _trace(system, told, entry, began, f"{at:%H%M}{number}", chance)


def _lines(name: str, one: Service, at: datetime, exception: str, chance: np.random.Generator) -> Iterator[Line]:
    for number in range(5):
        yield _log(at - timedelta(seconds=10 * number + 1), name, "INFO", f"handled {int(one.requests)} requests")
    if one.own_failing > 0.1:
        for _ in range(int(min(one.requests * one.own_failing / 20, 25))):
            back = float(chance.uniform(1, 59))
            body = (exception.format(int(chance.integers(1000, 9999))) if one.restarts == 0
                    else "shutting down: liveness probe failed")
            yield _log(at - timedelta(seconds=back), name, "ERROR", body)


def _trace(system: System, told: Mapping[str, Service], entry: str, at: datetime, mark: str,
           chance: np.random.Generator) -> Iterator[Line]:
    trace = f"{entry}-{mark}"
    spans: list[Line] = []

    def span(name: str, parent: str, begins: datetime) -> datetime:
        one, identity = told[name], f"{trace}-{len(spans)}"
        line: Line = {"kind": "span", "service": name, "trace_id": trace, "span_id": identity,
                      "parent_span_id": parent, "name": f"{name.upper()} /handle", "span_kind": "server",
                      "attributes": {}}
        spans.append(line)
        now = begins + timedelta(seconds=one.own_s * float(np.exp(chance.normal(0, 0.1))))
        has_failed = chance.random() < one.own_failing
        for callee in system.calls.get(name, {}):
            wanted = one.asked.get(callee, 0.0) / max(one.requests, 1e-9)
            if has_failed or chance.random() >= wanted:
                continue
            way = timedelta(seconds=(told[callee].way_s + one.way_s - 0.001) / 2)
            now = span(callee, identity, now + way) + way
        line |= {"t": begins.isoformat(), "start": begins.isoformat(), "end": now.isoformat(),
                 "status": "error" if has_failed else "ok"}
        return now

    span(entry, "", at)
    yield from spans


def mesh(system: System, told: Mapping[str, Service], at: datetime, chance: np.random.Generator) -> Iterator[Line]:
    """Prometheus and cAdvisor behind Istio: counters' increases, by who asked whom."""
    callers = {name: [other for other in told if name in system.calls.get(other, {})] or ["unknown"] for name in told}
    for name, one in told.items():
        good, bad = _failed(one, chance)
        for caller in callers[name]:
            share = 1.0 if caller == "unknown" else told[caller].asked.get(name, 0.0) / max(one.requests, 1e-9)
            of = {"source_workload": caller, "destination_workload": name}
            for code, count in (("200", good), ("503", bad)):
                yield _metric(at, name, "istio_requests_total", round(count * share), "", "sum", response_code=code,
                              **of)
            for le, below in _ladder(one.latency_s * 1000, (good + bad) * share):
                yield _metric(at, name, "istio_request_duration_milliseconds_bucket", below, "", "sum",
                              le=le, **of)
        yield _metric(at, name, "container_cpu_usage_seconds_total", one.cpu * 60, "", "sum")
        yield _metric(at, name, "container_memory_working_set_bytes", one.memory * 5e8, "By")
        yield _metric(at, name, "container_fs_writes_bytes_total", one.disk * 6e9, "", "sum")
        yield _metric(at, name, "container_network_receive_bytes_total", one.requests * 2000, "", "sum")
        yield _metric(at, name, "hikaricp_connections_active", round(one.pool * 20), "")
        yield _metric(at, name, "kube_pod_container_status_restarts_total", one.restarts, "", "sum")


def _ladder(median_ms: float, count: float) -> Iterator[tuple[str, float]]:
    """A log-normal course, as counts at or below each bound."""
    for bound in _LADDER_MS:
        share = 1.0 if bound == float("inf") else 1.0 / (1.0 + (median_ms / bound) ** 2.8)
        yield ("+Inf" if bound == float("inf") else f"{bound:g}"), round(count * share)


def jvm(system: System, told: Mapping[str, Service], at: datetime, chance: np.random.Generator) -> Iterator[Line]:
    """Micrometer's names, and the log of a Java program."""
    del system
    for name, one in told.items():
        good, bad = _failed(one, chance)
        for status, outcome, count in (("200", "SUCCESS", good), ("500", "SERVER_ERROR", bad)):
            yield _metric(at, name, "http.server.requests.count", count, "", "sum", uri="/api/**", method="GET",
                          status=status, outcome=outcome)
        yield _metric(at, name, "http.server.requests.duration.avg", one.latency_s * 1.3 * 1000, "ms")
        yield _metric(at, name, "http.server.requests.duration.p99", one.latency_s * 4000, "ms")
        yield _metric(at, name, "process.cpu.usage", one.cpu, "")
        yield _metric(at, name, "jvm.memory.used", one.memory * 1e9, "bytes", area="heap")
        yield _metric(at, name, "jvm.gc.pause", 0.01 + (0.8 if one.memory > 0.9 else 0.0), "s")
        yield _metric(at, name, "hikaricp.connections.pending", round(max(one.pool - 0.9, 0) * 400), "")
        yield _metric(at, name, "disk.busy", one.disk * 100, "%")
        yield _metric(at, name, "jvm.threads.live", 40 + 100 * one.pool, "threads")
        yield from _lines(name, one, at, "java.lang.IllegalStateException: order {} has no lines\n\tat "
                          "org.acme.Orders.total(Orders.java:88)\n\tat org.acme.Http.serve(Http.java:12)", chance)


def bare(system: System, told: Mapping[str, Service], at: datetime, chance: np.random.Generator) -> Iterator[Line]:
    """Gauges that say no more than their names, of services whose calls nobody tells."""
    del system
    for name, one in told.items():
        _, bad = _failed(one, chance)
        yield _metric(at, name, "load", one.requests / 60)
        yield _metric(at, name, "error", bad / 60)
        yield _metric(at, name, "latency-50", one.latency_s)
        yield _metric(at, name, "latency-90", one.latency_s * 2)
        yield _metric(at, name, "cpu", one.cpu * 100)
        yield _metric(at, name, "mem", one.memory * 4e8)
        yield _metric(at, name, "diskio", one.disk * 5e6)
        yield _metric(at, name, "socket", round(20 + 60 * one.pool))


SYSTEMS: tuple[tuple[System, Words], ...] = (
    (System("otel", {"edge": {"basket": 0.6, "films": 0.9, "people": 0.3}, "basket": {"prices": 1.5, "stock": 0.7},
                     "films": {"search": 0.8, "prices": 0.4}, "people": {"letters": 0.2}, "search": {"store": 2.0}},
            {"edge": 25.0}, {"edge": 0.006, "basket": 0.02, "films": 0.015, "people": 0.01, "prices": 0.004,
                             "stock": 0.012, "search": 0.03, "letters": 0.05, "store": 0.003},
            frozenset({("people", "letters")})), otel),
    (System("mesh", {"gate-v1": {"tours": 0.7, "rooms": 0.8}, "tours": {"guides": 1.0, "maps": 2.0},
                     "rooms": {"rates-v2": 1.0, "photos": 3.0}, "guides": {"ledger": 0.5}, "rates-v2": {"ledger": 1.0},
                     "maps": {"tiles": 1.5}},
            {"gate-v1": 40.0}, {"gate-v1": 0.004, "tours": 0.02, "rooms": 0.025, "guides": 0.01, "maps": 0.008,
                                "rates-v2": 0.012, "photos": 0.005, "ledger": 0.02, "tiles": 0.006}), mesh),
    (System("jvm", {"PortalUi": {"PolicyApi": 0.8, "ClaimsApi": 0.5}, "PolicyApi": {"Tariff": 1.0, "Customers": 1.0},
                    "ClaimsApi": {"Customers": 1.0, "Documents": 0.6, "Payments": 0.3}, "Payments": {"BankLink": 1.0},
                    "Tariff": {"RuleEngine": 2.0}},
            {"PortalUi": 12.0}, {"PortalUi": 0.015, "PolicyApi": 0.03, "ClaimsApi": 0.04, "Tariff": 0.01,
                                 "Customers": 0.02, "Documents": 0.08, "Payments": 0.02, "BankLink": 0.1,
                                 "RuleEngine": 0.006}), jvm),
    (System("bare", {"www": {"posts": 1.0, "users": 0.5}, "posts": {"media": 0.8, "likes": 1.2, "text": 1.0},
                     "users": {"session": 1.0, "graph": 0.4}, "likes": {"cache": 1.0}, "media": {"blob": 1.0}},
            {"www": 60.0}, {"www": 0.003, "posts": 0.012, "users": 0.008, "media": 0.02, "likes": 0.003,
                            "text": 0.005, "session": 0.002, "graph": 0.01, "cache": 0.001, "blob": 0.015}), bare),
)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.eval.invented_incidents OUT")
    sys.exit(main(Path(sys.argv[1])))
