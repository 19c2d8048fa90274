"""What is stored of some services in a window of event time."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.ingestion.chunks import Signal
from shared.postgres.pool import Pool

_CHUNKS = """SELECT position, service, signal, columns, raw FROM chunks
             WHERE stream = $1 AND last_at >= $2 AND first_at < $3 AND service = ANY($4)
               AND signal = ANY($5) ORDER BY position"""
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

    async def chunks(self, stream: str, services: Sequence[str], start: int, end: int,
                     signals: Sequence[Signal]) -> list[Stored]:
        """Chunks with anything in [start, end), in order of position."""
        rows = await self._pool.fetch(_CHUNKS, stream, start, end, list(services), [int(each) for each in signals])
        return [Stored(row["position"], row["service"], Signal(row["signal"]), row["columns"], row["raw"])
                for row in rows]

    async def templates(self, stream: str, services: Sequence[str]) -> dict[tuple[str, str], str]:
        """The present template of each pattern, by service and pattern."""
        rows = await self._pool.fetch("SELECT service, pattern, template FROM patterns WHERE stream = $1 "
                                      "AND service = ANY($2)", stream, list(services))
        return {(row["service"], row["pattern"]): row["template"] for row in rows}
