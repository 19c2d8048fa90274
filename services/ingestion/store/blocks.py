"""Chunks merged into blocks, each once: the blocks and how far one is move in one transaction."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from services.ingestion.blocks import MERGED, Block, Part
from services.ingestion.chunks import Signal
from shared.postgres.pool import Pool

_SIGNALS = [int(each) for each in MERGED]
# Of one service and signal at once: a limit on the time that a merge takes, and on its memory.
_MOST_CHUNKS = 512
_MOST_BYTES = 4 * 1024 * 1024
_SINCE = """SELECT stream, service, signal, count(*) AS waiting FROM chunks
            WHERE position > $1 AND position <= $2 AND signal = ANY($3) GROUP BY stream, service, signal"""
# One index probe for each service instead of one for each row.
_WAITING = """WITH RECURSIVE walk AS (
                (SELECT stream, service FROM chunks ORDER BY stream, service LIMIT 1)
                UNION ALL
                SELECT next.stream, next.service FROM walk, LATERAL (
                  SELECT stream, service FROM chunks WHERE (stream, service) > (walk.stream, walk.service)
                  ORDER BY stream, service LIMIT 1) AS next)
              SELECT walk.stream, walk.service, signal, waiting
              FROM walk CROSS JOIN unnest($2::smallint[]) AS signal
              LEFT JOIN merged USING (stream, service, signal), LATERAL (
                SELECT count(*) AS waiting FROM chunks
                WHERE chunks.stream = walk.stream AND chunks.service = walk.service AND chunks.signal = signal.signal
                  AND chunks.position > coalesce(merged.position, 0) AND chunks.position <= $1) AS counted
              WHERE waiting > 0"""
_KEY = "stream = $1 AND service = $2 AND signal = $3"
_BEHIND = f"""SELECT position, arrived_at, first_at, last_at, columns, raw FROM (
                SELECT position, arrived_at, first_at, last_at, columns, CASE WHEN signal = 2 THEN raw END AS raw,
                       sum(coalesce(octet_length(columns), 0)
                           + CASE WHEN signal = 2 THEN coalesce(octet_length(raw), 0) ELSE 0 END)
                         OVER (ORDER BY position) AS size,
                       row_number() OVER (ORDER BY position) AS number
                FROM (SELECT * FROM chunks WHERE {_KEY} AND position > $4 ORDER BY position LIMIT $5) AS next) AS sized
              WHERE size <= $6 OR number = 1 ORDER BY position"""  # noqa: S608
_INSERT = """INSERT INTO blocks (position, arrived_at, stream, service, signal, first_at, last_at, columns, raw,
                                 positions, lengths) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""


@dataclass(frozen=True, slots=True)
class Key:
    """Whose chunks become blocks together."""

    stream: str
    service: str
    signal: Signal


class BlockStore:
    """What waits to be merged, and the merge."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def waiting(self, until: int) -> dict[Key, int]:
        """How many chunks up to a position are not merged yet, of each key."""
        return {Key(row["stream"], row["service"], Signal(row["signal"])): row["waiting"]
                for row in await self._pool.fetch(_WAITING, until, _SIGNALS)}

    async def since(self, after: int, until: int) -> dict[Key, int]:
        """How many chunks have come behind `after`, up to `until`."""
        return {Key(row["stream"], row["service"], Signal(row["signal"])): row["waiting"]
                for row in await self._pool.fetch(_SINCE, after, until, _SIGNALS)}

    async def merge(self, key: Key, least: int, work: Callable[[Signal, list[Part]], Awaitable[list[Block]]]) -> int:
        """Merges the chunks of a key that come next, when there are at least so many; how many there were.

        Whoever merges the same key at the same time waits, and then finds these done.
        """
        named = (key.stream, key.service, int(key.signal))
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("INSERT INTO merged (stream, service, signal, position) VALUES ($1, $2, $3, 0) "
                                     "ON CONFLICT DO NOTHING", *named)
            position = await connection.fetchval(f"SELECT position FROM merged WHERE {_KEY} FOR UPDATE",  # noqa: S608
                                                 *named)
            rows = await connection.fetch(_BEHIND, *named, position, _MOST_CHUNKS, _MOST_BYTES)
            parts = [Part(*row) for row in rows]
            if not parts or (len(parts) < least and sum(_size(part) for part in parts) < _MOST_BYTES // 2):
                return 0
            blocks = await work(key.signal, parts)
            await connection.executemany(_INSERT, [
                (each.position, each.arrived_at, *named, each.first_at, each.last_at, each.columns, each.raw,
                 list(each.positions), list(each.lengths)) for each in blocks])
            await connection.execute(f"UPDATE merged SET position = $4 WHERE {_KEY}", *named,  # noqa: S608
                                     parts[-1].position)
            return len(parts)


def _size(part: Part) -> int:
    return len(part.columns or b"") + len(part.raw or b"")
