"""What is stored of some services in a window of event time."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.ingestion.chunks import Signal
from shared.postgres.pool import Pool

_HOUR = 3_600_000_000_000
# See the migration 0003: short blocks and long ones have an index each. The literals must be those of the indexes. What
# is not merged yet is read from its chunks; one statement sees one state of both, so that nothing is read twice.
_WINDOW = f"""
  SELECT position, service, signal, {{column}}, positions, lengths FROM blocks
  WHERE stream = $1 AND service = ANY($4) AND signal = ANY($5)
    AND last_at - first_at <= {_HOUR} AND last_at >= $2 AND last_at < $3::bigint + {_HOUR} AND first_at < $3
  UNION ALL
  SELECT position, service, signal, {{column}}, positions, lengths FROM blocks
  WHERE stream = $1 AND service = ANY($4) AND signal = ANY($5)
    AND last_at - first_at > {_HOUR} AND last_at >= $2 AND first_at < $3
  UNION ALL
  SELECT chunk.* FROM unnest($4::text[]) AS service CROSS JOIN unnest($5::smallint[]) AS signal
    LEFT JOIN merged ON merged.stream = $1 AND merged.service = service.service AND merged.signal = signal.signal,
    LATERAL (SELECT position, service, signal, {{column}}, NULL::bigint[], NULL::integer[] FROM chunks
             WHERE chunks.stream = $1 AND chunks.service = service.service AND chunks.signal = signal.signal
               AND chunks.position > coalesce(merged.position, 0)
               AND chunks.last_at >= $2 AND chunks.first_at < $3
             OFFSET 0) AS chunk  -- key by key: flattened it would walk over all that was merged
  ORDER BY position"""  # noqa: S608
COLUMNS, RAW = _WINDOW.format(column="columns"), _WINDOW.format(column="raw")
# One index probe for each service instead of one for each row.
_SERVICES = """WITH RECURSIVE walk AS (
                 (SELECT service FROM chunks WHERE stream = $1 ORDER BY service LIMIT 1)
                 UNION ALL
                 SELECT (SELECT service FROM chunks WHERE stream = $1 AND service > walk.service
                         ORDER BY service LIMIT 1) FROM walk WHERE walk.service IS NOT NULL)
               SELECT service FROM walk WHERE service IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A block, or a chunk that is in none yet.

    body: its columns, or its raw spans. positions: of its chunks; lengths: how many spans, or else points, each of them
    brought, None where there is but one.
    """

    service: str
    signal: Signal
    body: bytes
    positions: Sequence[int]
    lengths: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Shown:
    """What one chunk holds of records that are shown: lines, or the details of spans."""

    position: int
    service: str
    raw: bytes


class WindowStore:
    """Reads by time and service."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def services(self, stream: str) -> list[str]:
        """Every service that the stream has."""
        return [row["service"] for row in await self._pool.fetch(_SERVICES, stream)]

    async def columns(self, stream: str, services: Sequence[str], start: int, end: int,
                      signals: Sequence[Signal]) -> list[Stored]:
        """Points of whatever has anything in [start, end), in order of position."""
        return await self._window(COLUMNS, stream, services, start, end, signals)

    async def spans(self, stream: str, services: Sequence[str], start: int, end: int) -> list[Stored]:
        """The same of spans, without their details."""
        return await self._window(RAW, stream, services, start, end, (Signal.SPANS,))

    async def lines(self, positions: Sequence[int]) -> list[Shown]:
        """The lines of the chunks at some positions, in their order."""
        return await self._at("raw", positions)

    async def details(self, positions: Sequence[int]) -> list[Shown]:
        """The details of the spans of the chunks at some positions, in their order."""
        return await self._at("details", positions)

    async def _window(self, query: str, stream: str, services: Sequence[str], start: int, end: int,
                      signals: Sequence[Signal]) -> list[Stored]:
        rows = await self._pool.fetch(query, stream, start, end, list(dict.fromkeys(services)),
                                      [int(each) for each in signals])
        return [Stored(service, Signal(signal), body, (position,) if positions is None else positions, lengths)
                for position, service, signal, body, positions, lengths in rows if body]

    async def _at(self, column: str, positions: Sequence[int]) -> list[Shown]:
        rows = await self._pool.fetch(f"SELECT position, service, {column} FROM chunks "  # noqa: S608
                                      f"WHERE position = ANY($1) AND {column} IS NOT NULL ORDER BY position",
                                      list(positions))
        return [Shown(*row) for row in rows]

    async def templates(self, stream: str, services: Sequence[str]) -> dict[tuple[str, str], str]:
        """The present template of each pattern, by service and pattern."""
        rows = await self._pool.fetch("SELECT service, pattern, template FROM patterns WHERE stream = $1 "
                                      "AND service = ANY($2)", stream, list(services))
        return {(row["service"], row["pattern"]): row["template"] for row in rows}
