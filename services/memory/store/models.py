"""Which embedding model answers, and which is being brought in."""

from __future__ import annotations

from dataclasses import dataclass

from shared.postgres.pool import Connection, Pool

_LOCK = "hashtext('afteraction memory re-embedding')"


@dataclass(frozen=True, slots=True)
class State:
    """`next` is empty when nothing is being brought in."""

    active: str
    next: str


async def at_start(pool: Pool, configured: str) -> State:
    """The state after the settings were heard: another model in them than at the last start is to be brought in."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO model (active, configured) VALUES ($1, $1) ON CONFLICT (singleton) DO NOTHING", configured
        )
        await connection.execute(
            """UPDATE model SET configured = $1, next = CASE WHEN active = $1 THEN '' ELSE $1 END
            WHERE configured <> $1""",
            configured,
        )
        return await state(connection)


async def state(connection: Pool | Connection) -> State:
    """What is in use, and what is to come."""
    row = await connection.fetchrow("SELECT active, next FROM model")
    assert row is not None
    return State(row["active"], row["next"])


async def bring_in(pool: Pool, model: str) -> None:
    """Asks for `model`; the one in use ends what was being brought in."""
    await pool.execute("UPDATE model SET next = CASE WHEN active = $1 THEN '' ELSE $1 END", model)


async def is_mine(connection: Connection) -> bool:
    """Whether this session may do the re-embedding: one replica does it for all, to the end of the session's lock."""
    return bool(await connection.fetchval(f"SELECT pg_try_advisory_lock({_LOCK})"))


async def leave(connection: Connection) -> None:
    """Lets another replica go on."""
    await connection.execute(f"SELECT pg_advisory_unlock({_LOCK})")


async def without_vectors(pool: Pool, model: str, *, most: int) -> list[str]:
    """Documents that `model` has not embedded yet."""
    rows = await pool.fetch(
        """SELECT name FROM documents WHERE NOT is_forgotten AND NOT EXISTS (
          SELECT 1 FROM vectors WHERE document = documents.name AND model = $1) ORDER BY position LIMIT $2""",
        model,
        most,
    )
    return [row["name"] for row in rows]


async def passages(pool: Pool, document: str) -> tuple[str, list[str]] | None:
    """Title and passage texts of a document, None when it was forgotten."""
    title = await pool.fetchval("SELECT title FROM documents WHERE name = $1 AND NOT is_forgotten", document)
    if title is None:
        return None
    rows = await pool.fetch("SELECT text FROM passages WHERE document = $1 ORDER BY ordinal", document)
    return str(title), [row["text"] for row in rows]


async def switch(pool: Pool, model: str) -> bool:
    """Makes `model` the active one, if it is still the next one; the vectors of others go."""
    async with pool.acquire() as connection, connection.transaction():
        done = await connection.fetchval(
            "UPDATE model SET active = $1, next = '' WHERE next = $1 RETURNING true", model
        )
        if done:
            await connection.execute("DELETE FROM vectors WHERE model <> $1", model)
        return bool(done)
