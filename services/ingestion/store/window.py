"""What is stored of some services in a window of event time."""

from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Record

from services.ingestion.chunks import Signal
from shared.postgres.pool import Pool

_HOUR = 3_600_000_000_000
# See the migration 0002: short chunks and long ones have an index each. The literals must be those of the indexes.
_CHUNKS = f"""
  SELECT position, service, signal, {{column}} FROM chunks
  WHERE stream = $1 AND service = ANY($4) AND signal = ANY($5)
    AND last_at - first_at <= {_HOUR} AND last_at >= $2 AND last_at < $3::bigint + {_HOUR} AND first_at < $3
  UNION ALL
  SELECT position, service, signal, {{column}} FROM chunks
  WHERE stream = $1 AND service = ANY($4) AND signal = ANY($5)
    AND last_at - first_at > {_HOUR} AND last_at >= $2 AND first_at < $3
  ORDER BY position"""  # noqa: S608
COLUMNS, RAW = _CHUNKS.format(column="columns, NULL AS raw"), _CHUNKS.format(column="NULL AS columns, raw")
# One index probe for each service instead of one for each row.
_SERVICES = """WITH RECURSIVE walk AS (
                 (SELECT service FROM chunks WHERE stream = $1 ORDER BY service LIMIT 1)
                 UNION ALL
                 SELECT (SELECT service FROM chunks WHERE stream = $1 AND service > walk.service
                         ORDER BY service LIMIT 1) FROM walk WHERE walk.service IS NOT NULL)
               SELECT service FROM walk WHERE service IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Stored:
    """One chunk as it is stored."""

    position: int
    service: str
    signal: Signal
    columns: bytes | None
    raw: bytes | None


class WindowStore:
    """Reads chunks by time and service."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def services(self, stream: str) -> list[str]:
        """Every service that the stream has."""
        return [row["service"] for row in await self._pool.fetch(_SERVICES, stream)]

    async def columns(self, stream: str, services: Sequence[str], start: int, end: int,
                      signals: Sequence[Signal]) -> list[Stored]:
        """Chunks with anything in [start, end), in order of position, without their raw records."""
        return await self._chunks(COLUMNS, stream, services, start, end, signals)

    async def raw(self, stream: str, services: Sequence[str], start: int, end: int,
                  signals: Sequence[Signal]) -> list[Stored]:
        """The same with their raw records alone."""
        return await self._chunks(RAW, stream, services, start, end, signals)

    async def raw_at(self, positions: Sequence[int]) -> list[Stored]:
        """The raw records of the chunks at some positions, in their order."""
        rows = await self._pool.fetch("SELECT position, service, signal, NULL AS columns, raw FROM chunks "
                                      "WHERE position = ANY($1) ORDER BY position", list(positions))
        return [_stored(row) for row in rows]

    async def _chunks(self, query: str, stream: str, services: Sequence[str], start: int, end: int,
                      signals: Sequence[Signal]) -> list[Stored]:
        rows = await self._pool.fetch(query, stream, start, end, list(services), [int(each) for each in signals])
        return [_stored(row) for row in rows]

    async def templates(self, stream: str, services: Sequence[str]) -> dict[tuple[str, str], str]:
        """The present template of each pattern, by service and pattern."""
        rows = await self._pool.fetch("SELECT service, pattern, template FROM patterns WHERE stream = $1 "
                                      "AND service = ANY($2)", stream, list(services))
        return {(row["service"], row["pattern"]): row["template"] for row in rows}


def _stored(row: Record) -> Stored:
    return Stored(row["position"], row["service"], Signal(row["signal"]), row["columns"], row["raw"])
