"""Action items in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.drafting import action_items
from services.drafting.action_items import Item, ItemChanges, State
from services.drafting.markdown.tables import ItemRow
from services.drafting.store.records import strings
from shared.errors import NotFound
from shared.names import resource
from shared.postgres.pool import Connection, Pool

_COLUMNS = """name, postmortem, incident, stream, number, title, owner, due, priority, state, url, reason, evidence,
  category, created_at, done_at, version"""
# Open ones first, then by due date, by priority, by name; what has no date or priority comes last.
_ORDER = "(state <> 2), coalesce(due, '9999-12-31'), coalesce(nullif(priority, 0), 9), name"
SortKey = tuple[bool, date, int, str]


def sort_key(item: Item) -> SortKey:
    """Where the item stands in a list, as the database orders it."""
    return item.state is not State.OPEN, item.due or date.max, item.priority or 9, item.name


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is restricted to; an empty field restricts nothing. after: sort key of the last row shown."""

    stream: str = ""
    postmortem: str = ""
    states: tuple[int, ...] = ()
    owner: str = ""
    overdue_on: date | None = None
    after: SortKey | None = None


class ActionItemStore:
    """All SQL about action items that is not part of a post-mortem's change."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def get(self, name: str) -> Item:
        """Raises NotFound."""
        async with self.pool.acquire() as connection:
            return await get(connection, name)

    async def of(self, postmortem: str) -> tuple[Item, ...]:
        """The items of a post-mortem, in order."""
        async with self.pool.acquire() as connection:
            return await of(connection, postmortem)

    async def find(self, search: Search, limit: int) -> list[Item]:
        """In the order of `sort_key`."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                f"""SELECT {_COLUMNS} FROM action_items
                    WHERE ($1 = '' OR stream = $1) AND ($2 = '' OR postmortem = $2)
                      AND (cardinality($3::int[]) = 0 OR state = ANY($3)) AND ($4 = '' OR lower(owner) = lower($4))
                      AND ($5::date IS NULL OR (state = 2 AND due < $5))
                      AND ($6::boolean IS NULL OR ({_ORDER}) > ($6, $7::date, $8::int, $9::text))
                    ORDER BY {_ORDER} LIMIT $10""",  # noqa: S608  constants of this module
                search.stream,
                search.postmortem,
                list(search.states),
                search.owner,
                search.overdue_on,
                *(search.after or (None, None, None, None)),
                limit,
            )
        return [_item(row) for row in rows]

    async def change(self, before: Item, changes: ItemChanges, author: str, at: datetime) -> Item | None:
        """Stores `changes` and who made them; None when somebody else wrote since `before` was read."""
        async with self.pool.acquire() as connection, connection.transaction():
            stored = await get(connection, before.name, lock=True)
            if stored.version != before.version:
                return None
            after = action_items.change(stored, changes, at)
            if after is not stored:
                await put(connection, after)
                await _note(connection, after, author, f"action item {after.state.name.lower()}", at)
            return after

    async def add(self, postmortem: str, row: ItemRow, *, identifier: str, author: str, at: datetime) -> Item:
        """One more open item of a published post-mortem; the same `identifier` again is the same item."""
        async with self.pool.acquire() as connection, connection.transaction():
            parent = await connection.fetchrow(
                "SELECT incident, stream FROM postmortems WHERE name = $1 FOR UPDATE", postmortem
            )
            if parent is None:
                raise NotFound(f"no post-mortem {postmortem}", reason="POSTMORTEM_NOT_FOUND", resource=postmortem)
            known = await of(connection, postmortem)
            name = resource("actionItems", identifier)
            same = next((item for item in known if item.name == name), None)
            if same is not None:
                return same
            item = Item(
                name=name,
                postmortem=postmortem,
                incident=parent["incident"],
                stream=parent["stream"],
                number=max((item.number for item in known), default=0) + 1,
                title=row.title,
                owner=row.owner,
                due=row.due,
                priority=row.priority,
                state=State.OPEN,
                url="",
                reason=row.reason,
                evidence=row.evidence,
                category=row.category,
                created_at=at,
            )
            await put(connection, item)
            await _note(connection, item, author, "added action item", at)
            return item


async def _note(connection: Connection, item: Item, author: str, action: str, at: datetime) -> None:
    await connection.execute(
        "INSERT INTO audit_entries (postmortem, occurred_at, actor, action, detail, revision) "
        "SELECT name, $2, $3, $4, $5, revision FROM postmortems WHERE name = $1",
        item.postmortem,
        at,
        author,
        action,
        f"{item.name}: {item.title}",
    )


async def get(connection: Connection, name: str, *, lock: bool = False) -> Item:
    """One item, with its row locked where asked. Raises NotFound."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM action_items WHERE name = $1"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        name,
    )
    if row is None:
        raise NotFound(f"no action item {name}", reason="ACTION_ITEM_NOT_FOUND", resource=name)
    return _item(row)


async def of(connection: Connection, postmortem: str) -> tuple[Item, ...]:
    """The items of a post-mortem, in order."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM action_items WHERE postmortem = $1 ORDER BY number",  # noqa: S608
        postmortem,
    )
    return tuple(_item(row) for row in rows)


async def accept(connection: Connection, postmortem: str, at: datetime) -> None:
    """What was suggested is open: its post-mortem is being published."""
    for item in action_items.accept(await of(connection, postmortem), at):
        await put(connection, item)


async def replace_all(connection: Connection, postmortem: str, stored: Sequence[Item], wanted: Sequence[Item]) -> None:
    """Brings the items of a post-mortem from `stored` to `wanted`."""
    gone = {item.name for item in stored} - {item.name for item in wanted}
    if gone:
        await connection.execute(
            "DELETE FROM action_items WHERE postmortem = $1 AND name = ANY($2)", postmortem, list(gone)
        )
    known = {item.name: item for item in stored}
    for item in wanted:
        if known.get(item.name) != item:
            await put(connection, item)


async def put(connection: Connection, item: Item) -> None:
    """Stores an item as it is given."""
    await connection.execute(
        """INSERT INTO action_items (name, postmortem, incident, stream, number, title, owner, due, priority, state,
             url, reason, evidence, category, created_at, done_at, version)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
           ON CONFLICT (name) DO UPDATE SET title = $6, owner = $7, due = $8, priority = $9, state = $10, url = $11,
             reason = $12, evidence = $13, category = $14, done_at = $16, version = $17""",
        item.name,
        item.postmortem,
        item.incident,
        item.stream,
        item.number,
        item.title,
        item.owner,
        item.due,
        item.priority,
        int(item.state),
        item.url,
        item.reason,
        list(item.evidence),
        item.category,
        item.created_at,
        item.done_at,
        item.version,
    )


def _item(row: Any) -> Item:
    return Item(
        name=row["name"],
        postmortem=row["postmortem"],
        incident=row["incident"],
        stream=row["stream"],
        number=row["number"],
        title=row["title"],
        owner=row["owner"],
        due=row["due"],
        priority=row["priority"],
        state=State(row["state"]),
        url=row["url"],
        reason=row["reason"],
        evidence=strings(row["evidence"]),
        category=row["category"],
        created_at=row["created_at"],
        done_at=row["done_at"],
        version=row["version"],
    )
