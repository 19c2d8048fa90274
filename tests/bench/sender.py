"""A load generator in a process of its own: `python -m tests.bench.sender KIND ADDRESS SECONDS WORKERS RATE`.

KIND: metrics, logs, traces over OTLP/gRPC, or remote-write over HTTP. SECONDS: 0 for each request three times. RATE:
items per second, 0 for as many as WORKERS who wait for each answer can send. Prints one line of JSON: items, seconds,
and the quantiles of the answers' delay.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cramjam
import grpc
import httpx2

from tests.bench.telemetry import BATCH, Template, templates, write_request

TEMPLATES = 40
# How often each request is sent when no time is given: new, seen before, remembered.
_WARM_TURNS = 3
_METHODS = {"metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export"}
Send = Callable[[Template, int], Awaitable[None]]


@dataclass(slots=True)
class Tally:
    delays_s: list[float] = field(default_factory=list)
    failures: int = 0


async def main(kind: str, address: str, seconds: float, workers: int, rate: float) -> None:
    made = templates(kind, TEMPLATES)
    tally = Tally()
    if kind == "remote-write":
        async with httpx2.AsyncClient() as client:
            began, ended = await _run(_poster(client, address), made, tally, seconds, workers, rate)
    else:
        async with grpc.aio.insecure_channel(address) as channel:
            began, ended = await _run(_exporter(channel, kind), made, tally, seconds, workers, rate)
    delays = sorted(tally.delays_s)
    print(json.dumps({"items": len(delays) * BATCH, "seconds": ended - began, "failures": tally.failures,
                      "p50_ms": 1e3 * delays[len(delays) // 2] if delays else 0.0,
                      "p99_ms": 1e3 * delays[int(len(delays) * 0.99)] if delays else 0.0}))


def _exporter(channel: grpc.aio.Channel, kind: str) -> Send:
    call: Any = channel.unary_unary(_METHODS[kind])  # bytes in, bytes out

    async def send(template: Template, number: int) -> None:
        await call(template.at(time.time_ns(), number), timeout=60)
    return send


def _poster(client: httpx2.AsyncClient, address: str) -> Send:
    headers = {"Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
               "X-Prometheus-Remote-Write-Version": "0.1.0"}

    async def send(template: Template, number: int) -> None:
        body = bytes(cramjam.snappy.compress_raw(write_request(template, time.time_ns() // 1_000_000)))
        answer = await client.post(f"http://{address}/api/v1/write", content=body, headers=headers, timeout=60)
        answer.raise_for_status()
    return send


async def _run(send: Send, made: Sequence[Template], tally: Tally, seconds: float, workers: int,
               rate: float) -> tuple[float, float]:
    """Each worker has templates of its own, so that no series goes back in time."""
    began = time.monotonic()
    numbers = iter(range(int(time.time()) << 24, 1 << 62))

    async def worker(place: int) -> None:
        own, turn = made[place::workers], 0
        # With a rate every worker has its own beat; an answer that is late does not delay the next request's due time.
        due = began + place / workers * (workers * BATCH / rate if rate else 0.0)
        while True:
            if rate:
                await asyncio.sleep(max(due - time.monotonic(), 0.0))
            sent = time.monotonic()
            if sent - began >= seconds if seconds else turn >= _WARM_TURNS * len(own):
                return
            try:
                await send(own[turn % len(own)], next(numbers))
                tally.delays_s.append(time.monotonic() - (due if rate else sent))
            except (grpc.aio.AioRpcError, httpx2.HTTPError):
                tally.failures += 1
                await asyncio.sleep(0.1)
            turn += 1
            due += workers * BATCH / rate if rate else 0.0
    async with asyncio.TaskGroup() as group:
        for place in range(workers):
            group.create_task(worker(place))
    return began, time.monotonic()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5])))
