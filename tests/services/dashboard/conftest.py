# The services behind answer only what the dashboard asks.
# mypy: disable-error-code="abstract"
"""A dashboard over real gRPC, and a browser that keeps cookies."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx2 as httpx
import pytest

from services.dashboard.app import application
from services.dashboard.clients import clients
from services.dashboard.desk import Desk
from services.dashboard.rendering import environment
from services.dashboard.security import guard
from services.dashboard.settings import Settings
from services.dashboard.streams import Streams
from shared.clock import SetClock
from shared.offload import Offload
from tests.services.dashboard.behind import Behind

Serve = Callable[..., Awaitable]  # type: ignore[type-arg]
Open = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.fixture
def behind() -> Behind:
    return Behind()


@pytest.fixture
async def open_dashboard(behind: Behind, serve: Serve, set_clock: SetClock) -> AsyncIterator[Open]:
    """`await open_dashboard(token="")`: a browser at a dashboard over `behind`."""
    opened: list[httpx.AsyncClient] = []
    with Offload(1) as offload:

        async def start(*, token: str = "", host: str = "127.0.0.1") -> httpx.AsyncClient:
            channel = await serve(behind.register)
            desk = Desk(
                clients=(served := clients(channel, channel, channel)),
                streams=Streams(served.incidents, set_clock),
                templates=environment(),
                settings=Settings(),
                clock=set_clock,
                offload=offload,
                guard=guard(
                    token,
                    clock=set_clock,
                    lifetime=timedelta(hours=1),
                    address="127.0.0.1:7400",
                    hosts=(),
                    is_secure=False,
                ),
            )
            app = application(desk, asyncio.Event())
            browser = httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False),
                base_url=f"http://{host}",
                headers={"accept": "text/html"},
            )
            opened.append(browser)
            return browser

        yield start
        for each in opened:
            await each.aclose()


def csrf(page: str) -> str:
    """The token in the page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "the page has no form"
    return found.group(1)
