"""Positions in the order of commit, and the word to replicas that there is a new one."""

from __future__ import annotations

from shared.postgres.pool import Connection, Pool

CHANNEL = "memory_changed"


async def next_position(connection: Connection) -> int:
    """The position of what this transaction changes. Take it late: from here to the commit, other writers wait."""
    position = await connection.fetchval("UPDATE position SET value = value + 1 RETURNING value")
    await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, str(position))
    return int(position)


async def database_id(pool: Pool) -> str:
    """An id that no other database has, nor this one after it was made anew."""
    return str(await pool.fetchval("SELECT id FROM position"))


async def present_position(connection: Connection) -> int:
    """The position of the last committed change."""
    return int(await connection.fetchval("SELECT value FROM position"))
