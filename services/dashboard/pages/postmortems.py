"""Post-mortems: the list, one to read, its revisions and differences, its exports."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.card_service_pb2 import Format
from afteraction.v1.postmortem_pb2 import PostmortemState
from afteraction.v1.postmortem_service_pb2 import (
    DiffPart,
    DiffRevisionsRequest,
    ExportPostmortemRequest,
    GetPostmortemRequest,
    ListAuditEntriesRequest,
    ListPostmortemsRequest,
    ListRevisionsRequest,
)
from services.dashboard.desk import Desk, part
from services.dashboard.streams import LIVE
from shared.errors import InvalidArgument

# HTML is shown as a download too: what a person wrote never runs on our own origin.
_FORMATS = {"md": Format.FORMAT_MARKDOWN, "html": Format.FORMAT_HTML, "json": Format.FORMAT_JSON}


def routes(desk: Desk) -> list[Route]:
    postmortems = desk.clients.postmortems

    async def listing(request: Request) -> Response:
        parameters = request.query_params
        stream = await desk.stream(request)
        asked = ListPostmortemsRequest(
            stream=stream, page_size=desk.settings.page_size,
            service=parameters.get("service", ""), page_token=parameters.get("page_token", ""),
            tag=parameters.get("tag", ""), query=parameters.get("q", ""),
            states=[_state(each) for each in parameters.getlist("state") if each])
        missing: list[str] = []
        found = await part(missing, "post-mortems", postmortems.ListPostmortems(asked))
        return await desk.page(
            request, "postmortems.html", missing=missing, stream=stream, postmortems=found.postmortems if found else [],
            next_page_token=found.next_page_token if found else "", q=parameters.get("q", ""),
            state=parameters.get("state", ""), service=parameters.get("service", ""), tag=parameters.get("tag", ""))

    async def postmortem(request: Request) -> Response:
        found = await postmortems.GetPostmortem(GetPostmortemRequest(name=_name(request)))
        return await desk.page(request, "postmortem.html", postmortem=found, stream=found.stream or LIVE)

    async def revisions(request: Request) -> Response:
        name = _name(request)
        found = await postmortems.ListRevisions(ListRevisionsRequest(name=name, page_size=200))
        audit = await postmortems.ListAuditEntries(ListAuditEntriesRequest(name=name))
        numbers = [each.number for each in found.revisions] or [1]
        older = _number(request, "from", max(1, max(numbers) - 1))
        newer = _number(request, "to", max(numbers))
        diff = (await postmortems.DiffRevisions(DiffRevisionsRequest(name=name, **{"from": older, "to": newer}))).parts
        return await desk.page(request, "revisions.html", name=name, revisions=found.revisions, audit=audit.entries,
                               older=older, newer=newer, diff=diff, change=DiffPart.Change)

    async def export(request: Request) -> Response:
        name, wanted = _name(request), request.path_params["format"]
        if wanted not in _FORMATS:
            raise InvalidArgument(f"format {wanted!r} is none of {', '.join(_FORMATS)}", reason="BAD_PARAMETER",
                                  field="format")
        found = await postmortems.ExportPostmortem(ExportPostmortemRequest(name=name, format=_FORMATS[wanted]))
        filename = f"{name.replace('/', '-')}.{wanted}"
        return Response(found.content, media_type=found.media_type or "text/plain",
                        headers={"Content-Disposition": f'attachment; filename="{filename}"'})

    return [Route("/postmortems", listing), Route("/postmortems/{id}", postmortem),
            Route("/postmortems/{id}/revisions", revisions), Route("/postmortems/{id}/export.{format}", export)]


def _name(request: Request) -> str:
    return f"postmortems/{request.path_params['id']}"


def _state(text: str) -> "PostmortemState.ValueType":
    try:
        return PostmortemState.Value(f"POSTMORTEM_STATE_{text.upper()}")
    except ValueError:
        raise InvalidArgument(f"state {text!r} is none of draft, in_review, published, amended",
                              reason="BAD_PARAMETER", field="state") from None


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or not 1 <= int(text[:9]) < 2**31:
        raise InvalidArgument(f"{name} {text[:40]!r} is not the number of a revision", reason="BAD_PARAMETER",
                              field=name)
    return int(text)
