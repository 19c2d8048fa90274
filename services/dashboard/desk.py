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
from shared.clock import Clock
from shared.errors import DeadlineExceeded, Unavailable, Unimplemented
from shared.offload import Offload

LIVE = "live"
EVERY_STREAM = "-"
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

    async def page(self, request: Request, template: str, *, status: int = 200, **values: Any) -> Response:
        """The template with `values`, and what the frame of every page asks for."""
        frame = {
            "path": request.url.path,
            "stream": stream_of(request),
            "csrf": self.guard.csrf(request.scope.get("session_cookie", "")),
            "author": author_of(request),
            "has_token": bool(self.guard.token),
            "missing": [],
            "notice": request.query_params.get("done", "")[:200],
        }
        html = await self.offload.run(self.templates.get_template(template).render, frame | values)
        return HTMLResponse(html, status)


def stream_of(request: Request) -> str:
    """The stream that the page shows; `live` unless told otherwise."""
    return request.query_params.get("stream", "").strip()[:128] or LIVE


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
