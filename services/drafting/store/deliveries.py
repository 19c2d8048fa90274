"""Outgoing webhooks: due, delivered, dead."""

from dataclasses import dataclass
from datetime import datetime

from shared.postgres.pool import Connection, Pool


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one target, and how often it was tried."""

    id: int
    webhook_id: str
    target: str
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up, and what its last try ended with."""

    webhook_id: str
    target: str
    created_at: datetime
    died_at: datetime
    attempts: int
    error: str


class DeliveryStore:
    """All SQL about deliveries."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def put(self, connection: Connection, webhook_id: str, target: str, body: bytes, at: datetime) -> None:
        """Writes one down, in the caller's transaction; the same one twice is one."""
        await connection.execute(
            "INSERT INTO deliveries (webhook_id, target, body, created_at, next_attempt_at) "
            "VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING",
            webhook_id,
            target,
            body,
            at,
        )

    async def due(self, at: datetime, limit: int = 20) -> list[Delivery]:
        """Those whose time has come, the oldest first."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT id, webhook_id, target, body, attempts FROM deliveries "
                "WHERE delivered_at IS NULL AND dead_at IS NULL AND next_attempt_at <= $1 ORDER BY id LIMIT $2",
                at,
                limit,
            )
        return [Delivery(row["id"], row["webhook_id"], row["target"], row["body"], row["attempts"]) for row in rows]

    async def delivered(self, delivery: Delivery, at: datetime) -> None:
        """The receiver took it."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE deliveries SET delivered_at = $2, attempts = attempts + 1 WHERE id = $1", delivery.id, at
            )

    async def failed(self, delivery: Delivery, error: str, again_at: datetime | None, at: datetime) -> None:
        """The receiver did not take it; without a next time it is a dead letter, which is kept."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE deliveries SET attempts = attempts + 1, last_error = $2, next_attempt_at = coalesce($3, "
                "next_attempt_at), dead_at = CASE WHEN $3::timestamptz IS NULL THEN $4::timestamptz END WHERE id = $1",
                delivery.id,
                error[:500],
                again_at,
                at,
            )

    async def dead(self, limit: int) -> list[DeadLetter]:
        """What was given up, the newest first."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT webhook_id, target, created_at, dead_at AS died_at, attempts, last_error AS error "
                "FROM deliveries WHERE dead_at IS NOT NULL ORDER BY dead_at DESC, id DESC LIMIT $1",
                limit,
            )
        return [DeadLetter(**dict(row)) for row in rows]
