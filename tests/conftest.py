"""What tests of every part stand on: a real PostgreSQL, real gRPC on loopback, a clock that is set."""

import asyncio
import itertools
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import asyncpg
import hypothesis
import pytest

from shared.clock import SetClock
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import migrate
from shared.postgres.pool import Pool, open_pool
from shared.rpc.client import Channel
from shared.rpc.server import Registration, Server
from shared.settings import Common

# The same examples in every run: what fails in one place can be seen in another. `--hypothesis-profile=explore` looks
# for new ones; no profile times an example, since machines differ.
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")

PoolFor = Callable[[str, str], Awaitable[Pool]]
Serve = Callable[..., Awaitable[Channel]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One embedded server for all tests; what it stores need not survive, so it does not wait for the disk."""
    with tempfile.TemporaryDirectory(prefix="afteraction-tests-") as directory:
        server = EmbeddedPostgres(Path(directory), options={"fsync": "off", "full_page_writes": "off"})
        asyncio.run(server.__aenter__())
        try:
            yield server
        finally:
            asyncio.run(server.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def templates(postgres: EmbeddedPostgres) -> Callable[[str, str], str]:
    """Makes a database with one service's schema, once; tests get clones of it."""
    made: dict[tuple[str, str], str] = {}

    async def make(schema: str, package: str) -> str:
        name = f"template_{schema}_{next(_numbers)}"
        await _create_database(postgres, name)
        async with open_pool(postgres.url(name), schema=schema, size=2) as pool:
            await migrate(pool, schema, package)
        return name

    def template(schema: str, package: str) -> str:
        if (schema, package) not in made:
            with asyncio.Runner() as runner:
                made[schema, package] = runner.run(make(schema, package))
        return made[schema, package]
    return template


@pytest.fixture
async def database_url(postgres: EmbeddedPostgres) -> AsyncIterator[str]:
    """An empty database of this test alone."""
    name = f"test_{next(_numbers)}"
    await _create_database(postgres, name)
    yield postgres.url(name)
    await _drop_database(postgres, name)


@pytest.fixture
async def pool_for(postgres: EmbeddedPostgres, templates: Callable[[str, str], str]) -> AsyncIterator[PoolFor]:
    """`await pool_for("memory", "services.memory.migrations")`: a pool on a migrated database of this test alone."""
    async with AsyncExitStack() as stack:
        async def pool(schema: str, package: str) -> Pool:
            template = await asyncio.to_thread(templates, schema, package)
            name = f"test_{next(_numbers)}"
            await _create_database(postgres, name, template)
            stack.push_async_callback(_drop_database, postgres, name)
            return await stack.enter_async_context(open_pool(postgres.url(name), schema=schema))
        yield pool


@pytest.fixture
def set_clock() -> SetClock:
    return SetClock(datetime(2026, 7, 5, 3, 0, tzinfo=UTC))


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`await serve(register, …, common=Common())`: a channel to a real server on a free loopback port."""
    async with AsyncExitStack() as stack:
        async def start(*registrations: Registration, common: Common | None = None) -> Channel:
            settings = common or Common()
            server = await stack.enter_async_context(Server("127.0.0.1:0", settings, registrations, names=()))
            return await stack.enter_async_context(Channel(f"127.0.0.1:{server.port}", settings))
        yield start


async def _create_database(postgres: EmbeddedPostgres, name: str, template: str = "template1") -> None:
    connection = await asyncpg.connect(postgres.url("postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()


async def _drop_database(postgres: EmbeddedPostgres, name: str) -> None:
    connection = await asyncpg.connect(postgres.url("postgres"))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()
