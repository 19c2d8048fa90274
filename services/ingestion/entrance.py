"""What every door over HTTP does around its own work: who may come in, what a refusal looks like, what is counted."""

import hmac
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.ingestion.doors import Doors
from services.ingestion.http_answers import TOLD, code_of, headers_of, json_of, told
from services.ingestion.reception import STREAM_KEY, Origin
from services.ingestion.watermark import LIVE
from shared.clock import Clock
from shared.errors import AfteractionError, Internal, Unauthenticated
from shared.telemetry.logs import logger

log = logger(__name__)

Work = Callable[[Request], Awaitable[Response]]
Refusal = Callable[[Request, AfteractionError], Response]


class Entrance:
    """Wraps the work of doors. token: empty where everybody on this machine may come in."""

    def __init__(self, *, doors: Doors, token: str, clock: Clock) -> None:
        self._doors = doors
        self._token = token
        self._clock = clock

    def endpoint(self, door: str, work: Work, refusal: Refusal | None = None, *, needs_token: bool = True) -> Work:
        """An endpoint that answers what `work` returns, and what it raises as `refusal` puts it.

        needs_token: False where `work` checks a signature instead.
        """
        refuse = refusal or refuse_as_json

        async def serve(request: Request) -> Response:
            try:
                with self._doors.counting(door, self._clock):
                    self._admit(request, needs_token)
                    return await work(request)
            except TOLD as error:
                return refuse(request, told(error))
            except Exception as error:
                # The outermost place: said once with its trace; the sender learns nothing of our insides.
                log.error("request failed", error, door=door)
                return refuse(request, Internal("a defect on our side; the log of ingestion has the trace",
                                                reason="INTERNAL"))
        return serve

    def _admit(self, request: Request, needs_token: bool) -> None:
        # A browser names the page that sends. None of our senders is one, and a page of somebody else's must not reach
        # a door on its reader's own machine.
        if "origin" in request.headers:
            raise Unauthenticated("browsers cannot send here; let an OpenTelemetry Collector stand between",
                                  reason="FROM_A_BROWSER")
        if needs_token and self._token:
            given = request.headers.get("authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
                raise Unauthenticated("no valid token: send «Authorization: Bearer TOKEN» with the value of "
                                      "AFTERACTION_TOKEN", reason="BAD_TOKEN")


def origin(request: Request, door: str) -> Origin:
    """Host, user agent and stream of a sender."""
    return Origin(door, request.client.host if request.client else "", request.headers.get("user-agent", ""),
                  request.headers.get(STREAM_KEY) or LIVE)


def refuse_as_json(request: Request, error: AfteractionError) -> Response:
    """A refusal as google.rpc.Status in JSON."""
    return JSONResponse(json_of(error), code_of(error), headers_of(error))
