"""What a person does to an incident: acknowledge, resolve, reopen, change severity or title, merge, split."""

from collections.abc import Awaitable, Callable, Mapping

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.incident_pb2 import Incident
from afteraction.v1.incident_service_pb2 import (
    AcknowledgeIncidentRequest,
    GetIncidentRequest,
    MergeIncidentsRequest,
    ReopenIncidentRequest,
    ResolveIncidentRequest,
    SplitIncidentRequest,
    UpdateIncidentRequest,
)
from services.dashboard import forms, query
from services.dashboard.desk import Desk, see_other
from services.dashboard.forms import Form
from shared.errors import InvalidArgument

# Takes the incident's name and the form; answers the incident to show then.
Action = Callable[[str, Form], Awaitable[Incident]]


def routes(desk: Desk) -> list[Route]:
    actions = _actions(desk)

    async def change(request: Request) -> Response:
        form = await forms.read(request, desk.guard)
        action, author = form.text("action"), form.author()
        if action not in actions:
            raise InvalidArgument(f"action {action[:40]!r} is none of {', '.join(actions)}", reason="BAD_PARAMETER",
                                  field="action")
        after = await actions[action](f"incidents/{request.path_params['id']}", form)
        response = see_other(f"/{after.name}?done=Saved")
        forms.remember_author(response, author, desk.guard)
        return response

    return [Route("/incidents/{id}", change, methods=["POST"])]


def _actions(desk: Desk) -> Mapping[str, Action]:
    incidents = desk.clients.incidents

    async def acknowledge(name: str, form: Form) -> Incident:
        return await incidents.AcknowledgeIncident(AcknowledgeIncidentRequest(name=name, responder=form.author()))

    async def resolve(name: str, form: Form) -> Incident:
        return await incidents.ResolveIncident(ResolveIncidentRequest(name=name, responder=form.author()))

    async def reopen(name: str, form: Form) -> Incident:
        return await incidents.ReopenIncident(ReopenIncidentRequest(name=name, responder=form.author()))

    async def update(name: str, form: Form) -> Incident:
        """What differs: a severity that nobody touched stays detection's to change."""
        present = await incidents.GetIncident(GetIncidentRequest(name=name))
        wanted = Incident(name=name, severity=query.severity(form.required("severity", "the severity")),
                          title=form.required("title", "the title"), etag=form.text("etag"))
        changed = [field for field in ("severity", "title") if getattr(wanted, field) != getattr(present, field)]
        if not changed:
            return present
        return await incidents.UpdateIncident(UpdateIncidentRequest(
            incident=wanted, update_mask=FieldMask(paths=changed), responder=form.author()))

    async def merge(name: str, form: Form) -> Incident:
        other = form.required("into", "the incident that stays").rpartition("/")[2]
        return await incidents.MergeIncidents(MergeIncidentsRequest(
            name=f"incidents/{other}", others=[name], responder=form.author()))

    async def split(name: str, form: Form) -> Incident:
        services = [service for service, _ in form.numbered("leaves")]
        if not services:
            raise InvalidArgument("no service is chosen that is to leave", reason="BAD_PARAMETER", field="leaves")
        return await incidents.SplitIncident(SplitIncidentRequest(
            name=name, services=services, responder=form.author(), etag=form.text("etag")))

    return {"acknowledge": acknowledge, "resolve": resolve, "reopen": reopen, "update": update, "merge": merge,
            "split": split}
