"""The telemetry log: append under a short lock, follow from a position."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

from services.ingestion.chunks import Chunk, Signal, definition
from services.ingestion.patterns import Pattern
from services.ingestion.series import Series
from services.ingestion.watermark import Progress
from shared.postgres.pool import Connection, Pool

# Positions are given out under the lock of this row, which is held until the commit: a lower one never appears after a
# higher one was read.
_ADVANCE = "UPDATE head SET position = position + $1 RETURNING position"
_DELIVER = """INSERT INTO deliveries (digest, arrived_at) SELECT digest, $2 FROM unnest($1::bytea[]) AS digest
              ON CONFLICT DO NOTHING RETURNING digest"""
_INSERT = """INSERT INTO chunks (position, arrived_at, stream, service, signal, first_at, last_at, columns, raw,
                                 details, watermark, is_closed)
             SELECT position, $2, stream, service, signal, first_at, last_at, columns, raw, details, watermark,
                    is_closed
             FROM unnest($1::bigint[], $3::text[], $4::text[], $5::smallint[], $6::bigint[], $7::bigint[],
                         $8::bytea[], $9::bytea[], $10::bytea[], $11::bigint[], $12::boolean[])
             AS row (position, stream, service, signal, first_at, last_at, columns, raw, details, watermark,
                     is_closed)"""
_PROGRESS = """INSERT INTO streams (stream, watermark, is_closed)
               SELECT * FROM unnest($1::text[], $2::bigint[], $3::boolean[])
               ON CONFLICT (stream) DO UPDATE SET watermark = greatest(streams.watermark, excluded.watermark),
                 is_closed = streams.is_closed OR excluded.is_closed"""
_SERIES = """INSERT INTO series (id, service, definition, seen_on)
             SELECT id, service, definition, $4 FROM unnest($1::bigint[], $2::text[], $3::bytea[])
             AS row (id, service, definition) ON CONFLICT (id) DO NOTHING"""
_PATTERNS = """INSERT INTO patterns (stream, service, pattern, template, birth_template, severity, first_seen_at,
                                     example)
               SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                                    $7::bigint[], $8::text[])
               ON CONFLICT (stream, service, pattern) DO UPDATE SET template = excluded.template"""
_TAIL = """SELECT position, stream, columns, watermark, is_closed FROM chunks
           WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3"""
_TAIL_STREAM = """SELECT position, stream, columns, watermark, is_closed FROM chunks
                  WHERE position > $1 AND position <= $2 AND stream = $4 ORDER BY position LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one request adds to the log, atomically. digest: empty where nothing recognises a repetition."""

    stream: str
    chunks: tuple[Chunk, ...]
    digest: bytes = b""
    series: tuple[tuple[int, Series], ...] = ()
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the log as Tail reads it."""

    position: int
    stream: str
    columns: bytes | None
    progress: Progress


@dataclass(slots=True)
class _Rows:
    """The columns of an INSERT."""

    position: list[int] = field(default_factory=list)
    stream: list[str] = field(default_factory=list)
    service: list[str] = field(default_factory=list)
    signal: list[int] = field(default_factory=list)
    first_at: list[int] = field(default_factory=list)
    last_at: list[int] = field(default_factory=list)
    columns: list[bytes | None] = field(default_factory=list)
    raw: list[bytes | None] = field(default_factory=list)
    details: list[bytes | None] = field(default_factory=list)
    watermark: list[int] = field(default_factory=list)
    is_closed: list[bool] = field(default_factory=list)

    def add(self, position: int, stream: str, chunk: Chunk, progress: Progress) -> None:
        self.position.append(position)
        self.stream.append(stream)
        self.service.append(chunk.service)
        self.signal.append(int(chunk.signal))
        self.first_at.append(chunk.first_at)
        self.last_at.append(chunk.last_at)
        self.columns.append(chunk.columns)
        self.raw.append(chunk.raw)
        self.details.append(chunk.details)
        self.watermark.append(progress.watermark)
        self.is_closed.append(progress.is_closed)


