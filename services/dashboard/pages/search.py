"""Search over what was learnt."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.memory_service_pb2 import GiveFeedbackRequest, Query
from services.dashboard import forms, query
from services.dashboard.desk import Desk, part, see_other


def routes(desk: Desk) -> list[Route]:
    memory = desk.clients.memory

    async def search(request: Request) -> Response:
        parameters = request.query_params
        missing: list[str] = []
        found = None
        stream = await desk.stream(request)
        if parameters.get("q"):
            repeated = {name: parameters.getlist(name) for name in ("kind", "service", "tag", "severity")}
            asked = query.search_request({**parameters, "stream": stream}, repeated)
            found = await part(missing, "search", memory.SearchSimilar(asked))
        return await desk.page(
            request, "search.html", missing=missing, stream=stream, found=found, q=parameters.get("q", ""),
            kind=parameters.get("kind", ""), service=parameters.get("service", ""), tag=parameters.get("tag", ""),
            severity=parameters.get("severity", ""), include_weak=parameters.get("include_weak", "") == "1")

    async def feedback(request: Request) -> Response:
        form = await forms.read(request, desk.guard)
        author = form.author()
        await memory.GiveFeedback(GiveFeedbackRequest(
            document=form.required("document", "the document"), query=Query(text=form.required("q", "the query")),
            is_helpful=form.text("helpful") == "yes", author=author))
        response = see_other(f"/search?{form.text('back')}")
        forms.remember_author(response, author, desk.guard)
        return response

    return [Route("/search", search), Route("/search/feedback", feedback, methods=["POST"])]
