"""The incidents of a stream; an incident with its card, timeline and evidence."""

from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from afteraction.v1.card_service_pb2 import GetCardRequest
from afteraction.v1.incident_service_pb2 import GetIncidentRequest
from afteraction.v1.postmortem_pb2 import Postmortem
from afteraction.v1.postmortem_service_pb2 import GetPostmortemRequest, ListEvidenceRequest
from services.dashboard.api import list_request
from services.dashboard.desk import Desk, part
from services.dashboard.streams import LIVE
from shared.errors import NotFound

T = TypeVar("T")


def routes(desk: Desk) -> list[Route]:
    clients = desk.clients

    async def home(request: Request) -> Response:
        return RedirectResponse("/incidents", 307)

    async def listing(request: Request) -> Response:
        missing: list[str] = []
        asked = list_request(request, desk.settings.page_size)
        asked.stream = await desk.stream(request)
        found = await part(missing, "incidents", clients.incidents.ListIncidents(asked))
        return await desk.page(
            request, "incidents.html", missing=missing, incidents=found.incidents if found else [],
            next_page_token=found.next_page_token if found else "", stream=asked.stream,
            state=request.query_params.get("state", ""), severity=request.query_params.get("severity", ""),
            service=request.query_params.get("service", ""))

    async def incident(request: Request) -> Response:
        name = f"incidents/{request.path_params['id']}"
        found = await clients.incidents.GetIncident(GetIncidentRequest(name=name))
        missing: list[str] = []
        card = await _absent_is_none(part(missing, "card", clients.cards.GetCard(GetCardRequest(incident=name))))
        postmortem: Postmortem | None = await _absent_is_none(
            part(missing, "post-mortem", clients.postmortems.GetPostmortem(GetPostmortemRequest(name=name))))
        return await desk.page(request, "incident.html", missing=missing, incident=found, stream=found.stream or LIVE,
                               card=card.card if card else None, postmortem=postmortem)

    async def evidence(request: Request) -> Response:
        name = f"incidents/{request.path_params['id']}"
        found = await clients.postmortems.ListEvidence(ListEvidenceRequest(name=name))
        return await desk.page(request, "evidence.html", evidence=found.evidence, incident=name)

    return [Route("/", home), Route("/incidents", listing), Route("/incidents/{id}", incident),
            Route("/incidents/{id}/evidence", evidence)]


async def _absent_is_none(call: Awaitable[T | None]) -> T | None:
    """What `call` answers; None where there is none yet."""
    try:
        return await call
    except NotFound:
        return None