MARK = Chunk("", Signal.MARK, 0, 0)


class TelemetryLog:
    """Append and follow."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._days: set[str] = set()

    async def append(self, entries: Sequence[Entry], progress: Sequence[Progress], at: datetime) -> list[int]:
        """Stores all of them in one transaction; the last position of each, 0 for one that was stored before.

        progress: of the stream of each entry, once it is in. A request's rows carry what held before it, except for its
        last one: no row may say that the input is complete while the rest of its own request still follows.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await self.ensure_partition(connection, at)
            return await self.append_within(connection, entries, progress, at)

    async def append_within(self, connection: Connection, entries: Sequence[Entry], progress: Sequence[Progress],
                            at: datetime) -> list[int]:
        """The same, in the caller's transaction."""
        await self._define(connection, entries, at)
        head = await connection.fetchval(_ADVANCE, sum(len(entry.chunks) for entry in entries))
        position = head - sum(len(entry.chunks) for entry in entries)
        new = await self._undelivered(connection, entries, at)
        now = await self._progress(connection, {entry.stream for entry in entries})
        rows, positions = _Rows(), []
        for entry, is_new, reached in zip(entries, new, progress, strict=True):
            if not is_new:
                positions.append(0)
                continue
            for index, chunk in enumerate(entry.chunks):
                position += 1
                if index == len(entry.chunks) - 1:
                    now[entry.stream] = _later(now.get(entry.stream, Progress()), reached)
                rows.add(position, entry.stream, chunk, now.get(entry.stream, Progress()))
            positions.append(position if entry.chunks else head)
        if rows.position:
            await connection.execute(_INSERT, rows.position, at, rows.stream, rows.service, rows.signal, rows.first_at,
                                     rows.last_at, rows.columns, rows.raw, rows.details, rows.watermark,
                                     rows.is_closed)
            await connection.execute(_PROGRESS, list(now), [each.watermark for each in now.values()],
                                     [each.is_closed for each in now.values()])
        return positions

    async def _undelivered(self, connection: Connection, entries: Sequence[Entry], at: datetime) -> list[bool]:
        digests = {entry.digest for entry in entries if entry.digest}
        if not digests:
            return [True] * len(entries)
        fresh = {row["digest"] for row in await connection.fetch(_DELIVER, list(digests), at)}
        found = []
        for entry in entries:
            found.append(not entry.digest or entry.digest in fresh)
            # The same request twice in one group: the second is the repetition.
            fresh.discard(entry.digest)
        return found

    async def _progress(self, connection: Connection, streams: set[str]) -> dict[str, Progress]:
        rows = await connection.fetch("SELECT stream, watermark, is_closed FROM streams WHERE stream = ANY($1)",
                                      list(streams))
        return {row["stream"]: Progress(row["watermark"], row["is_closed"]) for row in rows}

    async def _define(self, connection: Connection, entries: Sequence[Entry], at: datetime) -> None:
        series = {identifier: each for entry in entries for identifier, each in entry.series}
        if series:
            # In order, so that two processes that meet the same new series wait instead of locking each other out.
            ids = sorted(series)
            await connection.execute(_SERIES, [signed(each) for each in ids], [series[each].service for each in ids],
                                     [definition(each, series[each]).SerializeToString() for each in ids], at.date())
        patterns = {(entry.stream, each.service, each.id): each for entry in entries for each in entry.patterns}
        if patterns:
            keys = sorted(patterns)
            found = [patterns[key] for key in keys]
            await connection.execute(
                _PATTERNS, [key[0] for key in keys], [key[1] for key in keys], [key[2] for key in keys],
                [each.template for each in found], [each.birth_template for each in found],
                [each.severity for each in found], [each.first_seen_at for each in found],
                [each.example for each in found])

    async def ensure_partition(self, connection: Connection, at: datetime) -> None:
        """The partitions of the day of `at`, made when they are missing."""
        day = f"{at.astimezone(UTC):%Y%m%d}"
        if day in self._days:
            return
        start = datetime.combine(at.astimezone(UTC).date(), time(), UTC)
        # Of both, since a day that began before there were blocks has one without the other.
        if await connection.fetchval("SELECT to_regclass($1) IS NULL OR to_regclass($2) IS NULL", f"chunks_{day}",
                                     f"blocks_{day}"):
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('afteraction chunks partition'))")
            for table in ("chunks", "blocks"):
                await connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {table}_{day} PARTITION OF {table} "
                    f"FOR VALUES FROM ('{start.isoformat()}') TO ('{(start + timedelta(days=1)).isoformat()}')")
        else:
            # Known only once it is committed: a transaction that is rolled back takes its partition with it.
            self._days.add(day)

    async def prepare(self, at: datetime) -> None:
        """Makes the partition of the day of `at` before it is needed."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self.ensure_partition(connection, at)

    async def head(self) -> int:
        """The newest position."""
        return int(await self._pool.fetchval("SELECT position FROM head"))

    async def tail(self, after: int, until: int, *, stream: str, limit: int) -> list[Row]:
        """Rows behind `after`, up to `until`, in order of position; of one stream, or of all when it is empty."""
        arguments = (_TAIL_STREAM, after, until, limit, stream) if stream else (_TAIL, after, until, limit)
        return [Row(row["position"], row["stream"], row["columns"], Progress(row["watermark"], row["is_closed"]))
                for row in await self._pool.fetch(*arguments)]

    async def definitions(self, identifiers: Sequence[int]) -> list[bytes]:
        """The messages of these series."""
        rows = await self._pool.fetch("SELECT definition FROM series WHERE id = ANY($1) ORDER BY id",
                                      [signed(each) for each in identifiers])
        return [row["definition"] for row in rows]

    async def spans(self, stream: str, since: datetime, most_chunks: int = 2000) -> list[tuple[str, bytes]]:
        """Service and raw spans of chunks that arrived since then, in order; of too many the latest."""
        rows = await self._pool.fetch(
            """SELECT service, raw FROM chunks WHERE stream = $1 AND signal = $2 AND arrived_at >= $3
               AND raw IS NOT NULL ORDER BY position DESC LIMIT $4""", stream, int(Signal.SPANS), since, most_chunks)
        return [(row["service"], row["raw"]) for row in reversed(rows)]

    async def progress(self) -> dict[str, Progress]:
        """Of every stream."""
        rows = await self._pool.fetch("SELECT stream, watermark, is_closed FROM streams")
        return {row["stream"]: Progress(row["watermark"], row["is_closed"]) for row in rows}

    async def known_series(self) -> list[tuple[int, str]]:
        """Ids and services of all series."""
        rows = await self._pool.fetch("SELECT id, service FROM series")
        return [(unsigned(row["id"]), row["service"]) for row in rows]

    async def patterns(self, stream: str) -> list[Pattern]:
        """The patterns of a stream, in the order in which they were found."""
        rows = await self._pool.fetch(
            """SELECT service, pattern, template, birth_template, severity, first_seen_at, example FROM patterns
               WHERE stream = $1 ORDER BY first_seen_at, pattern""", stream)
        return [Pattern(row["service"], row["pattern"], row["template"], row["birth_template"], row["severity"],
                        row["first_seen_at"], row["example"]) for row in rows]


def signed(identifier: int) -> int:
    """A fixed64 as PostgreSQL's bigint."""
    return identifier - 2**64 if identifier >= 2**63 else identifier


def unsigned(identifier: int) -> int:
    """PostgreSQL's bigint as a fixed64."""
    return identifier + 2**64 if identifier < 0 else identifier


def _later(left: Progress, right: Progress) -> Progress:
    return Progress(max(left.watermark, right.watermark), left.is_closed or right.is_closed)
