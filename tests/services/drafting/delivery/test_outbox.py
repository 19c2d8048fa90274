"""Each version of a card is written down once for each target, in the form that the target takes."""

import orjson
import pytest

from afteraction.v1 import card_pb2
from services.drafting.delivery.outbox import Outbox, body
from services.drafting.store.cards import Rendered
from services.drafting.store.deliveries import DeliveryStore
from shared.clock import SetClock
from shared.postgres.pool import Pool
from tests.conftest import PoolFor


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    return await pool_for("drafting", "services.drafting.migrations")


def card(title: str = "orders is slow") -> Rendered:
    message = card_pb2.Card(name="incidents/a/card", incident="incidents/a", title=title)
    return Rendered("incidents/a", "live", "f", message.SerializeToString(), f"# {title}\n", "", [{"type": "header"}])


async def test_version_is_due_once_at_each_target_however_often_it_is_put(pool: Pool, set_clock: SetClock) -> None:
    store = DeliveryStore(pool)
    outbox = Outbox(store, ("webhook", "slack"))
    async with pool.acquire() as connection:
        for version in (1, 1, 2):
            await outbox.put(connection, card(), version, set_clock.now())

    due = await store.due(set_clock.now())
    assert [one.target for one in due] == ["webhook", "slack", "webhook", "slack"]
    assert len({one.webhook_id for one in due}) == 2


async def test_version_that_is_not_committed_is_not_sent(pool: Pool, set_clock: SetClock) -> None:
    outbox = Outbox(DeliveryStore(pool), ("webhook",))
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await outbox.put(connection, card(), 1, set_clock.now())
        await transaction.rollback()

    assert await DeliveryStore(pool).due(set_clock.now()) == []


async def test_without_a_target_nothing_is_written_down(pool: Pool, set_clock: SetClock) -> None:
    async with pool.acquire() as connection:
        await Outbox(DeliveryStore(pool), ()).put(connection, card(), 1, set_clock.now())

    assert await DeliveryStore(pool).due(set_clock.now()) == []


def test_webhook_gets_the_card_with_its_version_and_markdown() -> None:
    first, second = orjson.loads(body("webhook", card(), 1)), orjson.loads(body("webhook", card(), 2))

    assert (first["type"], second["type"]) == ("card.created", "card.updated")
    assert (second["incident"], second["version"], second["card"]["version"]) == ("incidents/a", 2, 2)
    assert first["markdown"] == "# orders is slow\n"


def test_title_calls_nobody_in_slack() -> None:
    said = orjson.loads(body("slack", card("<!channel> @ops " + "x" * 400), 1))

    assert said["blocks"] == [{"type": "header"}]
    assert "<" not in said["text"] and "@ops" not in said["text"]
