"""Doors, senders, cursors and retention: everything beside the log itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from services.ingestion.doors import Door, Doors, SenderCount
from services.ingestion.store.log import signed, unsigned
from shared.postgres.pool import Pool

_DOORS = """INSERT INTO doors (name, accepted_requests, rejected_requests, accepted_items, rejected_items,
                               last_received_at, last_error) VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (name) DO UPDATE SET accepted_requests = excluded.accepted_requests,
              rejected_requests = excluded.rejected_requests, accepted_items = excluded.accepted_items,
              rejected_items = excluded.rejected_items, last_received_at = excluded.last_received_at,
              last_error = excluded.last_error"""
_SENDERS = """INSERT INTO senders (stream, door, service, user_agent, items, last_received_at)
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (stream, door, service, user_agent) DO UPDATE
              SET items = excluded.items, last_received_at = excluded.last_received_at"""
_COUNTERS = """INSERT INTO counters (name, key, value) VALUES ($1, $2, $3)
               ON CONFLICT (name, key) DO UPDATE SET value = excluded.value"""
_CURSOR = """INSERT INTO readers (reader, position, committed_at) VALUES ($1, $2, $3) ON CONFLICT (reader)
             DO UPDATE SET position = greatest(readers.position, excluded.position),
               committed_at = excluded.committed_at"""


class Bookkeeping:
    """Small tables."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def commit_cursor(self, reader: str, position: int, at: datetime) -> None:
        """A reader's results up to `position` are durable. It never goes back."""
        await self._pool.execute(_CURSOR, reader, position, at)

    async def save(self, doors: Doors, counters: Mapping[tuple[str, str], int]) -> None:
        """Counts of doors and senders, and the counters, as they are now."""
        all_doors: list[Door] = doors.all()
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.executemany(_DOORS, [
                (door.name, door.accepted_requests, door.rejected_requests, door.accepted_items, door.rejected_items,
                 door.last_received_at, door.last_error) for door in all_doors])
            await connection.executemany(_SENDERS, sorted(
                (stream, door.name, service, agent, sender.items, sender.last_received_at)
                for door in all_doors for (stream, service, agent), sender in door.senders.items()))
            await connection.executemany(_COUNTERS, [(*key, value) for key, value in sorted(counters.items())])

    async def load(self) -> tuple[list[Door], dict[tuple[str, str], int]]:
        """What `save` kept."""
        doors = {row["name"]: Door(row["name"], "", row["accepted_requests"], row["rejected_requests"],
                                   row["accepted_items"], row["rejected_items"], row["last_received_at"],
                                   row["last_error"])
                 for row in await self._pool.fetch(
                     "SELECT name, accepted_requests, rejected_requests, accepted_items, rejected_items, "
                     "last_received_at, last_error FROM doors")}
        for row in await self._pool.fetch(
                "SELECT stream, door, service, user_agent, items, last_received_at FROM senders"):
            if row["door"] in doors:
                doors[row["door"]].senders[row["stream"], row["service"], row["user_agent"]] = SenderCount(
                    row["items"], row["last_received_at"])
        counters = {(row["name"], row["key"]): row["value"]
                    for row in await self._pool.fetch("SELECT name, key, value FROM counters")}
        return list(doors.values()), counters

    async def forget_deliveries(self, before: datetime) -> None:
        """Digests of requests that are no longer recognised."""
        await self._pool.execute("DELETE FROM deliveries WHERE arrived_at < $1", before)
        await self._pool.execute("DELETE FROM requests WHERE created_at < $1", before - timedelta(days=1))

    async def partitions(self) -> list[tuple[str, datetime, int]]:
        """Name, end of arrival, and highest position of each partition, the oldest first."""
        rows = await self._pool.fetch(
            """SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
               WHERE i.inhparent = 'chunks'::regclass ORDER BY c.relname""")
        found = []
        for row in rows:
            day = datetime.strptime(row["name"].rpartition("_")[2], "%Y%m%d").replace(tzinfo=UTC)
            highest = await self._pool.fetchval(f"SELECT coalesce(max(position), 0) FROM {row['name']}")  # noqa: S608
            found.append((row["name"], day + timedelta(days=1), highest))
        return found

    async def cursors(self) -> dict[str, int]:
        """How far each reader is."""
        rows = await self._pool.fetch("SELECT reader, position FROM readers")
        return {row["reader"]: row["position"] for row in rows}

    async def drop(self, partition: str) -> None:
        """Removes a partition of the log, whole, with the blocks that were made of it."""
        await self._pool.execute(f"DROP TABLE IF EXISTS {partition}, {partition.replace('chunks', 'blocks')}")

    async def forget_before(self, at: datetime) -> list[int]:
        """Events that arrived and series that were last defined before `at` go; the ids of those series."""
        await self._pool.execute("DELETE FROM events WHERE arrived_at < $1", at)
        rows = await self._pool.fetch("DELETE FROM series WHERE seen_on < $1 RETURNING id", at.date())
        return [unsigned(row["id"]) for row in rows]

    async def touch_series(self, identifiers: list[int], at: datetime) -> None:
        """These were seen today."""
        await self._pool.execute("UPDATE series SET seen_on = $2 WHERE id = ANY($1) AND seen_on < $2",
                                 [signed(each) for each in identifiers], at.date())
