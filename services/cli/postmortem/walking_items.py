"""One action item at a time: accepted as it is, changed, completed or dropped."""

import datetime
from typing import TYPE_CHECKING

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1.action_item_pb2 import (
    ACTION_ITEM_STATE_DROPPED,
    ACTION_ITEM_STATE_OPEN,
    ACTION_ITEM_STATE_SUGGESTED,
    ActionItem,
    Priority,
)
from afteraction.v1.action_item_service_pb2 import UpdateActionItemRequest
from services.cli.output import console, enum_word
from shared.errors import AfteractionError

if TYPE_CHECKING:
    from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceAsyncStub

_FIELDS = {"title": "title", "owner": "owner", "due": "due_date", "priority": "priority"}
_HOW = "  Enter accepts it, d drops it, or change it (title=…, owner=…, due=…, priority=…)"


def ask(prompt: str) -> str:
    """What the person types; empty for nothing."""
    return str(typer.prompt(prompt, default="", show_default=False)).strip()


async def settle_item(items: "ActionItemServiceAsyncStub", item: ActionItem, by: str) -> None:
    """Shows an item that somebody still has to do, asks for what it lacks, and for what should be otherwise."""
    if item.state not in (ACTION_ITEM_STATE_SUGGESTED, ACTION_ITEM_STATE_OPEN):
        return
    console.print(f"\naction item: {item.title}", markup=False)
    if item.reason:
        console.print(f"  {item.reason}", markup=False)
    console.print(f"  {_said(item)}", markup=False)
    wanted, fields = ActionItem(name=item.name), list[str]()
    for key, missing in (("owner", not item.owner), ("due", not item.due_date), ("priority", not item.priority)):
        while missing and (value := ask(f"  {_PROMPTS[key]}")):
            missing = not _take(wanted, fields, key, value)
    while words := ask(_HOW):
        if words == "d":
            wanted.state = ACTION_ITEM_STATE_DROPPED
            fields.append("state")
            break
        key, _, value = words.partition("=")
        _take(wanted, fields, key.strip(), value.strip())
    if fields:
        try:
            await items.UpdateActionItem(UpdateActionItemRequest(
                action_item=wanted, update_mask=FieldMask(paths=sorted(set(fields))), author=by))
        except AfteractionError as error:
            console.print(f"  refused: {error.message}", markup=False)


_PROMPTS = {"owner": "owner", "due": "due date, such as 2026-11-24", "priority": "priority, P1 to P3"}


def _take(wanted: ActionItem, fields: list[str], key: str, value: str) -> bool:
    """Notes a field's new value; says what is wrong with one that cannot be."""
    if key not in _FIELDS or not value:
        console.print(f"  {key!r} is none of {', '.join(_FIELDS)}, each with `=` and a value", markup=False)
        return False
    if key == "priority":
        if value.upper() not in ("P1", "P2", "P3"):
            console.print(f"  {value!r} is none of P1, P2, P3", markup=False)
            return False
        wanted.priority = Priority.Value(f"PRIORITY_{value.upper()}")
    elif key == "due" and not _is_date(value):
        console.print(f"  {value!r} is not a date like 2026-11-24", markup=False)
        return False
    else:
        setattr(wanted, _FIELDS[key], value)
    fields.append(_FIELDS[key])
    return True


def _is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _said(item: ActionItem) -> str:
    priority = enum_word(Priority.Name(item.priority), "PRIORITY_") if item.priority else "no priority"
    return f"{priority}, {item.owner or 'nobody'}, due {item.due_date or 'at no time'}"
