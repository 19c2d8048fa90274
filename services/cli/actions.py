"""`afteraction actions`: what reviews asked for."""

import csv
import sys
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1.action_item_pb2 import (
    ACTION_ITEM_STATE_DONE,
    ACTION_ITEM_STATE_OPEN,
    ActionItem,
    ActionItemState,
    Priority,
)
from afteraction.v1.action_item_service_pb2 import ListActionItemsRequest, UpdateActionItemRequest
from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceStub
from services.cli.connection import Connection, call
from services.cli.names import full_name
from services.cli.output import Json, Stream, console, enum_word, print_json, print_table

if TYPE_CHECKING:
    from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceAsyncStub

app = typer.Typer(help="Lists action items, marks them done, exports them.")
Owner = Annotated[str, typer.Option(help="Only of this owner.")]
Overdue = Annotated[bool, typer.Option("--overdue", help="Only open ones whose due date is over.")]
Everything = Annotated[bool, typer.Option("--all", help="Suggested, done and dropped ones, too.")]
_COLUMNS = ("name", "title", "owner", "due_date", "priority", "state", "category", "url", "postmortem", "incident")


def _stub(connection: Connection) -> "ActionItemServiceAsyncStub":
    return connection.stub(ActionItemServiceStub)


@app.command("list")
def list_items(
    owner: Owner = "",
    overdue: Overdue = False,
    everything: Everything = False,
    stream: Stream = "",
    is_json: Json = False,
) -> None:
    """Lists open action items."""
    found = _find(owner, overdue, everything, stream)
    if is_json:
        print_json(found)
        return
    print_table(
        ("action item", "title", "owner", "due", "priority", "state", "link"),
        [(each.name, each.title, each.owner, each.due_date, _priority(each), _state(each), each.url) for each in found],
        empty=f"No action item in stream {stream or 'live'}: publishing a post-mortem opens those that it lists.",
    )


@app.command()
def done(
    name: Annotated[str, typer.Argument(help="actionItems/ID, or the ID alone.")],
    by: Annotated[str, typer.Option("--by", help="Who says so.", default_factory=getuser)],
    is_json: Json = False,
) -> None:
    """Marks an action item done."""
    request = UpdateActionItemRequest(
        action_item=ActionItem(name=full_name("actionItems", name), state=ACTION_ITEM_STATE_DONE),
        update_mask=FieldMask(paths=["state"]),
        author=by,
    )
    item = call(lambda connection: _stub(connection).UpdateActionItem(request))
    if is_json:
        print_json(item)
    else:
        console.print(f"{item.name}: {item.title}: {_state(item)}", markup=False)


@app.command()
def export(
    owner: Owner = "",
    overdue: Overdue = False,
    everything: Everything = False,
    stream: Stream = "",
    is_json: Json = False,
) -> None:
    """Writes action items to standard output, as CSV or with --json as one JSON document, the same fields in both."""
    if is_json:
        print_json([_row(each) for each in _find(owner, overdue, everything, stream)])
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(_COLUMNS)
    for each in _find(owner, overdue, everything, stream):
        writer.writerow([_inert(cell) for cell in _row(each).values()])


def _find(owner: str, overdue: bool, everything: bool, stream: str) -> list[ActionItem]:
    async def work(connection: Connection) -> list[ActionItem]:
        found: list[ActionItem] = []
        token = ""
        while True:
            page = await _stub(connection).ListActionItems(
                ListActionItemsRequest(
                    owner=owner,
                    is_overdue=overdue,
                    stream=stream,
                    page_size=500,
                    page_token=token,
                    states=[] if everything or overdue else [ACTION_ITEM_STATE_OPEN],
                )
            )
            found.extend(page.action_items)
            token = page.next_page_token
            if not token:
                return found

    return call(work)


def _row(item: ActionItem) -> dict[str, str]:
    return {column: str(getattr(item, column)) for column in _COLUMNS} | {
        "priority": _priority(item), "state": _state(item)
    }


def _inert(cell: str) -> str:
    """A spreadsheet would run a cell that begins like a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell


def _state(item: ActionItem) -> str:
    return enum_word(ActionItemState.Name(item.state), "ACTION_ITEM_STATE_")


def _priority(item: ActionItem) -> str:
    return enum_word(Priority.Name(item.priority), "PRIORITY_") if item.priority else ""
