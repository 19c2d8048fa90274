"""Sends what the outbox holds: signed as in Standard Webhooks, or to a Slack-compatible incoming webhook.

A receiver that does not answer with success is tried again with longer and longer waits, some two days in all, and not
before it said it wants to be; then the message stays as a dead letter. One that answers 410 (gone) is not tried again.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import httpx2 as httpx
import orjson

from services.drafting.cards.slack import plain
from services.drafting.store.deliveries import Delivery, DeliveryStore
from shared.clock import Clock
from shared.errors import AfteractionError, FailedPrecondition, InvalidArgument, Unavailable
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)

# Waits between tries, as Standard Webhooks proposes; after the last one it is dead.
WAITS = tuple(timedelta(seconds=s) for s in (1, 5, 60, 300, 1800, 7200, 18000, 36000, 50400, 72000))
_IDLE_S, _TIMEOUT_S = 5.0, 10.0


def signature(secret: str, webhook_id: str, at: datetime, body: bytes) -> str:
    """The header `webhook-signature`: HMAC-SHA256 of id, Unix time and body. Raises InvalidArgument on a bad secret."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise InvalidArgument(
            f"webhook_secret is not base64 after whsec_: {error}", reason="MALFORMED_SECRET", field="webhook_secret"
        ) from error
    signed = f"{webhook_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Deliverer:
    """Works off the deliveries. urls: by target."""

    def __init__(self, *, deliveries: DeliveryStore, urls: Mapping[str, str], secret: str, clock: Clock,
                 client: Callable[[], httpx.AsyncClient] | None = None) -> None:
        self._deliveries = deliveries
        self._urls = dict(urls)
        self._secret = secret
        self._clock = clock
        self._open = client or _client

    async def run(self) -> None:
        """Until it is cancelled."""
        async with self._open() as client:
            while True:
                with suppress(*AWAY):
                    await self.work_off(client)
                await asyncio.sleep(_IDLE_S if self._urls else 3600.0)

    async def work_off(self, client: httpx.AsyncClient) -> int:
        """Tries everything that is due, once; returns how much was taken."""
        due = await self._deliveries.due(self._clock.now())
        results = await asyncio.gather(*(self._try(client, delivery) for delivery in due))
        return sum(results)

    async def send(self, client: httpx.AsyncClient, target: str, webhook_id: str, body: bytes) -> None:
        """Sends one message. Raises Unavailable when it was not taken, FailedPrecondition when none ever will be."""
        url = self._urls.get(target)
        if url is None:
            raise Unavailable(f"no address is configured for {target}", reason="NO_WEBHOOK")
        headers = {"content-type": "application/json"}
        if target == "webhook":
            at = self._clock.now()
            headers |= {
                "webhook-id": webhook_id,
                "webhook-timestamp": str(int(at.timestamp())),
                "webhook-signature": signature(self._secret, webhook_id, at, body),
            }
        try:
            answer = await client.post(url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{target} could not be reached: {type(error).__name__}", reason="WEBHOOK_AWAY"
            ) from error
        if answer.status_code == httpx.codes.GONE:
            raise FailedPrecondition(f"{target} answered 410: it wants no more", reason="WEBHOOK_GONE")
        if not answer.is_success:
            raise Unavailable(
                f"{target} answered {answer.status_code}",
                reason="WEBHOOK_REFUSED",
                retry_after_s=_seconds(answer.headers.get("retry-after", "")),
            )

    async def remind(self, payload: Mapping[str, object], webhook_id: str) -> None:
        """Sends a reminder to every target. Raises Unavailable when one did not take it."""
        async with self._open() as client:
            for target in self._urls:
                await self.send(client, target, webhook_id, orjson.dumps(_for(target, payload)))

    async def _try(self, client: httpx.AsyncClient, delivery: Delivery) -> bool:
        now = self._clock.now()
        try:
            await self.send(client, delivery.target, delivery.webhook_id, delivery.body)
        except (Unavailable, FailedPrecondition) as error:
            again = _again(error, delivery.attempts, now)
            await self._deliveries.failed(delivery, error.message, again, now)
            if again is None:
                log.error("delivery dead", webhook_id=delivery.webhook_id, target=delivery.target)
            return False
        await self._deliveries.delivered(delivery, now)
        return True


def _for(target: str, payload: Mapping[str, object]) -> Mapping[str, object]:
    """A reminder as the target takes it. Titles are people's words: in Slack they call nobody and link nowhere."""
    if target != "slack":
        return payload
    link = str(payload.get("link", ""))
    words = plain(str(payload.get("text", "")).removesuffix(f" {link}"))
    return {"text": f"{words} {link}".strip()}


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False)


def _again(error: AfteractionError, attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts before this one; None where it is given up."""
    if isinstance(error, FailedPrecondition) or attempts >= len(WAITS):
        return None
    asked = timedelta(seconds=min(error.retry_after_s or 0.0, WAITS[-1].total_seconds()))
    return now + max(WAITS[attempts], asked)


def _seconds(header: str) -> float | None:
    """Retry-After in seconds; its other form, a date, is left to our own waits."""
    return float(header) if header.isdecimal() else None
