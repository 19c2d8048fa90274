"""Work that a review asks for: which row of the document is which item, and the item's life.

    suggested ──publish──► open ──► done
        │                    └────► dropped
        └── row removed: gone

The document's table says title, owner, due date and priority until it is published. From then on the item lives by
itself, here and in the team's tracker; an amendment's rows change it where they differ from the revision before.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from difflib import SequenceMatcher
from enum import IntEnum
from typing import TypeVar

from services.drafting.markdown.tables import ItemRow
from services.drafting.review.revisions import words
from shared.errors import InvalidArgument
from shared.names import deterministic_id, resource

# Titles that share less than this of their words are two items, not one reworded.
_SAME_ITEM = 0.5
T = TypeVar("T")


class State(IntEnum):
    """Where an item is in its life; the numbers are those of the contract."""

    SUGGESTED = 1
    OPEN = 2
    DONE = 3
    DROPPED = 4


@dataclass(frozen=True, slots=True)
class Item:
    """An action item as it is kept. `number` counts within its post-mortem; `priority` 0 is none."""

    name: str
    postmortem: str
    incident: str
    stream: str
    number: int
    title: str
    owner: str
    due: date | None
    priority: int
    state: State
    url: str
    reason: str
    evidence: tuple[str, ...]
    category: str
    created_at: datetime
    done_at: datetime | None = None
    version: int = 1

    @property
    def etag(self) -> str:
        return deterministic_id(self.name, str(self.version))

    @property
    def is_live(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in (State.SUGGESTED, State.OPEN)

    def is_overdue(self, today: date) -> bool:
        return self.state is State.OPEN and self.due is not None and self.due < today


def follow(
    stored: Sequence[Item],
    before: Sequence[ItemRow],
    after: Sequence[ItemRow],
    *,
    postmortem: str,
    incident: str,
    stream: str,
    is_amending: bool,
    at: datetime,
) -> tuple[Item, ...]:
    """What `stored` becomes when the document's rows change from `before` to `after`; what did not stays the same.

    A row is the item whose title it has, else the one most like it. A row that is gone takes its suggestion with it and
    drops an open item; what is done stays done. While an amendment is in review (`is_amending`) only suggestions do.
    """
    pairs = _pairs([item.title for item in stored], [row.title for row in after])
    old_rows = {row.title: row for row in before}
    result: dict[int, Item] = {}
    following = max((item.number for item in stored), default=0) + 1
    for place, row in enumerate(after):
        if place in pairs:
            item = stored[pairs[place]]
            is_followed = item.state is State.SUGGESTED or not is_amending
            result[item.number] = _reworded(item, old_rows.get(item.title), row) if is_followed else item
            continue
        result[following] = Item(
            name=resource("actionItems", deterministic_id("action item", postmortem, str(following))),
            postmortem=postmortem,
            incident=incident,
            stream=stream,
            number=following,
            title=row.title,
            owner=row.owner,
            due=row.due,
            priority=row.priority,
            state=State.SUGGESTED,
            url="",
            reason=row.reason,
            evidence=row.evidence,
            category=row.category,
            created_at=at,
        )
        following += 1
    for item in stored:
        if item.number not in result and item.state is not State.SUGGESTED:
            is_dropped = item.state is State.OPEN and not is_amending
            result[item.number] = change(item, ItemChanges(state=State.DROPPED), at) if is_dropped else item
    return tuple(result[number] for number in sorted(result))


@dataclass(frozen=True, slots=True)
class ItemChanges:
    """New values; None leaves what is there."""

    title: str | None = None
    owner: str | None = None
    due: date | None = None
    priority: int | None = None
    state: State | None = None
    url: str | None = None

    def cells(self) -> dict[str, str]:
        """The same as cells of an item's row."""
        said = {
            "title": self.title,
            "owner": self.owner,
            "due": self.due.isoformat() if self.due else None,
            "priority": f"P{self.priority}" if self.priority else None,
        }
        return {name: value for name, value in said.items() if value is not None}


def change(item: Item, changes: ItemChanges, at: datetime) -> Item:
    """`item` with what is given; done keeps the time at which it was first done. Nothing new gives `item` itself."""
    given = {field.name: value for field in fields(changes) if (value := getattr(changes, field.name)) is not None}
    after = replace(item, **given)
    if after.state is not item.state:
        after = replace(after, done_at=at if after.state is State.DONE else None)
    return item if after == item else replace(after, version=item.version + 1)


def accept(items: Iterable[Item], at: datetime) -> tuple[Item, ...]:
    """The items of a post-mortem that is being published: what was suggested is open."""
    return tuple(
        change(item, ItemChanges(state=State.OPEN), at) if item.state is State.SUGGESTED else item for item in items
    )


def missing(item: Item) -> tuple[str, ...]:
    """What an item that somebody should do still lacks: of `owner`, `due_date`, `priority`."""
    lacks = (("owner", not item.owner), ("due_date", item.due is None), ("priority", not item.priority))
    return tuple(name for name, is_missing in lacks if is_missing)


def due_date(text: str) -> date:
    """The date of ISO 8601 `text`. Raises InvalidArgument."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidArgument(
            f"due_date {text!r} is not a date like 2026-11-24", reason="MALFORMED_DATE", field="action_item.due_date"
        ) from None


def _reworded(item: Item, before: ItemRow | None, row: ItemRow) -> Item:
    """`item` as its row says now. An open item takes only what the row changed: it has a life of its own by then."""

    def said(name: str, new: T, old: T) -> T:
        is_news = item.state is State.SUGGESTED or (before is not None and getattr(before, name) != new)
        return new if is_news else old

    after = replace(
        item,
        title=said("title", row.title, item.title),
        owner=said("owner", row.owner, item.owner),
        due=said("due", row.due, item.due),
        priority=said("priority", row.priority, item.priority),
        reason=row.reason,
        category=row.category,
        evidence=row.evidence,
    )
    return item if after == item else replace(after, version=item.version + 1)


def _pairs(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Which of `old` each of `new` is: those with equal titles first, then those most alike."""
    pairs: dict[int, int] = {}
    free = list(range(len(old)))
    for place, title in enumerate(new):
        match = next((index for index in free if old[index] == title), None)
        if match is not None:
            pairs[place] = match
            free.remove(match)
    likeness = sorted(
        (
            (SequenceMatcher(None, words(old[index].casefold()), words(title.casefold())).ratio(), place, index)
            for place, title in enumerate(new)
            if place not in pairs
            for index in free
        ),
        key=lambda found: (-found[0], found[1], found[2]),
    )
    for ratio, place, index in likeness:
        if ratio >= _SAME_ITEM and place not in pairs and index in free:
            pairs[place] = index
            free.remove(index)
    return pairs
