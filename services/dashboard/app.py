"""The dashboard as an ASGI application: routes, the guard before them, errors as pages or JSON."""

import asyncio

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from services.dashboard import api, webhooks
from services.dashboard.desk import Desk
from services.dashboard.errors import body_of, status_of
from services.dashboard.pages import (
    action_items,
    incident_form,
    incidents,
    insights,
    postmortems,
    review,
    runbooks,
    search,
    session,
)
from services.dashboard.rendering import HERE
from services.dashboard.security import Guarded
from shared.errors import AfteractionError, Internal, NotFound
from shared.telemetry.logs import logger

log = logger(__name__)


def application(desk: Desk, stopping: asyncio.Event) -> Starlette:
    """Everything that the dashboard answers. `stopping` ends the streams that never end by themselves."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("SERVING\n" if not stopping.is_set() else "NOT_SERVING\n",
                                 503 if stopping.is_set() else 200)

    async def failed(request: Request, error: Exception) -> Response:
        told = error if isinstance(error, AfteractionError) else _no_such_page(request)
        return await _answer(desk, request, told)

    async def crashed(request: Request, error: Exception) -> Response:
        # The outermost place: said once, with its trace; the reader learns nothing of our insides.
        log.error("page failed", error, **{"http.route": request.url.path})
        return await _answer(desk, request, Internal("this page has a defect; the dashboard's log has its trace",
                                                     reason="PAGE_FAILED"))

    return Starlette(
        routes=[
            Route("/healthz", healthz), *api.routes(desk, stopping), *incidents.routes(desk),
            *incident_form.routes(desk), *postmortems.routes(desk), *review.routes(desk), *action_items.routes(desk),
            *insights.routes(desk), *runbooks.routes(desk), *search.routes(desk), *session.routes(desk),
            *webhooks.routes(desk),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(Guarded, guard=desk.guard)],
        exception_handlers={AfteractionError: failed, 404: failed, 405: failed, Exception: crashed},
    )


def _no_such_page(request: Request) -> AfteractionError:
    return NotFound(f"there is no page {request.url.path}", reason="NO_SUCH_PAGE", resource=request.url.path)


async def _answer(desk: Desk, request: Request, error: AfteractionError) -> Response:
    if request.url.path.startswith(("/api/", "/webhooks/")):
        return api.answer(body_of(error), status_of(error))
    return await desk.page(request, "error.html", status=status_of(error), error=error)
