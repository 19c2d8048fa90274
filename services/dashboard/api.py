"""JSON over HTTP, for other people's dashboards and services: similar incidents, incidents, as they change."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.card_service_pb2 import GetCardRequest, WatchCardsRequest
from afteraction.v1.incident_pb2 import Incident, IncidentState
from afteraction.v1.incident_service_pb2 import GetIncidentRequest, ListIncidentsRequest, WatchIncidentsRequest
from afteraction.v1.memory_service_pb2 import (
    SearchSimilarRequest,
    SearchSimilarResponse,
    WatchSimilarRequest,
)
from services.dashboard import query, stream
from services.dashboard.desk import Desk
from shared.errors import DeadlineExceeded, InvalidArgument, NotFound, Unavailable

_MAX_BODY_BYTES = 256 * 1024


def as_json(message: Message) -> dict[str, Any]:
    """A message with the names of the proto; 64-bit counters as numbers, which they fit for some 10^15 steps."""
    data: dict[str, Any] = MessageToDict(message, preserving_proto_field_name=True)
    for name in ("position", "version"):
        if name in data:
            data[name] = int(data[name])
    return data


def similar_json(response: SearchSimilarResponse) -> dict[str, Any]:
    """The answer of a search; `results` stands there even when it is empty, for that is the answer then."""
    return {"results": [], "position": 0, "version": 0} | as_json(response)


def answer(data: object, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")


def routes(desk: Desk, stopping: asyncio.Event) -> list[Route]:
    """Everything under /api/v1."""
    clients = desk.clients

    async def search(request: Request) -> Response:
        return answer(similar_json(await clients.memory.SearchSimilar(await _search(request, desk))))

    async def watch_similar(request: Request) -> Response:
        asked = await _search(request, desk)

        async def begin() -> AsyncIterator[stream.Event]:
            async for response in clients.memory.WatchSimilar(WatchSimilarRequest(search=asked)):
                yield "similar", str(response.version), similar_json(response)
        return stream.answer(begin, stopping)

    async def incidents(request: Request) -> Response:
        response = await clients.incidents.ListIncidents(list_request(request, desk.settings.page_size))
        return answer({"incidents": [as_json(each) for each in response.incidents],
                       "next_page_token": response.next_page_token})

    async def incident(request: Request) -> Response:
        name = f"incidents/{request.path_params['id']}"
        return answer(as_json(await clients.incidents.GetIncident(GetIncidentRequest(name=name))))

    async def card(request: Request) -> Response:
        name = f"incidents/{request.path_params['id']}"
        return answer(as_json((await clients.cards.GetCard(GetCardRequest(incident=name))).card))

    async def watch_incidents(request: Request) -> Response:
        asked = WatchIncidentsRequest(stream=request.query_params.get("stream", ""), from_now=True)

        async def begin() -> AsyncIterator[stream.Event]:
            async for change in clients.incidents.WatchIncidents(asked):
                yield "incident", str(change.position), {
                    "name": change.incident.name, "state": IncidentState.Name(change.incident.state)}
        return stream.answer(begin, stopping)

    async def watch_card(request: Request) -> Response:
        asked = WatchCardsRequest(incident=f"incidents/{request.path_params['id']}")

        async def begin() -> AsyncIterator[stream.Event]:
            async for change in clients.cards.WatchCards(asked):
                yield "card", str(change.position), {"name": change.card.name, "version": change.card.version}
        return stream.answer(begin, stopping)

    return [
        Route("/api/v1/similar", search, methods=["GET", "POST"]),
        Route("/api/v1/similar/watch", watch_similar),
        Route("/api/v1/incidents", incidents),
        Route("/api/v1/incidents/watch", watch_incidents),
        Route("/api/v1/incidents/{id}", incident),
        Route("/api/v1/incidents/{id}/card", card),
        Route("/api/v1/incidents/{id}/card/watch", watch_card),
    ]


def list_request(request: Request, page_size: int) -> ListIncidentsRequest:
    """Which incidents an address asks for: `stream`, `state`, `service`, `severity`, `page_token`."""
    parameters = request.query_params
    asked = ListIncidentsRequest(stream=parameters.get("stream", ""), service=parameters.get("service", ""),
                                 page_token=parameters.get("page_token", ""), page_size=page_size)
    for state in parameters.getlist("state"):
        if not state:
            continue
        try:
            asked.states.append(IncidentState.Value(f"INCIDENT_STATE_{state.upper()}"))
        except ValueError:
            raise InvalidArgument(f"state {state!r} is none of open, acknowledged, resolved, merged",
                                  reason="BAD_PARAMETER", field="state") from None
    asked.severities.extend(query.severity(each) for each in parameters.getlist("severity") if each)
    return asked


async def _search(request: Request, desk: Desk) -> SearchSimilarRequest:
    """The search that an address or a JSON body asks for."""
    if request.method == "POST":
        body = await request.body()
        if len(body) > _MAX_BODY_BYTES:
            raise InvalidArgument(f"the body is longer than {_MAX_BODY_BYTES} bytes", reason="BODY_TOO_LARGE")
        try:
            return ParseDict(orjson.loads(body), SearchSimilarRequest())
        except (orjson.JSONDecodeError, ParseError) as error:
            raise InvalidArgument(f"the body is no SearchSimilarRequest: {error}", reason="BAD_BODY") from error
    parameters = request.query_params
    query.check_known(parameters)
    repeated = {name: parameters.getlist(name) for name in ("kind", "service", "tag", "severity")}
    if not parameters.get("incident"):
        return query.search_request(parameters, repeated)
    name = parameters["incident"]
    incident: Incident = await desk.clients.incidents.GetIncident(
        GetIncidentRequest(name=name if "/" in name else f"incidents/{name}"))
    try:
        card = (await desk.clients.cards.GetCard(GetCardRequest(incident=incident.name))).card
    except (NotFound, Unavailable, DeadlineExceeded):
        card = None  # the incident alone makes a query, a poorer one
    return query.search_request({"stream": incident.stream} | dict(parameters), repeated,
                                query.from_incident(incident, card))
