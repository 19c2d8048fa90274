"""Reminders as their receivers get them."""

import json

import httpx2 as httpx
import pytest

from services.drafting.delivery import Deliverer, signature
from services.drafting.store.deliveries import DeliveryStore
from shared.clock import SetClock
from shared.errors import InvalidArgument
from tests.conftest import PoolFor

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
REMINDER = {
    "type": "action_item.due",
    "text": "<!channel> @ada *Raise* the limit is due today https://a.example.org/actionItems/x",
    "link": "https://a.example.org/actionItems/x",
}


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


def test_secret_that_is_no_base64_is_named(set_clock: SetClock) -> None:
    with pytest.raises(InvalidArgument, match="base64"):
        signature("whsec_!", "msg_1", set_clock.now(), b"")
