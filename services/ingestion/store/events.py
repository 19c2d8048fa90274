"""Events: each stored once by its id, and a row of the log for those that are new."""

from collections.abc import Sequence
from datetime import datetime

from afteraction.v1 import event_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion import chunks
from services.ingestion.store.log import Entry, TelemetryLog
from services.ingestion.watermark import Progress
from shared.postgres import requests
from shared.postgres.pool import Connection, Pool

_METHOD = "RecordEvents"
_INSERT = """INSERT INTO events (stream, id, occurred_at, service, payload, position, arrived_at)
             SELECT $1, id, occurred_at, service, payload, 0, $6
             FROM unnest($2::text[], $3::bigint[], $4::text[], $5::bytea[]) AS row (id, occurred_at, service, payload)
             ON CONFLICT (stream, id) DO NOTHING RETURNING id"""


class EventStore:
    """Records and reads events."""

    def __init__(self, pool: Pool, log: TelemetryLog) -> None:
        self._pool = pool
        self._log = log

    async def record(self, stream: str, events: Sequence[event_pb2.Event], at: datetime, *, request_id: str = "",
                     fingerprint: bytes = b"") -> pb.RecordEventsResponse:
        """Stores those whose id is new in the stream. A closed stream keeps them as evidence, and adds no row."""
        async with self._pool.acquire() as connection, connection.transaction():
            before = await requests.recall(connection, _METHOD, request_id, fingerprint, pb.RecordEventsResponse)
            if before is not None:
                return before
            await self._log.ensure_partition(connection, at)
            answer = await self._record(connection, stream, events, at)
            await requests.keep(connection, _METHOD, request_id, fingerprint, answer)
            return answer

    async def _record(self, connection: Connection, stream: str, events: Sequence[event_pb2.Event],
                      at: datetime) -> pb.RecordEventsResponse:
        unique = {event.id: event for event in events}
        ids = sorted(unique)
        rows = await connection.fetch(
            _INSERT, stream, ids, [unique[each].occurred_at.ToNanoseconds() for each in ids],
            [unique[each].service for each in ids], [unique[each].SerializeToString() for each in ids], at)
        new = {row["id"] for row in rows}
        fresh = [event for event in unique.values() if event.id in new]
        position = 0
        if fresh and not await connection.fetchval("SELECT is_closed FROM streams WHERE stream = $1", stream):
            by_service: dict[str, list[event_pb2.Event]] = {}
            for event in fresh:
                by_service.setdefault(event.service, []).append(event)
            entry = Entry(stream, tuple(chunks.events(service, found) for service, found in by_service.items()))
            position, = await self._log.append_within(connection, [entry], [Progress()], at)
            await connection.execute("UPDATE events SET position = $1 WHERE stream = $2 AND id = ANY($3)", position,
                                     stream, list(new))
        else:
            position = int(await connection.fetchval("SELECT position FROM head"))
        return pb.RecordEventsResponse(position=position, recorded=len(fresh), duplicates=len(events) - len(fresh))

    async def window(self, stream: str, start: int, end: int) -> list[event_pb2.Event]:
        """Events of every service with start <= occurred_at < end, in order of time."""
        rows = await self._pool.fetch(
            """SELECT payload FROM events WHERE stream = $1 AND occurred_at >= $2 AND occurred_at < $3
               ORDER BY occurred_at, id LIMIT 10000""", stream, start, end)
        return [event_pb2.Event.FromString(row["payload"]) for row in rows]
