"""The runbook library: steps, proposals as diffs, a person's edits."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.memory_service_pb2 import (
    AcceptRunbookProposalRequest,
    GetDocumentRequest,
    GetRunbookRequest,
    ListRunbookRevisionsRequest,
    ListRunbooksRequest,
    RejectRunbookProposalRequest,
    UpdateRunbookRequest,
)
from services.dashboard import forms
from services.dashboard.desk import Desk, part, see_other
from services.dashboard.streams import LIVE
from shared.errors import InvalidArgument


def routes(desk: Desk) -> list[Route]:
    memory = desk.clients.memory

    async def listing(request: Request) -> Response:
        missing: list[str] = []
        parameters = request.query_params
        stream = await desk.stream(request)
        found = await part(missing, "runbooks", memory.ListRunbooks(ListRunbooksRequest(
            page_size=desk.settings.page_size, page_token=parameters.get("page_token", ""),
            service=parameters.get("service", ""), stream=stream)))
        return await desk.page(request, "runbooks.html", missing=missing, stream=stream,
                               runbooks=found.runbooks if found else [],
                               next_page_token=found.next_page_token if found else "",
                               service=parameters.get("service", ""))

    async def runbook(request: Request) -> Response:
        name = f"runbooks/{request.path_params['id']}"
        found = await memory.GetRunbook(GetRunbookRequest(name=name))
        missing: list[str] = []
        revisions = await part(missing, "revisions",
                               memory.ListRunbookRevisions(ListRunbookRevisionsRequest(name=name)))
        return await desk.page(request, "runbook.html", missing=missing, runbook=found, stream=found.stream or LIVE,
                               revisions=revisions.revisions if revisions else [])

    async def edit(request: Request) -> Response:
        name = f"runbooks/{request.path_params['id']}"
        form = await forms.read(request, desk.guard)
        author, action = form.author(), form.text("action")
        if action == "save":
            await memory.UpdateRunbook(UpdateRunbookRequest(
                name=name, markdown=form.whole("markdown"), author=author, etag=form.required("etag", "the etag")))
        elif action == "accept":
            await memory.AcceptRunbookProposal(AcceptRunbookProposalRequest(
                name=name, proposal=form.required("proposal", "the proposal"), author=author))
        elif action == "reject":
            await memory.RejectRunbookProposal(RejectRunbookProposalRequest(
                name=name, proposal=form.required("proposal", "the proposal"), author=author))
        else:
            raise InvalidArgument(f"action {action!r} is none of save, accept, reject", reason="BAD_PARAMETER",
                                  field="action")
        response = see_other(f"/{name}?done=Saved")
        forms.remember_author(response, author, desk.guard)
        return response

    async def document(request: Request) -> Response:
        found = await memory.GetDocument(GetDocumentRequest(name=f"documents/{request.path_params['id']}"))
        return await desk.page(request, "document.html", document=found, stream=found.stream or LIVE)

    return [Route("/runbooks", listing), Route("/runbooks/{id}", runbook),
            Route("/runbooks/{id}", edit, methods=["POST"]), Route("/documents/{id}", document)]
