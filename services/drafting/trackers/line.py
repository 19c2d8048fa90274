"""The line to a tracker: sends a conversation's requests over HTTP, and tells what certainly was not done from what may
have been. The token is added here, and stands in no error and no log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import httpx2 as httpx

from services.drafting.trackers.issue import IN_DOUBT, NEVER_SENT, Answer, Conversation, Request
from shared.clock import Clock
from shared.errors import Unavailable

T = TypeVar("T")
TIMEOUT_S = 15.0
# An issue's text has at most some 65 kB; a hundred of them on a page.
_MOST_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where the tracker's interface is, and what proves who we are."""

    url: str
    headers: Mapping[str, str] = field(repr=False, default_factory=dict)


class Line:
    """Holds conversations, one request after the other."""

    def __init__(self, address: Address, client: httpx.AsyncClient, clock: Clock, *, name: str) -> None:
        self._address = address
        self._client = client
        self._clock = clock
        self._name = name

    async def hold(self, conversation: Conversation[T]) -> T:
        """What the conversation comes to. Raises what it raises, and Unavailable: NEVER_SENT or IN_DOUBT."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self._ask(request))
        except StopIteration as end:
            result: T = end.value
            return result

    async def _ask(self, request: Request) -> Answer:
        url = self._address.url.rstrip("/") + request.path
        try:
            async with self._client.stream(
                request.method, url, json=request.json, params=dict(request.params), headers=dict(self._address.headers)
            ) as answer:
                body = bytearray()
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > _MOST_BYTES:
                        raise self._unavailable("answered more than 16 MiB", IN_DOUBT)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Answer(answer.status_code, headers, bytes(body), self._clock.now())
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise self._unavailable(f"could not be reached: {type(error).__name__}", NEVER_SENT) from None
        except httpx.HTTPError as error:
            # Without its words and cause: they may hold the request.
            raise self._unavailable(f"did not answer: {type(error).__name__}", IN_DOUBT) from None

    def _unavailable(self, what: str, reason: str) -> Unavailable:
        return Unavailable(f"{self._name} {what}", reason=reason)


def open_client(timeout_s: float = TIMEOUT_S) -> httpx.AsyncClient:
    """A client that follows no redirect: the token goes to the configured address only."""
    return httpx.AsyncClient(timeout=timeout_s, follow_redirects=False)
