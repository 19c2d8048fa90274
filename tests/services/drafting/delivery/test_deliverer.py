"""Outgoing webhooks and reminders: signed as in Standard Webhooks, tried again as allowed, kept when given up."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx2 as httpx
import pytest

from services.drafting.delivery.deliverer import WAITS, Deliverer, signature
from services.drafting.store.deliveries import DeliveryStore
from shared.clock import SetClock
from shared.errors import InvalidArgument
from shared.postgres.pool import Pool
from tests.conftest import PoolFor
from tests.fakes.receiver import Receiver

SECRET = "whsec_" + base64.b64encode(b"a key of this test").decode()
REMINDER = {
    "type": "action_item.due",
    "text": "<!channel> @ada *Raise* the limit is due today https://a.example.org/actionItems/x",
    "link": "https://a.example.org/actionItems/x",
}


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    return await pool_for("drafting", "services.drafting.migrations")


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5.0) as client:
        yield client


def deliverer(pool: Pool, clock: SetClock, receiver: Receiver, target: str = "webhook") -> Deliverer:
    return Deliverer(deliveries=DeliveryStore(pool), urls={target: receiver.url}, secret=SECRET, clock=clock)


async def put(pool: Pool, clock: SetClock, target: str = "webhook") -> None:
    async with pool.acquire() as connection:
        await DeliveryStore(pool).put(connection, "msg_1", target, b'{"incident":"incidents/a"}', clock.now())


def test_signature_is_that_of_the_published_test_vector() -> None:
    # From the reference libraries of Standard Webhooks.
    signed = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
                       datetime.fromtimestamp(1614265330, UTC), b'{"test": 2432232314}')

    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_secret_that_is_no_base64_is_refused_by_name() -> None:
    with pytest.raises(InvalidArgument) as refused:
        signature("whsec_%%", "msg_1", datetime.fromtimestamp(0, UTC), b"")

    assert refused.value.violations[0].subject == "webhook_secret"


async def test_message_is_signed_and_delivered_once(
    pool: Pool, set_clock: SetClock, client: httpx.AsyncClient
) -> None:
    await put(pool, set_clock)
    async with Receiver().listening() as receiver:
        sender = deliverer(pool, set_clock, receiver)

        assert await sender.work_off(client) == 1
        assert await sender.work_off(client) == 0

    (request,) = receiver.requests
    assert request.headers["webhook-id"] == "msg_1"
    assert request.headers["webhook-signature"] == signature(SECRET, "msg_1", set_clock.now(), request.body)
    assert int(request.headers["webhook-timestamp"]) == int(set_clock.now().timestamp())


async def test_slack_gets_no_signature(pool: Pool, set_clock: SetClock, client: httpx.AsyncClient) -> None:
    await put(pool, set_clock, "slack")
    async with Receiver().listening() as receiver:
        await deliverer(pool, set_clock, receiver, "slack").work_off(client)

    assert "webhook-signature" not in receiver.requests[0].headers


@pytest.mark.parametrize("failure", ["500 Internal Server Error", "404 Not Found", "302 Found", "cut"])
async def test_failure_is_tried_again_after_its_wait_under_the_same_id(
    pool: Pool, set_clock: SetClock, client: httpx.AsyncClient, failure: str
) -> None:
    await put(pool, set_clock)
    async with Receiver((failure,)).listening() as receiver:
        sender = deliverer(pool, set_clock, receiver)
        await sender.work_off(client)
        assert await sender.work_off(client) == 0
        assert len(receiver.requests) == 1

        set_clock.advance(WAITS[0].total_seconds())

        assert await sender.work_off(client) == 1
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_receiver_that_asks_for_time_gets_it(pool: Pool, set_clock: SetClock, client: httpx.AsyncClient) -> None:
    await put(pool, set_clock, "slack")
    async with Receiver(("429 Too Many Requests\r\nretry-after: 30",)).listening() as receiver:
        sender = deliverer(pool, set_clock, receiver, "slack")
        await sender.work_off(client)
        set_clock.advance(29)
        await sender.work_off(client)
        assert len(receiver.requests) == 1

        set_clock.advance(1)

        assert await sender.work_off(client) == 1


async def test_after_the_last_try_it_is_kept_as_a_dead_letter(
    pool: Pool, set_clock: SetClock, client: httpx.AsyncClient
) -> None:
    await put(pool, set_clock)
    async with Receiver(("503 Service Unavailable",) * 99).listening() as receiver:
        sender = deliverer(pool, set_clock, receiver)
        for wait in (timedelta(0), *WAITS, *WAITS):
            set_clock.advance(wait.total_seconds())
            await sender.work_off(client)

    (dead,) = await DeliveryStore(pool).dead(10)
    assert len(receiver.requests) == len(WAITS) + 1
    assert (dead.webhook_id, dead.attempts, dead.error) == ("msg_1", len(WAITS) + 1, "webhook answered 503")


async def test_receiver_that_is_gone_is_not_tried_again(
    pool: Pool, set_clock: SetClock, client: httpx.AsyncClient
) -> None:
    await put(pool, set_clock)
    async with Receiver(("410 Gone",)).listening() as receiver:
        await deliverer(pool, set_clock, receiver).work_off(client)

    (dead,) = await DeliveryStore(pool).dead(10)
    assert dead.attempts == 1


async def test_words_of_people_call_nobody_in_slack(pool_for: PoolFor, set_clock: SetClock) -> None:
    pool = await pool_for("drafting", "services.drafting.migrations")
    sent: dict[str, httpx.Request] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        sent[request.url.host] = request
        return httpx.Response(200)

    deliverer = Deliverer(
        deliveries=DeliveryStore(pool),
        urls={"slack": "https://slack.example.org/x", "webhook": "https://hook.example.org/x"},
        secret=SECRET,
        clock=set_clock,
        client=lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)),
    )

    await deliverer.remind(REMINDER, "msg_1")

    text = json.loads(sent["slack.example.org"].content)["text"]
    assert "<!channel>" not in text and "@ada" not in text and "*Raise*" not in text
    assert text.endswith(" https://a.example.org/actionItems/x")
    assert json.loads(sent["hook.example.org"].content) == REMINDER
    assert sent["hook.example.org"].headers["webhook-signature"] == signature(
        SECRET, "msg_1", set_clock.now(), sent["hook.example.org"].content
    )
