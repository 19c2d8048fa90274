"""The typed client for other people's programs, against the real service."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub, add_MemoryServiceServicer_to_server
from services.memory.compose import MIGRATIONS, SCHEMA, servicer
from services.memory.settings import Settings
from shared.client.memory import AsyncMemory, Memory
from shared.clock import SetClock
from shared.errors import InvalidArgument, Unauthenticated
from shared.rpc.client import Channel
from shared.rpc.server import Server
from shared.settings import Common
from tests.conftest import PoolFor
from tests.services.memory.conftest import Running, loaded

TEXT = "# Login down\n\n## Summary\n\nThe TLS certificate of the identity provider had expired.\n"
TOKEN = "let-me-in"


@pytest.fixture
async def address(pool_for: PoolFor, set_clock: SetClock) -> AsyncIterator[str]:
    """Of a memory service that asks for a token and knows one post-mortem."""
    pool = await pool_for(SCHEMA, MIGRATIONS)
    async with servicer(pool, Settings(), set_clock, loaded) as service:
        register = partial(add_MemoryServiceServicer_to_server, service)
        async with Server("127.0.0.1:0", Common(token=TOKEN), [register], names=()) as server:
            async with Channel(f"127.0.0.1:{server.port}", Common(token=TOKEN)) as channel:
                memory = Running(channel.stub(MemoryServiceStub), pool)
                stored = await memory.remember("Login down", TEXT, services=["identity"])
                await memory.search("searchable now", stored.position)
            yield f"127.0.0.1:{server.port}"


async def test_search_and_watch_from_asyncio(address: str) -> None:
    async with AsyncMemory(address, token=TOKEN) as memory:
        found = await memory.similar("certificate expired", services=["identity"])
        answers = memory.watch("certificate expired", kinds=["runbook"])
        watched = await anext(answers)
        await answers.aclose()  # type: ignore[attr-defined]

    assert [(each.kind, each.title, each.role) for each in found] == [("postmortem", "Login down", "summary")]
    assert "same service identity" in found.results[0].reasons
    assert (watched.version, len(watched)) == (1, 0)


async def test_search_and_watch_from_a_thread(address: str) -> None:
    def work() -> tuple[list[str], int]:
        with Memory(address, token=TOKEN) as memory:
            titles = [each.title for each in memory.similar("certificate expired", include_weak=True)]
            return titles, next(memory.watch("certificate expired")).version

    assert await asyncio.to_thread(work) == (["Login down"], 1)


async def test_feedback_and_filters_from_both(address: str) -> None:
    def work(name: str) -> list[float]:
        with Memory(address, token=TOKEN) as memory:
            memory.feedback(name, is_helpful=True, author="kim", text="certificate expired")
            found = memory.similar("certificate expired", only_severities=[1], include_weak=True)
            return [each.score for each in found]

    async with AsyncMemory(address, token=TOKEN) as memory:
        before = (await memory.similar("certificate expired")).results[0]
        filtered = await asyncio.to_thread(work, before.name)
        await memory.feedback(before.name, is_helpful=True, author="ada", text="certificate expired")
        with pytest.raises(InvalidArgument):
            await memory.similar("certificate expired", kinds=["foo"])
        with pytest.raises(InvalidArgument):
            await memory.similar("certificate expired", only_severities=[7])

    assert filtered == []


async def test_errors_are_the_same_from_both(address: str) -> None:
    def work(token: str) -> None:
        with Memory(address, token=token) as memory:
            memory.similar("")

    with pytest.raises(InvalidArgument):
        await asyncio.to_thread(work, TOKEN)
    with pytest.raises(Unauthenticated):
        await asyncio.to_thread(work, "wrong")
    async with AsyncMemory(address, token=TOKEN) as memory:
        with pytest.raises(InvalidArgument):
            await memory.similar("")
