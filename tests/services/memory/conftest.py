"""A memory service on a database of its own, called through its generated stub."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, Document
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub, add_MemoryServiceServicer_to_server
from services.memory.compose import MIGRATIONS, SCHEMA, servicer
from services.memory.embedding import Encoder
from services.memory.settings import Settings
from shared.clock import SetClock
from shared.postgres.pool import Pool
from shared.rpc.client import Channel
from shared.rpc.server import Server
from shared.settings import Common
from tests.conftest import PoolFor


@cache
def loaded(name: str, threads: int = 1) -> Encoder:
    """The real model, once for all tests of a process."""
    return Encoder(name, threads=threads)


@dataclass(frozen=True)
class Running:
    """A service under test and the database behind it."""

    stub: Any
    pool: Pool

    async def remember(self, title: str, markdown: str, **facts: Any) -> pb.RememberResponse:
        """Stores a post-mortem, or what `facts` say it is."""
        facts.setdefault("kind", DOCUMENT_KIND_POSTMORTEM)
        document = Document(title=title, markdown=markdown, **facts)
        answer: pb.RememberResponse = await self.stub.Remember(pb.RememberRequest(document=document))
        return answer

    async def search(self, text: str = "", position: int = 0, **more: Any) -> pb.SearchSimilarResponse:
        """Searches for `text`, weak results included, not before `position`."""
        more.setdefault("include_weak", True)
        query = more.pop("query", pb.Query(text=text))
        answer: pb.SearchSimilarResponse = await self.stub.SearchSimilar(
            pb.SearchSimilarRequest(query=query, min_position=position, **more)
        )
        return answer


class Start:
    """`await start()`: a memory service until the test ends; `start.until_stopped()`: until the block ends.

    With `pool=` it is another one on the same database.
    """

    def __init__(self, stack: AsyncExitStack, pool_for: PoolFor, clock: SetClock) -> None:
        self._stack = stack
        self._pool_for = pool_for
        self._clock = clock

    async def __call__(self, **facts: Any) -> Running:
        return await self._stack.enter_async_context(self.until_stopped(**facts))

    @asynccontextmanager
    async def until_stopped(
        self, *, pool: Pool | None = None, settings: Settings | None = None, index_file: Path | None = None
    ) -> AsyncIterator[Running]:
        pool = pool or await self._pool_for(SCHEMA, MIGRATIONS)
        async with AsyncExitStack() as stack:
            service = await stack.enter_async_context(
                servicer(pool, settings or Settings(), self._clock, loaded, index_file=index_file)
            )
            register = partial(add_MemoryServiceServicer_to_server, service)
            server = await stack.enter_async_context(Server("127.0.0.1:0", Common(), [register], names=()))
            channel = await stack.enter_async_context(Channel(f"127.0.0.1:{server.port}", Common()))
            yield Running(channel.stub(MemoryServiceStub), pool)


@pytest.fixture
async def start(pool_for: PoolFor, set_clock: SetClock) -> AsyncIterator[Start]:
    """Starts memory services."""
    async with AsyncExitStack() as stack:
        yield Start(stack, pool_for, set_clock)


@pytest.fixture
async def memory(start: Start) -> Running:
    """One memory service."""
    return await start()
