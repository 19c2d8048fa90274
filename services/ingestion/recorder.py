"""Events in, whichever door they came through: prepared, stored once, told to those who follow, counted."""

from collections.abc import Iterable

from afteraction.v1 import event_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion.attributes import Redact
from services.ingestion.committer import Committer
from services.ingestion.doors import Doors
from services.ingestion.reception import Origin, check_stream
from services.ingestion.recording import prepared, services
from services.ingestion.store.events import EventStore
from shared.clock import Clock


class Recorder:
    """The one way in for events."""

    def __init__(self, *, events: EventStore, committer: Committer, doors: Doors, redact: Redact, clock: Clock) -> None:
        self._events = events
        self._committer = committer
        self._doors = doors
        self._redact = redact
        self._clock = clock

    async def record(self, events: Iterable[event_pb2.Event], origin: Origin, *, request_id: str = "",
                     fingerprint: bytes = b"") -> pb.RecordEventsResponse:
        """Stores the events whose ids are new in the stream; what is returned is durable. Raises InvalidArgument."""
        check_stream(origin.stream)
        at, found = self._clock.now(), prepared(events, self._redact)
        answer = await self._events.record(origin.stream, found, at, request_id=request_id, fingerprint=fingerprint)
        self._committer.announce()
        self._doors[origin.door].accept(at, stream=origin.stream, services=services(found),
                                        user_agent=origin.user_agent, items=answer.recorded)
        return answer
