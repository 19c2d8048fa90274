"""The work that reviews asked for: what is open, late, done."""

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.action_item_pb2 import ActionItem, ActionItemState
from afteraction.v1.action_item_service_pb2 import ListActionItemsRequest, UpdateActionItemRequest
from services.dashboard import forms
from services.dashboard.desk import Desk, part, see_other
from shared.errors import InvalidArgument

_STATES = ("suggested", "open", "done", "dropped")


def routes(desk: Desk) -> list[Route]:
    action_items = desk.clients.action_items

    async def listing(request: Request) -> Response:
        parameters = request.query_params
        is_overdue = parameters.get("state") == "overdue"
        state = "" if is_overdue else parameters.get("state", "")
        missing: list[str] = []
        stream = await desk.stream(request)
        found = await part(missing, "action items", action_items.ListActionItems(ListActionItemsRequest(
            stream=stream, owner=parameters.get("owner", ""), is_overdue=is_overdue,
            states=[_state(state)] if state else [], page_size=desk.settings.page_size,
            page_token=parameters.get("page_token", ""))))
        return await desk.page(
            request, "action_items.html", missing=missing, stream=stream,
            action_items=found.action_items if found else [],
            next_page_token=found.next_page_token if found else "", owner=parameters.get("owner", ""),
            state=parameters.get("state", ""), states=("", "overdue", *_STATES),
            today=desk.clock.now().date().isoformat())

    async def change(request: Request) -> Response:
        form = await forms.read(request, desk.guard)
        author = form.author()
        item = ActionItem(name=f"actionItems/{request.path_params['id']}", state=_state(form.text("state")))
        await action_items.UpdateActionItem(UpdateActionItemRequest(
            action_item=item, update_mask=FieldMask(paths=["state"]), author=author))
        response = see_other("/action-items?done=Saved")
        forms.remember_author(response, author, desk.guard)
        return response

    return [Route("/action-items", listing), Route("/action-items/{id}", change, methods=["POST"])]


def _state(text: str) -> "ActionItemState.ValueType":
    if text not in _STATES:
        raise InvalidArgument(f"state {text!r} is none of {', '.join(_STATES)}", reason="BAD_PARAMETER", field="state")
    return ActionItemState.Value(f"ACTION_ITEM_STATE_{text.upper()}")
