"""Every door over HTTP in one ASGI application: OTLP, remote write, webhooks, health."""

import asyncio
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.ingestion import otlp_http, remote_write
from services.ingestion.entrance import Entrance
from services.ingestion.http_bodies import Bodies
from services.ingestion.reception import Reception
from services.ingestion.recorder import Recorder
from services.ingestion.settings import Settings
from services.ingestion.webhooks import server as webhooks
from shared.clock import Clock
from shared.offload import Offload


def application(*, entrance: Entrance, reception: Reception, recorder: Recorder, bodies: Bodies, offload: Offload,
                settings: Settings, clock: Clock, stopping: asyncio.Event) -> Starlette:
    """What listens on the address for OTLP over HTTP. stopping: once set, health says so."""

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("NOT_SERVING\n" if stopping.is_set() else "SERVING\n",
                                 503 if stopping.is_set() else 200)

    routes = [Route("/healthz", healthz),
              *otlp_http.routes(entrance, reception=reception, bodies=bodies, offload=offload),
              *remote_write.routes(entrance, reception=reception, bodies=bodies),
              *webhooks.routes(entrance, settings=settings, recorder=recorder, bodies=bodies, offload=offload,
                               clock=clock)]

    async def refused(request: Request, error: Exception) -> Response:
        """A path or a method that there is not."""
        code = error.status_code if isinstance(error, HTTPException) else 500
        paths = ", ".join(dict.fromkeys(route.path for route in routes))
        ways_out = {404: f"there is no {request.url.path[:100]}; there are {paths}",
                    405: f"{request.method} is not answered at {request.url.path}; send a POST"}
        return PlainTextResponse(f"{ways_out.get(code, HTTPStatus(code).phrase)}\n", code,
                                 getattr(error, "headers", None))

    return Starlette(routes=routes, exception_handlers={HTTPException: refused})
