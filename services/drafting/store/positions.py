"""Up to where other services' streams have been worked off."""

from shared.postgres.pool import Connection, Pool


async def position(pool: Pool, reader: str) -> int:
    """The position of `reader`; 0 before its first."""
    async with pool.acquire() as connection:
        return int(await connection.fetchval("SELECT position FROM positions WHERE reader = $1", reader) or 0)


async def advance(connection: Connection, reader: str, to: int) -> None:
    """Moves `reader` forward, in the caller's transaction; never back."""
    await connection.execute(
        "INSERT INTO positions (reader, position) VALUES ($1, $2) ON CONFLICT (reader) DO UPDATE "
        "SET position = greatest(positions.position, excluded.position)",
        reader,
        to,
    )
