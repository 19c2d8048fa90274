"""A telemetry log that tests write, and detection following it on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

import pytest

from afteraction.v1 import incident_service_pb2_grpc as rpc
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub, add_IncidentServiceServicer_to_server
from afteraction.v1.ingestion_service_pb2 import TailResponse
from services.detection.detector import Tuning
from services.detection.follower import Follower
from services.detection.service import IncidentService
from services.detection.store import Store
from services.detection.watch import Watch
from shared.clock import SetClock
from shared.offload import Offload
from shared.postgres.pool import Pool


@dataclass
class WrittenLog:
    """Stands in for ingestion, which is another process: rows as they were written."""

    rows: list[TailResponse] = field(default_factory=list)
    forgotten: int = 0

    async def tail(self, after_position: int) -> AsyncIterator[TailResponse]:
        for row in self.rows:
            if row.position > after_position:
                yield row
        await asyncio.Event().wait()

    async def commit_cursor(self, position: int) -> None:
        self.forgotten = position


@dataclass
class Detection:
    """The service in parts: what a test reads, and what it pushes along."""

    pool: Pool
    store: Store
    watch: Watch
    incidents: "rpc.IncidentServiceAsyncStub"
    log: WrittenLog
    clock: SetClock
    make_follower: Callable[[], Follower]

    async def read(self, rows: list[TailResponse], *, times: int = 1) -> Follower:
        """A freshly started follower, after it has taken `rows`."""
        self.log.rows += rows
        follower = self.make_follower()
        await follower.start()
        for row in [each for each in self.log.rows if each.position > follower.position]:
            await follower.take(row)
        return follower


@pytest.fixture
def offload() -> Iterator[Offload]:
    with ExitStack() as stack:
        yield stack.enter_context(Offload(1, "test"))


@pytest.fixture
async def detection(pool_for: Callable[[str, str], Awaitable[Pool]], serve: Callable[..., Awaitable[object]],
                    set_clock: SetClock, offload: Offload) -> Detection:
    pool = await pool_for("detection", "services.detection.migrations")
    store = Store(pool)
    watch = Watch(store)
    log = WrittenLog()
    channel = await serve(partial(add_IncidentServiceServicer_to_server,
                                  IncidentService(store=store, watch=watch, clock=set_clock)))
    make = partial(Follower, log=log, store=store, watch=watch, offload=offload, clock=set_clock, tuning=Tuning(),
                   checkpoint_interval_s=1e9)
    return Detection(pool, store, watch, channel.stub(IncidentServiceStub), log, set_clock, make)  # type: ignore[attr-defined]
