"""All SQL of detection: incidents with their transitions, the cursor, the streams, the checkpoint.

Whatever changes an incident takes the lock of `watch_end` first. So transitions are given their positions in the order
of commit, and whoever follows them by position skips none.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar

import orjson
from google.protobuf.message import Message

from afteraction.v1 import incident_pb2
from services.detection import messages, observing
from services.detection.incident import Incident, Kind, Severity, State, Transition
from shared.errors import NotFound
from shared.postgres import requests
from shared.postgres.pool import Connection, Pool
from shared.rpc.etag import check_etag, etag

M = TypeVar("M", bound=Message)
_PART_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StreamState:
    """How far detection has come in a stream."""

    stream: str
    position: int
    watermark: datetime | None = None
    is_closed: bool = False
    series: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents to list. Empty fields do not filter."""

    stream: str | None = None
    states: tuple[State, ...] = ()
    severities: tuple[int, ...] = ()
    service: str = ""
    onset_after: datetime | None = None
    onset_before: datetime | None = None


class Store:
    """Detection's schema."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    # Following the log

    async def cursor(self) -> int:
        """Position of the log up to which effects are committed."""
        return int(await self._pool.fetchval("SELECT position FROM cursor"))

    async def commit(self, position: int, steps: Sequence[Transition], streams: Iterable[StreamState], *,
                     at: datetime) -> list[str]:
        """Everything that followed from the log up to `position`, with that position: all or nothing. Returns the
        names of incidents that opened."""
        opened: list[str] = []
        async with self._pool.acquire() as connection, connection.transaction():
            if steps:
                await _lock_end(connection)
            for step in steps:
                opened += [step.seen.name] if await self._observe(connection, step, at) else []
            for each in streams:
                await connection.execute(
                    "INSERT INTO streams (stream, position, watermark, is_closed, series, points) "
                    "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (stream) DO UPDATE SET position = excluded.position, "
                    "watermark = excluded.watermark, is_closed = excluded.is_closed, series = excluded.series, "
                    "points = excluded.points",
                    each.stream, each.position, each.watermark, each.is_closed, each.series, each.points)
            await connection.execute("UPDATE cursor SET position = $1 WHERE position < $1", position)
        return opened

    async def _observe(self, connection: Connection, step: Transition, at: datetime) -> bool:
        stored = await _find(connection, step.seen.name)
        after = observing.observe(stored, step, at=at)
        if after != stored:
            await _write(connection, after, step.kind)
        if stored is not None:
            for name in dict.fromkeys(name for _, name in stored.moved):
                services = [service for service, to in stored.moved if to == name]
                await self._apply(connection, name, partial(observing.branch, services=services, step=step, at=at),
                                  step.kind)
            if stored.state is State.MERGED:
                await self._apply(connection, stored.merged_into, partial(observing.absorb, step=step, at=at),
                                  step.kind)
        return stored is None

    async def _apply(self, connection: Connection, name: str, change: Callable[[Incident], Incident],
                     kind: Kind) -> None:
        """Follows merges to where the anomalies are now."""
        target = await _require(connection, name)
        while target.state is State.MERGED:
            target = await _require(connection, target.merged_into)
        after = change(target)
        if after != target:
            await _write(connection, after, kind)

    async def streams(self) -> list[StreamState]:
        """Every stream that was seen."""
        rows = await self._pool.fetch("SELECT stream, position, watermark, is_closed, series, points FROM streams")
        return [StreamState(*row) for row in rows]

    async def stream(self, name: str) -> StreamState:
        """One of them; a stream of which nothing has come yet is at the beginning."""
        row = await self._pool.fetchrow("SELECT stream, position, watermark, is_closed, series, points FROM streams "
                                        "WHERE stream = $1", name)
        return StreamState(*row) if row else StreamState(name, 0)

    # Checkpoints

    async def keep_checkpoint(self, position: int, version: str, state: bytes) -> None:
        """Replaces the checkpoint."""
        parts = [state[at:at + _PART_BYTES] for at in range(0, len(state), _PART_BYTES)] or [b""]
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("DELETE FROM checkpoints")
            for part, content in enumerate(parts):
                await connection.execute("INSERT INTO checkpoints (position, part, parts, version, state) "
                                         "VALUES ($1, $2, $3, $4, $5)", position, part, len(parts), version, content)

    async def checkpoint(self, version: str) -> tuple[int, bytes] | None:
        """Position and state of the checkpoint, when there is one that this version can read."""
        rows = await self._pool.fetch("SELECT position, parts, state FROM checkpoints WHERE version = $1 "
                                      "ORDER BY position DESC, part", version)
        if not rows or len(rows) != rows[0]["parts"]:
            return None
        return rows[0]["position"], b"".join(row["state"] for row in rows)

    # What people do

    async def update(self, name: str, change: Callable[[Incident], Incident], kind: Kind, *,
                     given: str = "") -> Incident:
        """What is stored after `change`, decided under a lock. Raises NotFound; Aborted on a stale etag."""
        async with self._pool.acquire() as connection, connection.transaction():
            await _lock_end(connection)
            before = await _require(connection, name)
            check_etag(given, etag(name, before.revision), name)
            after = change(before)
            return before if after == before else await _write(connection, after, kind)

    async def merge(self, name: str, others: Sequence[str],
                    change: Callable[[Incident, list[Incident]], tuple[Incident, list[Incident]]], *,
                    given: str = "") -> Incident:
        """`name` after the others have become part of it; all of them in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            await _lock_end(connection)
            target = await _require(connection, name)
            check_etag(given, etag(name, target.revision), name)
            after, ended = change(target, [await _require(connection, each) for each in others])
            for each in ended:
                await _write(connection, each, Kind.MERGED)
            return target if after == target else await _write(connection, after, Kind.MERGED)

    async def split(self, name: str, change: Callable[[Incident], tuple[Incident, Incident]], *,
                    given: str = "") -> Incident:
        """The incident that left `name`; both in one transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            await _lock_end(connection)
            before = await _require(connection, name)
            check_etag(given, etag(name, before.revision), name)
            rest, new = change(before)
            await _write(connection, rest, Kind.SPLIT)
            return await _write(connection, new, Kind.SPLIT)

    async def declare(self, incident: Incident, request_id: str, fingerprint: bytes) -> incident_pb2.Incident:
        """A declared incident, once for each request_id."""
        async with self._pool.acquire() as connection, connection.transaction():
            answer = await requests.recall(connection, "DeclareIncident", request_id, fingerprint,
                                           incident_pb2.Incident)
            if answer is not None:
                return answer
            await _lock_end(connection)
            written = messages.incident(await _write(connection, incident, Kind.DECLARED))
            await requests.keep(connection, "DeclareIncident", request_id, fingerprint, written)
            return written

    # Reading

    async def get(self, name: str) -> Incident:
        """An incident. Raises NotFound."""
        async with self._pool.acquire() as connection:
            return await _require(connection, name)

    async def incidents(self, wanted: Filter, *, limit: int, after: tuple[datetime, str] | None) -> list[Incident]:
        """Newest onset first; `after` is the key of the last one seen."""
        rows = await self._pool.fetch(
            "SELECT document, decisions FROM incidents WHERE ($1::text IS NULL OR stream = $1) "
            "AND ($2::text[] IS NULL OR state = ANY($2)) AND ($3::int[] IS NULL OR severity = ANY($3)) "
            "AND ($4::text IS NULL OR services @> ARRAY[$4]) AND ($5::timestamptz IS NULL OR onset_at > $5) "
            "AND ($6::timestamptz IS NULL OR onset_at < $6) "
            "AND ($7::timestamptz IS NULL OR (onset_at, name) < ($7, $8)) ORDER BY onset_at DESC, name DESC LIMIT $9",
            wanted.stream, [each.value for each in wanted.states] or None, list(wanted.severities) or None,
            wanted.service or None, wanted.onset_after, wanted.onset_before, after[0] if after else None,
            after[1] if after else "", limit)
        return [_incident(row["document"], row["decisions"]) for row in rows]

    async def end(self) -> int:
        """Position of the newest transition."""
        return int(await self._pool.fetchval("SELECT position FROM watch_end"))

    async def transitions(self, after: int, stream: str, *, limit: int) -> list[tuple[int, Incident, Kind]]:
        """What happened after a position, in order; stream: empty for all."""
        rows = await self._pool.fetch(
            "SELECT position, document, decisions, kind FROM transitions WHERE position > $1 "
            "AND ($2 = '' OR stream = $2) ORDER BY position LIMIT $3", after, stream, limit)
        return [(row["position"], _incident(row["document"], row["decisions"]), Kind(row["kind"])) for row in rows]


async def _lock_end(connection: Connection) -> None:
    await connection.execute("SELECT position FROM watch_end FOR UPDATE")


async def _find(connection: Connection, name: str) -> Incident | None:
    row = await connection.fetchrow("SELECT document, decisions FROM incidents WHERE name = $1", name)
    return _incident(row["document"], row["decisions"]) if row else None


async def _require(connection: Connection, name: str) -> Incident:
    found = await _find(connection, name)
    if found is None:
        raise NotFound(f"there is no {name}", reason="INCIDENT_NOT_FOUND", resource=name)
    return found


async def _write(connection: Connection, incident: Incident, kind: Kind) -> Incident:
    """The incident at its next revision, and the transition that led there, under one position."""
    after = replace(incident, revision=incident.revision + 1)
    document = messages.incident(after).SerializeToString(deterministic=True)
    decided = orjson.dumps(messages.decisions(after)).decode()
    await connection.execute(
        "INSERT INTO incidents (name, stream, state, severity, services, onset_at, revision, document, decisions) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (name) DO UPDATE SET state = excluded.state, "
        "severity = excluded.severity, services = excluded.services, onset_at = excluded.onset_at, "
        "revision = excluded.revision, document = excluded.document, decisions = excluded.decisions",
        after.name, after.stream, after.state.value, int(Severity(after.severity)), list(after.services),
        after.onset_at, after.revision, document, decided)
    position = await connection.fetchval("UPDATE watch_end SET position = position + 1 RETURNING position")
    await connection.execute(
        "INSERT INTO transitions (position, incident, stream, kind, document, decisions) "
        "VALUES ($1, $2, $3, $4, $5, $6)", position, after.name, after.stream, kind.value, document, decided)
    return after


def _incident(document: bytes, decided: str) -> Incident:
    return messages.from_stored(incident_pb2.Incident.FromString(document), orjson.loads(decided))
