"""kill -9 of ingestion and of PostgreSQL, twenty times, under load: the client's ledger holds.

Half of the senders give up on a request that fails, the others send the very same again until it is answered. A round
ends when enough was acknowledged since the last kill, so that no round is idle and none waits for a clock.
"""

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf.message import Message

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from services.ingestion import span_columns
from services.ingestion.chunks import decode_lines
from services.ingestion.columns import decode_points
from shared.errors import AfteractionError
from shared.postgres.embedded import EmbeddedPostgres
from shared.rpc.client import Channel
from shared.settings import Common
from tests.bench.processes import family
from tests.faults.ledger import Ledger, acknowledged_is_durable, nothing_is_made_up, order_is_kept, stored_once
from tests.services.ingestion.senders import gauge, logs, spans

ROUNDS = 20
ACKNOWLEDGED_A_ROUND = 60
ITEMS_A_REQUEST = 3
_METHODS = {"metrics": "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            "logs": "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            "traces": "/opentelemetry.proto.collector.trace.v1.TraceService/Export"}
_RECONNECT = (("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200),
              ("grpc.min_reconnect_backoff_ms", 50))


def request(kind: str, items: list[int]) -> Message:
    """The items as values, as numbers in lines, or as ids of spans."""
    if kind == "metrics":
        return gauge(f"s{items[0] % 7}", "items", [(item % 600, float(item)) for item in items])
    if kind == "logs":
        return logs(f"s{items[0] % 7}", [(item % 600, f"item {item} seen") for item in items])
    return spans([(f"s{items[0] % 7}", f"{item:016x}", "", "see", item % 600, item % 600 + 0.5) for item in items])


class Senders:
    """Clients that write down what they sent and what was acknowledged."""

    def __init__(self, address: str) -> None:
        self.ledgers = {kind: Ledger() for kind in _METHODS}
        self._address = address
        self._numbers = itertools.count(1)
        self._acknowledged = asyncio.Condition()
        self._requests = 0
        self._is_stopping = False

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for kind in _METHODS:
                for is_patient in (True, True, False, False):
                    group.create_task(self._send(kind, is_patient))

    async def until_acknowledged(self, requests: int) -> None:
        """Returns when that many more requests were acknowledged."""
        async with asyncio.timeout(120), self._acknowledged:
            wanted = self._requests + requests
            await self._acknowledged.wait_for(lambda: self._requests >= wanted)

    def stop(self) -> None:
        self._is_stopping = True

    async def _send(self, kind: str, is_patient: bool) -> None:
        ledger = self.ledgers[kind]
        async with grpc.aio.insecure_channel(self._address, options=_RECONNECT) as channel:
            call: Any = channel.unary_unary(_METHODS[kind])
            while not self._is_stopping:
                items = list(itertools.islice(self._numbers, ITEMS_A_REQUEST))
                body = request(kind, items).SerializeToString()
                ledger.sent.update(items)
                while True:
                    try:
                        await call(body, timeout=5, wait_for_ready=True)
                    except grpc.aio.AioRpcError as error:
                        assert error.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), error
                        if is_patient and not self._is_stopping:
                            continue
                        break
                    ledger.acknowledged.update(items)
                    async with self._acknowledged:
                        self._requests += 1
                        self._acknowledged.notify_all()
                    break


