"""CardService: incident cards."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import orjson
from google.protobuf.json_format import MessageToJson

from afteraction.v1 import card_pb2, card_service_pb2_grpc, incident_service_pb2
from afteraction.v1 import card_service_pb2 as pb
from services.drafting import messages
from services.drafting.drafter import Drafter
from services.drafting.review.watch import Changes
from services.drafting.store.cards import CardStore, Version
from services.drafting.store.deliveries import DeliveryStore
from shared.clock import Clock
from shared.errors import Aborted
from shared.names import deterministic_id
from shared.rpc.wrapping import Context
from shared.timestamps import to_proto

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

_PAGE = 100
_MOST_TRIES = 5


class CardService(card_service_pb2_grpc.CardServiceServicer):
    """Reads stored cards; makes them again when asked to."""

    def __init__(
        self,
        *,
        cards: CardStore,
        deliveries: DeliveryStore,
        drafter: Drafter,
        incidents: "IncidentServiceAsyncStub",
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._cards = cards
        self._deliveries = deliveries
        self._drafter = drafter
        self._incidents = incidents
        self._changes = changes
        self._clock = clock

    async def GetCard(self, request: pb.GetCardRequest, context: Context) -> pb.GetCardResponse:
        version = await self._cards.get(request.incident, request.version)
        return pb.GetCardResponse(card=message(version), rendered=rendered(version, request.format))

    async def WatchCards(self, request: pb.WatchCardsRequest, context: Context) -> AsyncIterator[pb.WatchCardsResponse]:
        position = request.after_position
        stream = "" if request.incident else request.stream or "live"
        async for _ in self._changes.rounds():
            while versions := await self._cards.after(position, request.incident, stream, _PAGE):
                for version in versions:
                    position = version.position
                    yield pb.WatchCardsResponse(position=position, card=message(version))

    async def RefreshCard(self, request: pb.RefreshCardRequest, context: Context) -> card_pb2.Card:
        await self.refresh(request.incident)
        return message(await self._cards.get(request.incident))

    async def ListDeadLetters(
        self, request: pb.ListDeadLettersRequest, context: Context
    ) -> pb.ListDeadLettersResponse:
        found = await self._deliveries.dead(request.page_size or _PAGE)
        return pb.ListDeadLettersResponse(dead_letters=[
            pb.DeadLetter(webhook_id=one.webhook_id, target=one.target, created_at=to_proto(one.created_at),
                          died_at=to_proto(one.died_at), attempts=one.attempts, error=one.error)
            for one in found
        ])

    async def refresh(self, name: str) -> None:
        """Gathers again and stores what changed. Raises NotFound when detection does not know the incident."""
        answer = await self._incidents.GetIncident(incident_service_pb2.GetIncidentRequest(name=name))
        incident = messages.incident(answer)
        for attempt in range(_MOST_TRIES):
            made = await self._drafter.make(incident, is_patient=True)
            try:
                async with self._cards.pool.acquire() as connection, connection.transaction():
                    await self._drafter.store(connection, made, self._clock.now())
                return
            except Aborted:
                if attempt == _MOST_TRIES - 1:
                    raise


def message(version: Version) -> card_pb2.Card:
    """The stored card."""
    card = card_pb2.Card.FromString(version.message)
    card.etag = deterministic_id(version.incident, str(version.version))
    return card


def rendered(version: Version, form: pb.Format.ValueType) -> str:
    """The card in one of its forms; empty where none was asked for."""
    match form:
        case pb.FORMAT_MARKDOWN:
            return version.markdown
        case pb.FORMAT_HTML:
            return version.html
        case pb.FORMAT_SLACK:
            return orjson.dumps({"blocks": version.slack}).decode()
        case pb.FORMAT_JSON:
            return MessageToJson(message(version), preserving_proto_field_name=True)
        case _:
            return ""
