"""The embedded PostgreSQL: real, durable, gone with its parent."""

import asyncio
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from shared.postgres.embedded import EmbeddedPostgres


async def test_what_was_committed_survives_a_kill(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path) as server:
        connection = await asyncpg.connect(server.url())
        await connection.execute("CREATE TABLE t (n integer); INSERT INTO t VALUES (42)")
        os.killpg(server.pid, signal.SIGKILL)
        await asyncio.to_thread(_reaped, server)
        connection.terminate()

    async with EmbeddedPostgres(tmp_path) as server:
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SELECT n FROM t") == 42
        assert await connection.fetchval("SHOW fsync") == "on"
        assert await connection.fetchval("SHOW synchronous_commit") == "on"
        await connection.close()


async def test_directory_with_a_long_path_works(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-rather-long-directory-name"] * 4)

    async with EmbeddedPostgres(deep) as server:
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SELECT 1") == 1
        await connection.close()


async def test_server_listens_on_no_address(tmp_path: Path) -> None:
    async with EmbeddedPostgres(tmp_path) as server:
        connection = await asyncpg.connect(server.url())
        assert await connection.fetchval("SHOW listen_addresses") == ""
        await connection.close()


async def test_start_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no_such_setting"):
        async with EmbeddedPostgres(tmp_path, options={"no_such_setting": "1"}):
            pass


def _reaped(server: EmbeddedPostgres) -> None:
    while server.is_running():
        os.sched_yield()
