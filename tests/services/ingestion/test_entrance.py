"""Who may come in over HTTP, and what a refusal looks like."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.ingestion.doors import Doors
from services.ingestion.entrance import Entrance
from shared.clock import SetClock
from shared.errors import FailedPrecondition, ResourceExhausted

Knock = Callable[..., Awaitable[httpx2.Response]]


@pytest.fixture
def doors() -> Doors:
    return Doors({})


@pytest.fixture
def knock(doors: Doors, set_clock: SetClock) -> Knock:
    """A request to a door whose work raises `error`, where one is given."""
    async def send(*, token: str = "", error: Exception | None = None, needs_token: bool = True,
                   **headers: str) -> httpx2.Response:
        async def work(request: Request) -> Response:
            if error is not None:
                raise error
            return Response(None, 204)
        entrance = Entrance(doors=doors, token=token, clock=set_clock)
        app = Starlette(routes=[Route("/", entrance.endpoint("otlp-http", work, needs_token=needs_token))])
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get("/", headers=headers)
    return send


async def test_who_shows_the_token_comes_in(knock: Knock) -> None:
    assert (await knock(token="secret", authorization="Bearer secret")).status_code == 204


@pytest.mark.parametrize("given", ["", "Bearer wrong", "Basic secret", "bearer"])
async def test_who_does_not_is_told_how(knock: Knock, doors: Doors, given: str) -> None:
    answer = await knock(token="secret", authorization=given)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer" in answer.json()["message"]
    assert doors["otlp-http"].rejected_requests == 1


async def test_a_door_that_checks_signatures_asks_for_no_token(knock: Knock) -> None:
    assert (await knock(token="secret", needs_token=False)).status_code == 204


@pytest.mark.parametrize(("error", "code", "retry_after"), [
    (ConnectionRefusedError("nobody there"), 503, "1"),
    (ResourceExhausted("busy", reason="TOO_BUSY", retry_after_s=0.2), 429, "1"),
    (FailedPrecondition("the stream is closed", reason="STREAM_CLOSED"), 400, None)])
async def test_only_what_may_be_sent_again_says_when(knock: Knock, error: Exception, code: int,
                                                     retry_after: str | None) -> None:
    answer = await knock(error=error)

    assert (answer.status_code, answer.headers.get("retry-after")) == (code, retry_after)


async def test_a_defect_of_ours_is_a_500_that_leaks_nothing(knock: Knock) -> None:
    answer = await knock(error=ZeroDivisionError("the secret"))

    assert answer.status_code == 500
    assert "secret" not in answer.text
