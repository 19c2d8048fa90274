"""A pool of asyncpg connections for one service's schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

from shared.errors import Unavailable
from shared.settings import Common

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"

# What a connection looks like that was lost or refused, and a server that cannot store now: it shuts down or starts,
# has no connection, memory or disk left, or is a standby since a moment ago. InternalClientError is what asyncpg says
# of a connection that broke between a question and its answer. The caller may come back.
AWAY = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError,
        asyncpg.OperatorInterventionError, asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError,
        asyncpg.ReadOnlySQLTransactionError, OSError)

# A server that is killed while it greets may leave the greeting unanswered.
_CONNECT_S = 5.0


@asynccontextmanager
async def open_pool(url: str, *, schema: str, size: int = 10, command_timeout_s: float = 60.0) -> AsyncIterator[Pool]:
    """A pool whose connections see `schema` and speak UTC; the schema is created when it is missing.

    size: most connections at once. Raises Unavailable when PostgreSQL cannot be reached within 30 s.
    """
    await _create_schema(url, schema)
    # Prepared statements do not survive PgBouncer in transaction mode; asyncpg's cache is worth it everywhere else.
    cache = 0 if "pgbouncer=true" in url else 256
    pool = await asyncpg.create_pool(url.replace("?pgbouncer=true", "").replace("&pgbouncer=true", ""), min_size=1,
                                     max_size=size, timeout=_CONNECT_S, command_timeout=command_timeout_s,
                                     statement_cache_size=cache,
                                     server_settings={"search_path": f"{schema},public", "timezone": "UTC",
                                                      "application_name": f"afteraction-{schema}"})
    try:
        yield pool
    finally:
        try:
            async with asyncio.timeout(10):
                await pool.close()
        except TimeoutError:
            pool.terminate()


def database_url(common: Common) -> str:
    """The URL that this process was given. Raises Unavailable, with the way out, when there is none."""
    if not common.database_url:
        raise Unavailable("no database: run `afteraction serve`, which starts one, or set AFTERACTION_DATABASE_URL",
                          reason="NO_DATABASE")
    return common.database_url


async def _create_schema(url: str, schema: str) -> None:
    try:
        async with asyncio.timeout(30):
            connection = await _connect(url)
    except TimeoutError:
        raise Unavailable("PostgreSQL did not answer within 30 s; is AFTERACTION_DATABASE_URL right?",
                          reason="DATABASE_AWAY") from None
    try:
        # Two processes may create it at once; IF NOT EXISTS alone does not protect against that.
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('afteraction schema'))")
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    finally:
        await connection.close()


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    while True:
        try:
            return await asyncpg.connect(url)
        except AWAY:
            await asyncio.sleep(0.2)
