"""What a reviewer changed in the review page's form, against what the form was made from and against what stands now.

Beside each field the form carries the value that it was filled with, as `was.FIELD`. Only a field that the person
changed is sent; where somebody else changed the same thing in the meantime it is a conflict, and both texts are shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1.action_item_pb2 import ActionItem, ActionItemState, Priority
from afteraction.v1.action_item_service_pb2 import UpdateActionItemRequest
from afteraction.v1.postmortem_pb2 import Postmortem
from afteraction.v1.postmortem_service_pb2 import SettlePostmortemRequest
from services.dashboard.forms import Form
from shared.errors import InvalidArgument, Violation

_ITEM_FIELDS = ("title", "owner", "due_date", "priority")


@dataclass(slots=True)
class Settled:
    """What to send: `request` for what stands in the text, `items` for action items that have a life of their own."""

    request: SettlePostmortemRequest
    items: list[UpdateActionItemRequest] = field(default_factory=list)
    conflicts: list[Violation] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        sent = self.request
        return not (sent.answers or sent.rewordings or sent.waivers or sent.action_items)


def settled(form: Form, now: Postmortem, author: str) -> Settled:
    """The form as requests. Raises InvalidArgument for a value that no field may have."""
    found = Settled(SettlePostmortemRequest(name=now.name, author=author, etag=now.etag))
    _answers(form, now, found)
    _rewordings(form, now, found)
    _waivers(form, now, found)
    _action_items(form, now, author, found)
    return found


def typed(form: Form) -> dict[str, str]:
    """The fields that the person changed; the others may show what stands there now."""
    return {name: value for name, value in form.values.items()
            if not name.startswith("was.") and (f"was.{name}" not in form.values or _is_changed(form, name))}


def reword_key(now: Postmortem, line: int) -> str:
    """The finding that a line's field is named after: one line has one field, however many findings it holds."""
    return next((each.id for each in now.findings if each.line == line), "")


def line_of(now: Postmortem, number: int) -> str:
    """A line of the text as the form shows it, counted from 1."""
    lines = now.markdown.split("\n")
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


def _answers(form: Form, now: Postmortem, found: Settled) -> None:
    given = {each.id: each for each in now.questions}
    for question, answer in _changed(form, "question"):
        asked = given.get(question)
        if not answer or (asked is not None and asked.answer == answer):
            continue
        if asked is None or asked.answer:
            stands = f"{asked.answered_by} answered {asked.answer!r}" if asked else "it is not asked any more"
            found.conflicts.append(Violation(f"questions/{question}", f"{stands}; yours was {answer!r}"))
            continue
        found.request.answers.add(question=question, answer=answer)


def _rewordings(form: Form, now: Postmortem, found: Settled) -> None:
    at = {each.id: each.line for each in now.findings}
    for finding, words in _changed(form, "reword"):
        if not words or (finding in at and words == line_of(now, at[finding])):
            continue
        if finding not in at:
            found.conflicts.append(Violation(f"findings/{finding}", f"its line was changed; yours was {words!r}"))
            continue
        found.request.rewordings.add(finding=finding, line=words)


def _waivers(form: Form, now: Postmortem, found: Settled) -> None:
    """A reason for a finding that is gone is moot."""
    reworded = {each.finding for each in found.request.rewordings}
    lines = {each.line for each in now.findings if each.id in reworded}
    open_ones = {each.id for each in now.findings if not each.waiver_reason and each.line not in lines}
    for finding, reason in _changed(form, "waiver"):
        if reason and finding in open_ones:
            found.request.waivers.add(finding=finding, reason=reason)


def _action_items(form: Form, now: Postmortem, author: str, found: Settled) -> None:
    known = {each.name.partition("/")[2]: each for each in now.action_items}
    keys = dict.fromkeys(name.split(".")[1] for name in form.values if name.startswith("item.") and name.count(".") > 1)
    for key in keys:
        item = known.get(key)
        if item is None or item.state == ActionItemState.ACTION_ITEM_STATE_DROPPED:
            named = (f"item.{key}.{each}" for each in _ITEM_FIELDS)
            if any(name in form.values and _is_changed(form, name) for name in named):
                found.conflicts.append(Violation(f"actionItems/{key}", "the action item was dropped in the meantime"))
            continue
        changed, fields = _changed_item(item, form, key, found)
        if not fields:
            continue
        mask = FieldMask(paths=fields)
        if item.state == ActionItemState.ACTION_ITEM_STATE_SUGGESTED:
            found.request.action_items.add(action_item=changed, update_mask=mask)
        else:
            found.items.append(UpdateActionItemRequest(action_item=changed, update_mask=mask, author=author))


def _changed_item(item: ActionItem, form: Form, key: str, found: Settled) -> tuple[ActionItem, list[str]]:
    """The item as the form says, and the fields in which it differs."""
    after = ActionItem()
    after.CopyFrom(item)
    for name in _ITEM_FIELDS:
        full = f"item.{key}.{name}"
        if full not in form.values or not _is_changed(form, full):
            continue
        stands, said, was = _said(item, name), form.text(full), form.values.get(f"was.{full}")
        if was is not None and stands not in (was.strip(), said):
            found.conflicts.append(Violation(
                f"{item.name}/{name}", f"it was changed to {stands!r} in the meantime; yours was {said!r}"))
        elif name == "priority":
            after.priority = _priority(said)
        else:
            setattr(after, name, said)
    if form.text(f"item.{key}.drop"):
        after.state = ActionItemState.ACTION_ITEM_STATE_DROPPED
    return after, [name for name in (*_ITEM_FIELDS, "state") if getattr(after, name) != getattr(item, name)]


def _said(item: ActionItem, name: str) -> str:
    """A field of an item as the form shows it."""
    if name == "priority":
        return Priority.Name(item.priority).removeprefix("PRIORITY_") if item.priority else ""
    return str(getattr(item, name))


def _changed(form: Form, prefix: str) -> Iterator[tuple[str, str]]:
    return ((key, value) for key, value in form.numbered(prefix) if _is_changed(form, f"{prefix}.{key}"))


def _is_changed(form: Form, name: str) -> bool:
    """Whether the person changed the field; one that came without its former value counts as changed."""
    was = form.values.get(f"was.{name}")
    return was is None or form.text(name) != was.strip()


def _priority(text: str) -> "Priority.ValueType":
    if text not in ("", "P1", "P2", "P3"):
        raise InvalidArgument(f"priority {text!r} is none of P1, P2, P3", reason="BAD_PARAMETER", field="priority")
    return Priority.Value(f"PRIORITY_{text or 'UNSPECIFIED'}")