class House:
    """Ingestion and its PostgreSQL, as processes that can be killed and started again."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        ports = free_ports(3)
        self.address, self.otlp, self._http = (f"127.0.0.1:{port}" for port in ports)
        self.database = EmbeddedPostgres(directory)
        self._ingestion: subprocess.Popen[bytes] | None = None

    async def start_postgres(self) -> None:
        self.database = EmbeddedPostgres(self._directory)
        await self.database.__aenter__()

    async def start_ingestion(self) -> None:
        environment = os.environ | {
            "AFTERACTION_DATABASE_URL": self.database.url(), "AFTERACTION_INGESTION_ADDRESS": self.address,
            "AFTERACTION_OTLP_GRPC_ADDRESS": self.otlp, "AFTERACTION_OTLP_HTTP_ADDRESS": self._http,
            "AFTERACTION_DATA_DIRECTORY": str(self._directory)}
        self._ingestion = await asyncio.to_thread(
            subprocess.Popen, [sys.executable, "-m", "services.ingestion"], env=environment)

    async def kill_ingestion(self) -> None:
        assert self._ingestion is not None
        self._ingestion.send_signal(signal.SIGKILL)
        await asyncio.to_thread(self._ingestion.wait)
        await self.start_ingestion()

    async def kill_postgres(self) -> None:
        """Every process of it at once, as when the machine's memory runs out."""
        for pid in family(self.database.pid):
            with suppress(ProcessLookupError):  # the death of one ends others
                os.kill(pid, signal.SIGKILL)
        await self.database.__aexit__(None, None, None)
        await self.start_postgres()

    async def stop(self) -> None:
        if self._ingestion is not None:
            self._ingestion.terminate()
            await asyncio.to_thread(self._ingestion.wait)
        await self.database.__aexit__(None, None, None)


@asynccontextmanager
async def house(directory: Path) -> AsyncIterator[House]:
    made = House(directory)
    await made.start_postgres()
    try:
        await made.start_ingestion()
        yield made
    finally:
        await made.stop()


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


async def tailed(address: str) -> list[pb.TailResponse]:
    """The whole log, as a reader that begins anew sees it."""
    async with asyncio.timeout(60), Channel(address, Common()) as channel:
        while True:
            try:
                return [row async for row in channel.stub(IngestionServiceStub).Tail(pb.TailRequest())
                        if not row.is_heartbeat]
            except (AfteractionError, grpc.RpcError):
                await asyncio.sleep(0.2)  # it was killed a moment ago


async def raw_items(url: str) -> tuple[list[int], list[int]]:
    """The items of all lines and of all spans."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT service, signal, raw FROM ingestion.chunks WHERE raw IS NOT NULL ORDER BY position")
    finally:
        await connection.close()
    return ([item for row in rows if row["signal"] == 3 for item in numbers(row["service"], row["raw"])],
            [int(span.span_id.hex(), 16) for row in rows if row["signal"] == 2
             for span in span_columns.spans(row["service"], span_columns.decode(row["raw"]))])


def point_items(rows: list[pb.TailResponse]) -> list[int]:
    """The items of all points that were sent, not of those that were derived from lines and spans."""
    sent = {series.id for row in rows for series in row.series if series.metric_name == "items"}
    return [int(value) for row in rows for identifier, value in zip(
        decode_points(row.points)[0].tolist(), decode_points(row.points)[3].tolist(), strict=True)
        if identifier in sent]


def numbers(service: str, raw: bytes) -> Iterator[int]:
    return (int(line.body.split()[1]) for line in decode_lines(service, raw))


@pytest.mark.parametrize("rounds", [ROUNDS])
async def test_ledger_holds_through_kills_of_both(tmp_path: Path, rounds: int) -> None:
    async with house(tmp_path) as running:
        senders = Senders(running.otlp)
        sending = asyncio.create_task(senders.run())
        for number in range(rounds):
            await senders.until_acknowledged(ACKNOWLEDGED_A_ROUND)
            await (running.kill_postgres() if number % 2 else running.kill_ingestion())
        await senders.until_acknowledged(ACKNOWLEDGED_A_ROUND)
        senders.stop()
        await sending

        rows = await tailed(running.address)
        lines, found_spans = await raw_items(running.database.url())

    for kind, found in (("metrics", point_items(rows)), ("logs", lines), ("traces", found_spans)):
        ledger = senders.ledgers[kind]
        assert len(ledger.acknowledged) >= rounds * ITEMS_A_REQUEST
        assert not acknowledged_is_durable(ledger, found), kind
        assert not stored_once(found), kind
        assert not nothing_is_made_up(ledger, found), kind
    assert not order_is_kept(row.position for row in rows)
