"""What follows a publication: in order, with the text that was published, until it came about."""

from collections.abc import AsyncIterator, Callable

import pytest

from afteraction.v1.incident_pb2 import INCIDENT_STATE_OPEN, Incident
from afteraction.v1.incident_service_pb2 import GetIncidentRequest, ListIncidentsRequest, ListIncidentsResponse
from afteraction.v1.incident_service_pb2_grpc import (
    IncidentServiceServicer,
    IncidentServiceStub,
    add_IncidentServiceServicer_to_server,
)
from afteraction.v1.postmortem_service_pb2 import AmendPostmortemRequest
from services.drafting.publishing.publisher import Publisher, Task, delay_s
from services.drafting.publishing.refreshing import Refreshing
from services.drafting.publishing.ticketing import Ticketing
from services.drafting.review.life import Postmortem
from services.drafting.store.publications import PublicationStore
from shared.clock import SetClock
from shared.errors import NotFound, Unavailable
from shared.offload import Offload
from shared.rpc.server import Context
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import TEXT, Review, serve_review

Build = Callable[..., Publisher]


class Detection(IncidentServiceServicer):
    """Incidents, as detection tells them."""

    def __init__(self) -> None:
        self.incidents = [
            Incident(name="incidents/outage", ticket_url="https://github.com/acme/shop/issues/7"),
            Incident(name="incidents/now", state=INCIDENT_STATE_OPEN),
            Incident(name="incidents/gone", state=INCIDENT_STATE_OPEN),
        ]
        self.asked: list[ListIncidentsRequest] = []

    async def GetIncident(self, request: GetIncidentRequest, context: Context) -> Incident:
        found = next((each for each in self.incidents if each.name == request.name), None)
        if found is None:
            raise NotFound(f"no {request.name}", reason="INCIDENT_NOT_FOUND", resource=request.name)
        return found

    async def ListIncidents(self, request: ListIncidentsRequest, context: Context) -> ListIncidentsResponse:
        self.asked.append(request)
        return ListIncidentsResponse(incidents=[each for each in self.incidents if each.state in request.states])


@pytest.fixture
async def review(pool_for: PoolFor, serve: Serve, set_clock: SetClock) -> AsyncIterator[Review]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(1) as offload:
        yield await serve_review(serve, pool, set_clock, offload)


@pytest.fixture
def publisher(review: Review) -> Build:
    def build(**tasks: Task) -> Publisher:
        return Publisher(
            postmortems=review.store, publications=PublicationStore(review.store.pool), tasks=tasks, clock=review.clock
        )

    return build


async def test_consequence_that_fails_is_tried_again_and_then_done_once(review: Review, publisher: Build) -> None:
    told: list[int] = []

    async def remember(value: Postmortem) -> None:
        told.append(value.revision)
        if len(told) == 1:
            raise Unavailable("away", reason="AWAY")

    works = publisher(remember=remember)
    await review.publish((await review.draft()).name)

    for _ in range(3):
        await works.work_off()
        review.clock.advance(5)

    assert told == [1, 1]


async def test_later_revision_waits_for_the_earlier_one_and_each_has_its_own_text(
    review: Review, publisher: Build
) -> None:
    # given two publications while memory is away, and an amendment in review
    told: list[str] = []
    is_away = True

    async def remember(value: Postmortem) -> None:
        if is_away:
            raise Unavailable("away", reason="AWAY")
        told.append(value.markdown)

    works = publisher(remember=remember)
    name = (await review.draft()).name
    await review.publish(name)
    for words in ("341 requests", "unreviewed words"):
        opened = await review.postmortems.AmendPostmortem(AmendPostmortemRequest(name=name, author="ada"))
        await review.edit(opened, TEXT.replace("340 requests", words))
        if words == "341 requests":
            await review.publish(name)
    await works.work_off()

    # when it is back
    is_away = False
    for _ in range(4):
        review.clock.advance(600)
        await works.work_off()

    # then
    assert told == [TEXT, TEXT.replace("340 requests", "341 requests")]


async def test_cards_are_refreshed_after_memory_has_remembered(review: Review, publisher: Build) -> None:
    order: list[str] = []
    is_away = True

    async def remember(value: Postmortem) -> None:
        if is_away:
            raise Unavailable("away", reason="AWAY")
        order.append("remember")

    async def refresh(value: Postmortem) -> None:
        order.append("refresh")

    works = publisher(remember=remember, refresh=refresh)
    await review.publish((await review.draft()).name)
    await works.work_off()
    assert order == []

    is_away = False
    for _ in range(2):
        review.clock.advance(600)
        await works.work_off()

    assert order == ["remember", "refresh"]


async def test_open_incidents_of_its_stream_get_their_cards_anew(review: Review, serve: Serve) -> None:
    detection = Detection()  # type: ignore[abstract]
    channel = await serve(lambda server: add_IncidentServiceServicer_to_server(detection, server))
    made: list[str] = []

    async def refresh(name: str) -> None:
        if name == "incidents/gone":
            raise NotFound("merged away", reason="INCIDENT_NOT_FOUND", resource=name)
        made.append(name)

    value = await review.store.get((await review.draft()).name)
    await Refreshing(incidents=channel.stub(IncidentServiceStub), refresh=refresh)(value)

    assert made == ["incidents/now"]
    assert detection.asked[0].stream == "live"


async def test_ticket_that_was_opened_after_the_draft_is_named(review: Review, serve: Serve) -> None:
    detection = Detection()  # type: ignore[abstract]
    channel = await serve(lambda server: add_IncidentServiceServicer_to_server(detection, server))
    draft = await review.draft()
    ticketing = Ticketing(
        incidents=channel.stub(IncidentServiceStub),
        postmortems=review.store,
        following=None,
        clock=review.clock,
        dashboard_url="",
    )

    await ticketing(await review.store.get(draft.name))

    assert (await review.get(draft.name)).ticket_url == "https://github.com/acme/shop/issues/7"


def test_waits_double_up_to_five_minutes_and_heed_the_other_side() -> None:
    assert [delay_s(tries) for tries in (0, 1, 2, 30)] == [1.0, 2.0, 4.0, 300.0]
    assert delay_s(0, retry_after_s=90.0) == 90.0
