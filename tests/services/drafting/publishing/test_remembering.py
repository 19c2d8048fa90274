# Memory answers here only what a publication asks.
# mypy: disable-error-code="abstract"
"""What memory hears of a publication: the text, a lesson, and which runbook was of use."""

from collections.abc import AsyncIterator

import pytest

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.card_pb2 import Card, RunbookMatch, SimilarIncident
from afteraction.v1.document_pb2 import Document
from afteraction.v1.memory_service_pb2_grpc import (
    MemoryServiceServicer,
    MemoryServiceStub,
    add_MemoryServiceServicer_to_server,
)
from afteraction.v1.runbook_pb2 import Runbook
from services.drafting.publishing.remembering import Remembering
from services.drafting.store.cards import CardStore, Rendered
from shared.clock import SetClock
from shared.errors import NotFound
from shared.offload import Offload
from shared.rpc.server import Context
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import ONSET, Review, serve_review

POOL = Runbook(name="runbooks/pool", category="connection-pool-exhausted", postmortems=["postmortems/earlier"])


class Memory(MemoryServiceServicer):
    """Keeps what it was told; it has one runbook."""

    def __init__(self) -> None:
        self.learnt: list[pb.LearnRunbookRequest] = []
        self.used: list[pb.RecordRunbookUseRequest] = []

    async def Remember(self, request: pb.RememberRequest, context: Context) -> pb.RememberResponse:
        return pb.RememberResponse(document=Document(name="documents/d1"))

    async def GetRunbook(self, request: pb.GetRunbookRequest, context: Context) -> Runbook:
        if request.name != POOL.name:
            raise NotFound(f"{request.name} is not known", reason="RUNBOOK_NOT_FOUND", resource=request.name)
        return POOL

    async def LearnRunbook(self, request: pb.LearnRunbookRequest, context: Context) -> Runbook:
        self.learnt.append(request)
        return POOL

    async def RecordRunbookUse(self, request: pb.RecordRunbookUseRequest, context: Context) -> Runbook:
        self.used.append(request)
        return POOL


class Publishing:
    """Publishes a post-mortem whose incident had a card."""

    def __init__(self, review: Review, memory: Memory, remembering: Remembering) -> None:
        self.review, self.memory, self._remembering = review, memory, remembering

    async def publish(self, card: Card | None) -> None:
        name = (await self.review.draft()).name
        if card is not None:
            pool = self.review.store.pool
            shown = Rendered("incidents/outage", "live", "f", card.SerializeToString(), "", "", [])
            async with pool.acquire() as connection, connection.transaction():
                await CardStore(pool).add(connection, shown, ONSET)
        published = await self.review.publish(name)
        await self._remembering(await self.review.store.published(name, published.revision))


@pytest.fixture
async def publishing(pool_for: PoolFor, serve: Serve, set_clock: SetClock) -> AsyncIterator[Publishing]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    memory = Memory()
    behind = await serve(lambda server: add_MemoryServiceServicer_to_server(memory, server))
    with Offload(1) as offload:
        review = await serve_review(serve, pool, set_clock, offload)
        remembering = Remembering(
            memory=behind.stub(MemoryServiceStub),
            postmortems=review.store,
            cards=CardStore(pool),
            clock=set_clock,
            offload=offload,
        )
        yield Publishing(review, memory, remembering)


async def test_first_of_a_failure_mode_teaches_a_runbook_of_its_own(publishing: Publishing) -> None:
    await publishing.publish(None)

    [learnt] = publishing.memory.learnt
    assert (learnt.runbook, learnt.service, learnt.document) == ("", "checkout-api", "documents/d1")
    assert not publishing.memory.used


async def test_recommended_runbook_of_a_postmortem_that_was_alike_is_revised_and_counts_as_used(
    publishing: Publishing,
) -> None:
    card = Card(
        runbooks=[RunbookMatch(runbook=POOL.name, score=0.44)],
        similar=[SimilarIncident(source_id="postmortems/earlier", score=0.68)],
    )

    await publishing.publish(card)

    assert [each.runbook for each in publishing.memory.learnt] == [POOL.name]
    assert [(each.name, each.incident) for each in publishing.memory.used] == [(POOL.name, "incidents/outage")]


@pytest.mark.parametrize(
    "card",
    [
        Card(runbooks=[RunbookMatch(runbook=POOL.name, score=0.3)]),
        Card(runbooks=[RunbookMatch(runbook="runbooks/gone", score=0.9)]),
        Card(similar=[SimilarIncident(source_id="postmortems/earlier", score=0.68)]),
    ],
)
async def test_runbook_of_another_failure_mode_is_left_alone(publishing: Publishing, card: Card) -> None:
    await publishing.publish(card)

    assert [each.runbook for each in publishing.memory.learnt] == [""]
    assert not publishing.memory.used
