"""CardService: versions in every form, watching, and what could not be delivered."""

from collections.abc import AsyncIterator
from datetime import datetime

import orjson
import pytest

from afteraction.v1 import card_pb2, card_service_pb2_grpc
from afteraction.v1 import card_service_pb2 as pb
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from services.drafting.drafter import Drafter
from services.drafting.review.watch import Changes
from services.drafting.service.cards import CardService
from services.drafting.store.cards import CHANNEL, CardStore, Rendered
from services.drafting.store.deliveries import DeliveryStore
from shared.clock import SetClock
from shared.errors import InvalidArgument, NotFound
from shared.postgres.pool import Pool
from shared.rpc.client import Channel
from tests.conftest import PoolFor, Serve


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    return await pool_for("drafting", "services.drafting.migrations")


@pytest.fixture
async def channel(pool: Pool, serve: Serve, set_clock: SetClock) -> AsyncIterator[Channel]:
    # Nothing here makes a card anew: who would make it, and whom it would ask, are away.
    drafter = object.__new__(Drafter)
    nobody = await serve(lambda server: None)
    service = CardService(
        cards=CardStore(pool), deliveries=DeliveryStore(pool), drafter=drafter,
        incidents=nobody.stub(IncidentServiceStub), changes=Changes(pool, CHANNEL), clock=set_clock)
    yield await serve(lambda server: card_service_pb2_grpc.add_CardServiceServicer_to_server(service, server))


async def stored(pool: Pool, at: datetime, *, title: str = "orders is slow", incident: str = "incidents/a") -> int:
    message = card_pb2.Card(name=f"{incident}/card", incident=incident, title=title)
    card = Rendered(incident, "live", title, message.SerializeToString(), f"# {title}\n", f"<h1>{title}</h1>",
                    [{"type": "header"}])
    async with pool.acquire() as connection, connection.transaction():
        return await CardStore(pool).add(connection, card, at, latency_s=1.5)


async def dead(pool: Pool, at: datetime, name: str) -> None:
    """A message that was given up after one try."""
    store = DeliveryStore(pool)
    async with pool.acquire() as connection:
        await store.put(connection, name, "webhook", b"{}", at)
    [delivery] = await store.due(at)
    await store.failed(delivery, "webhook answered 410: it wants no more", None, at)


async def test_every_version_is_kept_and_the_newest_answered(
    pool: Pool, channel: Channel, set_clock: SetClock
) -> None:
    await stored(pool, set_clock.now())
    await stored(pool, set_clock.now(), title="orders is very slow")
    stub = channel.stub(CardServiceStub)

    newest = await stub.GetCard(pb.GetCardRequest(incident="incidents/a"))
    first = await stub.GetCard(pb.GetCardRequest(incident="incidents/a", version=1))

    assert (newest.card.version, newest.card.title) == (2, "orders is very slow")
    assert (first.card.version, first.card.title, first.card.latency_s) == (1, "orders is slow", 1.5)
    assert newest.card.etag != first.card.etag


async def test_card_is_answered_in_every_form(pool: Pool, channel: Channel, set_clock: SetClock) -> None:
    await stored(pool, set_clock.now())
    stub = channel.stub(CardServiceStub)

    said = {form: (await stub.GetCard(pb.GetCardRequest(incident="incidents/a", format=form))).rendered
            for form in (pb.FORMAT_MARKDOWN, pb.FORMAT_HTML, pb.FORMAT_SLACK, pb.FORMAT_JSON)}

    assert said[pb.FORMAT_MARKDOWN] == "# orders is slow\n"
    assert said[pb.FORMAT_HTML] == "<h1>orders is slow</h1>"
    assert orjson.loads(said[pb.FORMAT_SLACK]) == {"blocks": [{"type": "header"}]}
    assert orjson.loads(said[pb.FORMAT_JSON])["title"] == "orders is slow"


@pytest.mark.parametrize("request_", [pb.GetCardRequest(incident="incidents/b"),
                                      pb.GetCardRequest(incident="incidents/a", version=9)])
async def test_card_that_is_not_there_is_named(
    pool: Pool, channel: Channel, set_clock: SetClock, request_: pb.GetCardRequest
) -> None:
    await stored(pool, set_clock.now())

    with pytest.raises(NotFound, match=request_.incident):
        await channel.stub(CardServiceStub).GetCard(request_)


async def test_watching_goes_on_behind_a_position(pool: Pool, channel: Channel, set_clock: SetClock) -> None:
    await stored(pool, set_clock.now())
    await stored(pool, set_clock.now(), title="orders is very slow")
    await stored(pool, set_clock.now(), incident="incidents/b")
    stub = channel.stub(CardServiceStub)

    seen = []
    async for response in stub.WatchCards(pb.WatchCardsRequest()):
        seen.append((response.position, response.card.incident, response.card.version))
        if len(seen) == 3:
            break
    async for response in stub.WatchCards(pb.WatchCardsRequest(after_position=seen[0][0], incident="incidents/a")):
        assert (response.position, response.card.version) == (seen[1][0], 2)
        break

    assert [one[1:] for one in seen] == [("incidents/a", 1), ("incidents/a", 2), ("incidents/b", 1)]


async def test_dead_letters_are_listed_newest_first_with_their_last_error(
    pool: Pool, channel: Channel, set_clock: SetClock
) -> None:
    for name in ("msg_1", "msg_2", "msg_3"):
        await dead(pool, set_clock.now(), name)
        set_clock.advance(60)

    found = (await channel.stub(CardServiceStub).ListDeadLetters(pb.ListDeadLettersRequest(page_size=2))).dead_letters

    assert [one.webhook_id for one in found] == ["msg_3", "msg_2"]
    assert (found[0].target, found[0].attempts, found[0].error) == (
        "webhook", 1, "webhook answered 410: it wants no more")
    assert found[0].died_at.ToDatetime(set_clock.now().tzinfo) > found[1].died_at.ToDatetime(set_clock.now().tzinfo)


async def test_page_size_that_cannot_be_is_refused(channel: Channel) -> None:
    with pytest.raises(InvalidArgument, match="page_size"):
        await channel.stub(CardServiceStub).ListDeadLetters(pb.ListDeadLettersRequest(page_size=-1))
