"""The main job, from telemetry to the next card, as one function over a connection: the demo prints it, a test asserts
on it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from afteraction.v1.card_pb2 import Card
from afteraction.v1.card_service_pb2 import FORMAT_MARKDOWN, GetCardRequest, GetCardResponse
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from afteraction.v1.incident_pb2 import INCIDENT_STATE_RESOLVED, Incident
from afteraction.v1.postmortem_pb2 import Postmortem
from afteraction.v1.postmortem_service_pb2 import GetPostmortemRequest
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from services.cli.connection import Connection
from services.cli.demo.recording import Recording, play
from services.cli.demo.reviewing import Reviewed, publish
from services.cli.replay import incidents_of, taken_in
from services.cli.sending import Sender, Sent
from shared.errors import DeadlineExceeded, NotFound

if TYPE_CHECKING:
    from afteraction.v1.card_service_pb2_grpc import CardServiceAsyncStub
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub

T = TypeVar("T")
_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one outage: the incident that it opened, with its first card and the card as it is in the end."""

    incident: Incident
    incidents: tuple[Incident, ...]
    first_card: Card
    card: Card
    card_markdown: str
    sent: Sent


@dataclass(slots=True)
class Watching:
    """What the main job tells while it runs; every part may be left as it is."""

    sending: Callable[[datetime, Sent], None] = lambda at, sent: None
    waiting: Callable[[str], None] = lambda what: None


async def tell(connection: Connection, recording: Recording, stream: str, watching: Watching, *,
               is_last: bool, deadline_s: float = 120.0) -> Told:
    """Sends the outage and waits for its incident to open and resolve and for its card. Raises NotFound when none
    opened, DeadlineExceeded when a part does not come in time."""
    async with Sender(connection, stream) as sender:
        position = await play(recording, sender, watching.sending)
        if is_last:
            position = await sender.mark(recording.outage.ends_at, is_last=True)
    watching.waiting("detection")
    await taken_in(connection, stream, position, deadline_s=deadline_s)
    begins, ends = recording.outage.begins_at, recording.outage.ends_at
    incidents = tuple(each for each in await incidents_of(connection, stream)
                      if begins.timestamp() <= each.onset_at.seconds <= ends.timestamp())
    if not incidents:
        raise NotFound(f"the {recording.outage.name} opened no incident in stream {stream}", reason="NO_INCIDENT",
                       resource=stream)
    # The worst first, then the earliest.
    incident = min(incidents, key=lambda each: (each.severity, each.onset_at.ToNanoseconds()))
    watching.waiting("the card")
    answer = await settled_card(connection, incident, deadline_s)
    cards: CardServiceAsyncStub = connection.stub(CardServiceStub)
    first = (await cards.GetCard(GetCardRequest(incident=incident.name, version=1))).card
    return Told(incident, incidents, first, answer.card, answer.rendered, sender.sent)


async def settled_card(connection: Connection, incident: Incident, deadline_s: float) -> GetCardResponse:
    """The card that knows as much as `incident` does."""
    cards: CardServiceAsyncStub = connection.stub(CardServiceStub)

    async def ask() -> GetCardResponse | None:
        answer = await cards.GetCard(GetCardRequest(incident=incident.name, format=FORMAT_MARKDOWN))
        return answer if answer.card.state == incident.state else None

    return await _until(ask, f"the card of {incident.name}", deadline_s)


async def drafted(connection: Connection, incident: Incident, deadline_s: float = 60.0) -> Postmortem:
    """The draft that the resolution of `incident` set off."""
    postmortems: PostmortemServiceAsyncStub = connection.stub(PostmortemServiceStub)
    if incident.state != INCIDENT_STATE_RESOLVED:
        raise NotFound(f"{incident.name} is not resolved, so it has no post-mortem yet", reason="NOT_RESOLVED",
                       resource=incident.name)

    async def ask() -> Postmortem | None:
        return await postmortems.GetPostmortem(GetPostmortemRequest(name=incident.name))

    return await _until(ask, f"the draft of {incident.name}", deadline_s)


async def published(connection: Connection, postmortem: Postmortem, reviewer: str,
                    deadline_s: float = 60.0) -> Reviewed:
    """The post-mortem once it is published and memory holds it."""
    reviewed = await publish(connection, postmortem, reviewer)
    postmortems: PostmortemServiceAsyncStub = connection.stub(PostmortemServiceStub)

    async def ask() -> Postmortem | None:
        found = await postmortems.GetPostmortem(GetPostmortemRequest(name=postmortem.name))
        return found if found.document else None

    in_memory = await _until(ask, f"{postmortem.name} in memory", deadline_s)
    return Reviewed(in_memory, reviewed.answered, reviewed.waived)


async def _until(ask: Callable[[], Awaitable[T | None]], what: str, deadline_s: float) -> T:
    """What `ask` returns once that is not None; what is not found yet may come."""
    until = time.monotonic() + deadline_s
    while time.monotonic() < until:
        try:
            found = await ask()
        except NotFound:
            found = None
        if found is not None:
            return found
        await asyncio.sleep(_POLL_S)
    raise DeadlineExceeded(f"{what} did not come within {deadline_s:.0f} s", reason="DEMO_PART_MISSING")
