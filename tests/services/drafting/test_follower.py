"""Transitions of incidents become cards and drafts: in order, once, completed when a late part is there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from afteraction.v1 import (
    incident_pb2,
    incident_service_pb2,
    incident_service_pb2_grpc,
    ingestion_service_pb2,
    ingestion_service_pb2_grpc,
    memory_service_pb2,
    memory_service_pb2_grpc,
)
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.drafting.case import Policy
from services.drafting.delivery.outbox import Outbox
from services.drafting.drafter import Drafter
from services.drafting.follower import READER, Follower
from services.drafting.gather import Deadlines, Gatherer
from services.drafting.ownership import Catalogue
from services.drafting.recurrence import Recurrences
from services.drafting.rendering import Renderer
from services.drafting.store import positions
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.cards import CardStore, Version
from services.drafting.store.deliveries import DeliveryStore
from services.drafting.store.postmortems import PostmortemStore
from shared.clock import SetClock
from shared.errors import NotFound
from shared.offload import Offload
from shared.postgres.pool import Pool
from shared.rpc.wrapping import Context
from tests.conftest import PoolFor, Serve
from tests.services.drafting import recorded

Watched = incident_service_pb2.WatchIncidentsResponse
OPENED, RESOLVED = incident_pb2.TimelineEntry.KIND_OPENED, incident_pb2.TimelineEntry.KIND_RESOLVED
JOINED = incident_pb2.TimelineEntry.KIND_ANOMALY_JOINED


class Detection(incident_service_pb2_grpc.IncidentServiceServicer):
    """Tells the transitions that lie behind a position, and ends."""

    def __init__(self, transitions: Sequence[Watched]) -> None:
        self.transitions = transitions

    async def WatchIncidents(
        self, request: incident_service_pb2.WatchIncidentsRequest, context: Context
    ) -> AsyncIterator[Watched]:
        for one in self.transitions:
            if one.position > request.after_position:
                yield one


class Ingestion(ingestion_service_pb2_grpc.IngestionServiceServicer):
    """Answers at once, but for the first `late` questions, which it lets wait for ever."""

    def __init__(self, late: int) -> None:
        self.late = late

    async def GetEvidence(
        self, request: ingestion_service_pb2.GetEvidenceRequest, context: Context
    ) -> AsyncIterator[ingestion_service_pb2.GetEvidenceResponse]:
        if self.late:
            self.late -= 1
            await asyncio.Event().wait()
        yield ingestion_service_pb2.GetEvidenceResponse(observations=recorded.observations())


class Memory(memory_service_pb2_grpc.MemoryServiceServicer):
    async def SearchSimilar(
        self, request: memory_service_pb2.SearchSimilarRequest, context: Context
    ) -> memory_service_pb2.SearchSimilarResponse:
        return memory_service_pb2.SearchSimilarResponse(results=[recorded.past()])


def transition(position: int, kind: incident_pb2.TimelineEntry.Kind.ValueType, *, is_over: bool = False) -> Watched:
    return Watched(position=position, incident=recorded.incident(is_over=is_over), transition=kind)


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    return await pool_for("drafting", "services.drafting.migrations")


@asynccontextmanager
async def following(
    serve: Serve, pool: Pool, clock: SetClock, transitions: Sequence[Watched], *, late: int = 0,
    evidence_s: float = 5.0, renderer: Renderer | None = None,
) -> AsyncIterator[Follower]:
    detection, ingestion, memory = Detection(transitions), Ingestion(late), Memory()  # type: ignore[abstract]
    channels = [await serve(lambda server: incident_service_pb2_grpc.add_IncidentServiceServicer_to_server(
                    detection, server)),
                await serve(lambda server: ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(
                    ingestion, server)),
                await serve(lambda server: memory_service_pb2_grpc.add_MemoryServiceServicer_to_server(
                    memory, server))]
    with Offload(2) as offload:
        gatherer = Gatherer(
            ingestion=channels[1].stub(IngestionServiceStub), memory=channels[2].stub(MemoryServiceStub),
            offload=offload, catalogue=Catalogue(), deadlines=Deadlines(evidence_s=evidence_s, memory_s=5.0))
        drafter = Drafter(
            gatherer=gatherer, recurrences=Recurrences(ActionItemStore(pool)), cards=CardStore(pool),
            postmortems=PostmortemStore(pool), renderer=renderer or Renderer(),
            outbox=Outbox(DeliveryStore(pool), ("webhook",)), offload=offload, policy=Policy())
        yield Follower(incidents=channels[0].stub(IncidentServiceStub), drafter=drafter, pool=pool, clock=clock,
                       in_flight=4)


async def versions(pool: Pool) -> list[Version]:
    return await CardStore(pool).after(0, "incidents/orders1", "", 10)


async def test_opening_makes_a_card_and_resolution_a_draft(serve: Serve, pool: Pool, set_clock: SetClock) -> None:
    told = [transition(1, OPENED), transition(2, RESOLVED, is_over=True)]
    async with following(serve, pool, set_clock, told) as follower:
        await follower.follow()

    first, last = await versions(pool)
    assert "orders is out of its normal since 10:14 UTC." in first.markdown
    assert "orders was out of its normal from 10:14 to 10:37 UTC" in last.markdown
    assert (await PostmortemStore(pool).get("postmortems/orders1")).incident == "incidents/orders1"
    assert await positions.position(pool, READER) == 2


async def test_an_open_incident_has_no_draft(serve: Serve, pool: Pool, set_clock: SetClock) -> None:
    async with following(serve, pool, set_clock, [transition(1, OPENED)]) as follower:
        await follower.follow()

    with pytest.raises(NotFound):
        await PostmortemStore(pool).get("postmortems/orders1")


async def test_following_again_makes_nothing_twice(serve: Serve, pool: Pool, set_clock: SetClock) -> None:
    async with following(serve, pool, set_clock, [transition(1, OPENED)]) as follower:
        await follower.follow()
        await follower.follow()

    assert [one.version for one in await versions(pool)] == [1]


async def test_a_transition_that_changes_nothing_on_the_card_makes_no_version(
    serve: Serve, pool: Pool, set_clock: SetClock
) -> None:
    async with following(serve, pool, set_clock, [transition(1, OPENED), transition(2, JOINED)]) as follower:
        await follower.follow()

    assert [one.version for one in await versions(pool)] == [1]
    assert await positions.position(pool, READER) == 2


async def test_each_version_is_put_into_the_outbox_once(serve: Serve, pool: Pool, set_clock: SetClock) -> None:
    told = [transition(1, OPENED), transition(2, RESOLVED, is_over=True)]
    async with following(serve, pool, set_clock, told) as follower:
        await follower.follow()

    due = await DeliveryStore(pool).due(set_clock.now())
    assert [b'"type":"card.created"' in one.body for one in due] == [True, False]
    assert len({one.webhook_id for one in due}) == 2


async def test_a_card_without_late_telemetry_is_completed_by_a_further_version(
    serve: Serve, pool: Pool, set_clock: SetClock
) -> None:
    async with following(serve, pool, set_clock, [transition(1, OPENED)], late=1, evidence_s=0.3) as follower:
        await follower.follow()

    first, second = await versions(pool)
    assert "> Missing: telemetry unavailable" in first.markdown
    assert "Missing" not in second.markdown
    assert "5.1.0 of orders was deployed" in second.markdown


@pytest.mark.parametrize("template", ["postmortem.md.jinja", "card.md.jinja", "card.html.jinja"])
async def test_template_that_fails_costs_neither_card_nor_draft(
    serve: Serve, pool: Pool, set_clock: SetClock, tmp_path: Path, template: str
) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "postmortem.md.jinja").write_text("# {{ draft.title }}")
    (ours / template).write_text("{{ 1 + 'one' }}")

    async with following(serve, pool, set_clock, [transition(1, RESOLVED, is_over=True)],
                         renderer=Renderer("ours", tmp_path)) as follower:
        await follower.follow()

    [only] = await versions(pool)
    assert f"> Missing: the team's style: template ours/{template} fails" in only.markdown
    assert "## Root cause" in (await PostmortemStore(pool).get("postmortems/orders1")).markdown
