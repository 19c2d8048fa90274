"""Follows the transitions of incidents: a card on each, a draft when one is over.

Several incidents are worked on at the same time, one version after the other for each of them; what came of each
transition is stored in the order of the transitions, in one transaction with the position in the stream. After a crash
it goes on behind the last transition whose effects are stored. A card that had to do without a part, because somebody
did not answer in time, is completed by a further version when the part is there.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from afteraction.v1 import incident_service_pb2
from services.drafting import messages
from services.drafting.drafter import Drafter, Made
from services.drafting.incident import EntryKind, Incident, State
from services.drafting.store import positions
from shared.clock import Clock
from shared.errors import Aborted, AfteractionError
from shared.postgres.pool import AWAY, Pool
from shared.telemetry.logs import logger

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

log = logger(__name__)

READER = "incidents"
_BACK_OFF_S = 1.0
_MOST_TRIES = 5
# Of these every one makes a card or a draft; of others only the last that is waiting does.
_TELLING = frozenset({EntryKind.OPENED, EntryKind.DECLARED, EntryKind.RESOLVED})


@dataclass(slots=True)
class _Transition:
    """One transition on its way: what it is, the one of the same incident before it, and when it is stored."""

    position: int
    incident: Incident
    kind: EntryKind
    before: "_Transition | None" = None
    stored: asyncio.Event = field(default_factory=asyncio.Event)


class Follower:
    """Turns transitions into cards and drafts."""

    def __init__(
        self, *, incidents: "IncidentServiceAsyncStub", drafter: Drafter, pool: Pool, clock: Clock, in_flight: int
    ) -> None:
        self._incidents = incidents
        self._drafter = drafter
        self._pool = pool
        self._clock = clock
        self._in_flight = in_flight
        # The newest transition of each incident that is under way.
        self._newest: dict[str, _Transition] = {}

    async def run(self) -> None:
        """Until it is cancelled; a detection or a database that is away is waited for."""
        is_away = False
        while True:
            try:
                await self.follow()
                is_away = False
            except* (AfteractionError, *AWAY) as group:
                if not is_away:
                    log.warning("following interrupted", error=str(group.exceptions[0]))
                is_away = True
            except* Exception as group:
                log.error("following failed", group)
            await asyncio.sleep(_BACK_OFF_S)

    async def follow(self) -> None:
        """Reads from the stored position until the stream ends or breaks."""
        position = await positions.position(self._pool, READER)
        request = incident_service_pb2.WatchIncidentsRequest(after_position=position)
        underway: asyncio.Queue[tuple[_Transition, asyncio.Task[Made | None]] | None] = asyncio.Queue(self._in_flight)
        self._newest = {}
        async with asyncio.TaskGroup() as group:
            group.create_task(self._store_in_order(underway, group))
            async for transition in self._transitions(request):
                await underway.put((transition, group.create_task(self._make(transition))))
            await underway.put(None)

    async def _transitions(self, request: incident_service_pb2.WatchIncidentsRequest) -> AsyncIterator[_Transition]:
        async for response in self._incidents.WatchIncidents(request):
            incident = messages.incident(response.incident)
            transition = _Transition(
                response.position, incident, EntryKind(response.transition), self._newest.get(incident.name)
            )
            self._newest[incident.name] = transition
            yield transition

    async def _make(self, transition: _Transition) -> Made | None:
        """The card and draft as of `transition`; None where a later transition of the incident waits already."""
        if transition.before is not None:
            # Evidence is numbered after what the version before has numbered.
            await transition.before.stored.wait()
            transition.before = None
        is_last = self._newest.get(transition.incident.name) is transition
        if transition.incident.state is State.MERGED or (not is_last and transition.kind not in _TELLING):
            return None
        return await self._drafter.make(transition.incident)

    async def _store_in_order(
        self,
        underway: "asyncio.Queue[tuple[_Transition, asyncio.Task[Made | None]] | None]",
        group: asyncio.TaskGroup,
    ) -> None:
        while (item := await underway.get()) is not None:
            transition, task = item
            made = await task
            await self._store(transition, made)
            transition.stored.set()
            if self._newest.get(transition.incident.name) is not transition:
                continue
            del self._newest[transition.incident.name]
            if made is not None and made.is_incomplete:
                group.create_task(self._complete(transition.incident))

    async def _complete(self, incident: Incident) -> None:
        """A further version with what was late, unless the incident has moved on meanwhile."""
        made = await self._drafter.make(incident, is_patient=True)
        if incident.name in self._newest:
            return
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                version = await self._drafter.store(connection, made, self._clock.now())
        except Aborted:
            return  # whoever numbered evidence in between has made a version of its own
        if version:
            log.info("card completed", incident=incident.name, version=version)

    async def _store(self, transition: _Transition, made: Made | None) -> None:
        for attempt in range(_MOST_TRIES):
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    version = await self._drafter.store(connection, made, self._clock.now()) if made else 0
                    await positions.advance(connection, READER, transition.position)
                if version:
                    log.info(
                        "card stored",
                        incident=transition.incident.name,
                        version=version,
                        has_draft=made is not None and made.draft is not None,
                    )
                return
            except Aborted:
                # A refresh by hand numbered evidence in between.
                if attempt == _MOST_TRIES - 1:
                    raise
                made = await self._drafter.make(transition.incident)
