"""What publications still have to bring about elsewhere: an outbox, written in the transaction of the publication."""

from dataclasses import dataclass
from datetime import datetime

from shared.postgres.pool import Pool


@dataclass(frozen=True, slots=True)
class Publication:
    """One task of one published revision, and how often it was tried."""

    id: int
    postmortem: str
    revision: int
    task: str
    attempts: int


class PublicationStore:
    """All SQL about the outbox."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def due(self, at: datetime, limit: int = 20) -> list[Publication]:
        """Tasks whose time has come, the oldest first. A task waits for the same one of an earlier revision, so that
        the older text never comes last; cards are refreshed when memory has remembered."""
        async with self._pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT id, postmortem, revision, task, attempts FROM publications p "
                "WHERE done_at IS NULL AND next_attempt_at <= $1 AND NOT EXISTS (SELECT 1 FROM publications before "
                "WHERE before.postmortem = p.postmortem AND before.done_at IS NULL AND before.id < p.id "
                "AND (before.task = p.task OR (before.task = 'remember' AND p.task = 'refresh'))) ORDER BY id LIMIT $2",
                at,
                limit,
            )
        return [Publication(r["id"], r["postmortem"], r["revision"], r["task"], r["attempts"]) for r in rows]

    async def next_due(self) -> datetime | None:
        """When the earliest open task is due; None when nothing is open."""
        async with self._pool.acquire() as connection:
            due: datetime | None = await connection.fetchval(
                "SELECT min(next_attempt_at) FROM publications WHERE done_at IS NULL"
            )
        return due

    async def finish(self, publication: Publication, at: datetime) -> None:
        """It came about."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE publications SET done_at = $2, attempts = attempts + 1, last_error = '' WHERE id = $1",
                publication.id,
                at,
            )

    async def postpone(self, publication: Publication, until: datetime, error: str) -> None:
        """It did not come about, for that reason; it will be tried again."""
        async with self._pool.acquire() as connection:
            await connection.execute(
                "UPDATE publications SET next_attempt_at = $2, attempts = attempts + 1, last_error = $3 WHERE id = $1",
                publication.id,
                until,
                error,
            )
