"""What every page needs at hand, and how a page is answered."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.dashboard.clients import Clients
from services.dashboard.forms import author_of
from services.dashboard.security import Guard
from services.dashboard.settings import Settings
from services.dashboard.streams import Streams, default, listed
from shared.clock import Clock
from shared.errors import DeadlineExceeded, Unavailable, Unimplemented
from shared.offload import Offload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Desk:
    """The collaborators of the pages."""

    clients: Clients
    templates: Environment
    guard: Guard
    settings: Settings
    clock: Clock
    offload: Offload
    streams: Streams

    async def stream(self, request: Request) -> str:
        """The stream that a page of many is to show: the one asked for, else the one that has something to show."""
        asked = request.query_params.get("stream", "").strip()[:128]
        return asked or default(await self.streams.known())

    async def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """The template with `values`, and what the frame of every page asks for."""
        frame = {
            "path": request.url.path,
            "csrf": self.guard.csrf(request.scope.get("session_cookie", "")),
            "author": author_of(request),
            "has_token": bool(self.guard.token),
            "missing": [],
            "notice": request.query_params.get("done", "")[:200],
        }
        if "stream" not in values:
            frame["stream"] = await self.stream(request)
        if "streams" not in values:
            frame["streams"] = listed(await self.streams.known(), str((frame | values)["stream"]))
        html = await self.offload.run(self.templates.get_template(template).render, frame | values)
        return HTMLResponse(html, status)


def see_other(path: str) -> Response:
    """After a form: on to the page that shows what it did."""
    return RedirectResponse(path, 303)


async def part(missing: list[str], what: str, call: Awaitable[T]) -> T | None:
    """What `call` answers; None where its service is away, which is then said in `missing`."""
    try:
        return await call
    except (Unavailable, DeadlineExceeded, Unimplemented) as error:
        missing.append(f"{what}: {error.message}")
        return None
