"""What ingestion takes in, durably, per CPU-second of itself and its PostgreSQL: `make bench-ingestion`.

    python -m tests.bench.ingestion [--seconds 15] [--soak MINUTES] [--only KIND …]

Ingestion runs as a process on an embedded PostgreSQL of its own, with fsync. The load comes from other processes over
OTLP/gRPC, 1,000 items a request, and is not counted. Throughput is measured with eight senders who wait for each
answer; the delay of answers at half of the target's rate, from the moment at which a request was due. Beside it
Debian's Prometheus takes the same points through its remote-write receiver, in the same run; it is left out where the
package is not installed (`apt-get install prometheus`). --soak sends points at half of the target's rate for that long,
and tells resident memory each minute.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from shared.postgres.embedded import EmbeddedPostgres
from tests.bench.processes import cpu_seconds, resident_bytes

TARGETS = {"metrics": 150_000, "logs": 20_000, "traces": 20_000}
UNITS = {"metrics": "points", "logs": "lines", "traces": "spans"}
_SENDERS = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of load: items per CPU-second of (both, ingestion, PostgreSQL), per second, delays in ms."""

    kind: str
    both: float
    ingestion: float
    postgres: float
    per_second: float
    p50_ms: float
    p99_ms: float
    failures: int


@dataclass(frozen=True, slots=True)
class Running:
    """What is measured. address: OTLP over gRPC."""

    address: str
    ingestion: int
    postgres: int


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Running]:
    """Ingestion as a process, with a database of its own."""
    own, otlp, http = free_port(), free_port(), free_port()
    async with EmbeddedPostgres(directory) as database:
        environment = os.environ | {
            "AFTERACTION_DATABASE_URL": database.url(), "AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{own}",
            "AFTERACTION_OTLP_GRPC_ADDRESS": f"127.0.0.1:{otlp}", "AFTERACTION_OTLP_HTTP_ADDRESS": f"127.0.0.1:{http}",
            "AFTERACTION_DATA_DIRECTORY": str(directory)}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.ingestion", env=environment)
        try:
            await _ready(f"127.0.0.1:{own}")
            yield Running(f"127.0.0.1:{otlp}", process.pid, database.pid)
        finally:
            process.terminate()
            await process.wait()


async def _ready(address: str) -> None:
    async with asyncio.timeout(60), grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        health = health_pb2_grpc.HealthStub(channel)
        while True:
            answer = await health.Check(health_pb2.HealthCheckRequest())
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            await asyncio.sleep(0.1)


async def send(kind: str, address: str, seconds: float, workers: int, rate: float) -> dict[str, float]:
    """What a load generator in a process of its own has to tell."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.sender", kind, address, str(seconds), str(workers), str(rate),
        stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the load generator for {kind} ended with {process.returncode}")
    return dict(json.loads(output))


async def measure(kind: str, target: Running, seconds: float) -> Row:
    await send(kind, target.address, 0.0, _SENDERS, 0.0)  # series, patterns and caches as after the first minute
    before = cpu_seconds(target.ingestion), cpu_seconds(target.postgres)
    found = await send(kind, target.address, seconds, _SENDERS, 0.0)
    ingestion, postgres = cpu_seconds(target.ingestion) - before[0], cpu_seconds(target.postgres) - before[1]
    half = await send(kind, target.address, seconds, _SENDERS, TARGETS[kind] / 2)
    items = found["items"]
    return Row(kind, items / (ingestion + postgres), items / ingestion, items / postgres, items / found["seconds"],
               half["p50_ms"], half["p99_ms"], int(found["failures"] + half["failures"]))


@contextmanager
def prometheus(directory: Path) -> Iterator[tuple[str, int]]:
    """Debian's Prometheus on loopback, as a remote-write receiver: its address and process."""
    config, port = directory / "prometheus.yml", free_port()
    config.write_text("global: {}\n")
    process = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory / 'tsdb'}", "--log.level=error",
         f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver"])
    try:
        yield f"127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


async def peer(directory: Path, seconds: float) -> float:
    """Points per CPU-second of Prometheus."""
    with prometheus(directory) as (address, pid):
        await _listening(address)
        await send("remote-write", address, 0.0, _SENDERS, 0.0)
        before = cpu_seconds(pid)
        found = await send("remote-write", address, seconds, _SENDERS, 0.0)
        return found["items"] / (cpu_seconds(pid) - before)


async def _listening(address: str) -> None:
    host, _, port = address.partition(":")
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except OSError:
                await asyncio.sleep(0.1)
                continue
            writer.close()
            return


async def soak(target: Running, minutes: float) -> None:
    """Points at half of the target's rate, and resident memory each minute."""
    load = asyncio.create_task(send("metrics", target.address, minutes * 60, _SENDERS, TARGETS["metrics"] / 2))
    began, sizes = time.monotonic(), []
    while not load.done():
        await asyncio.wait([load], timeout=60)
        sizes.append(resident_bytes(target.ingestion) / 2**20)
        print(f"soak   {time.monotonic() - began:5.0f} s   resident {sizes[-1]:6.1f} MiB", flush=True)
    found = load.result()
    print(f"soak   {found['items']:,} points, p99 {found['p99_ms']:.0f} ms, {found['failures']} failures; resident "
          f"memory of the second half within {max(sizes[len(sizes) // 2:]) - min(sizes[len(sizes) // 2:]):.1f} MiB")


async def main(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="afteraction-bench-") as root:
        async with running(Path(root)) as target:
            rows = [await measure(kind, target, arguments.seconds) for kind in arguments.only]
            for row in rows:
                unit = UNITS[row.kind]
                print(f"{row.kind:8} {row.both:9,.0f} {unit} per CPU-second (ingestion alone {row.ingestion:,.0f}, "
                      f"PostgreSQL {row.postgres:,.0f}); {row.per_second:,.0f}/s; at {TARGETS[row.kind] / 2:,.0f}/s "
                      f"p50 {row.p50_ms:.0f} ms, p99 {row.p99_ms:.0f} ms; {row.failures} failures", flush=True)
            if arguments.soak:
                await soak(target, arguments.soak)
        if "metrics" in arguments.only:
            if shutil.which("prometheus"):
                rate = await peer(Path(root), arguments.seconds)
                print(f"peer     {rate:9,.0f} points per CPU-second: Prometheus, remote write; "
                      f"ratio {rows[0].both / rate:.2f}")
            else:
                print("peer     Prometheus is not installed (apt-get install prometheus): no ratio")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--soak", type=float, default=float(os.environ.get("SOAK", "0")), metavar="MINUTES")
    parser.add_argument("--only", nargs="+", choices=tuple(TARGETS), default=tuple(TARGETS))
    sys.exit(asyncio.run(main(parser.parse_args())))
