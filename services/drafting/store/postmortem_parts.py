"""What is read and written together with a post-mortem, in the caller's transaction: revisions, the audit log, the
changes to watch, its action items."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.drafting import action_items
from services.drafting.markdown import document as markdown
from services.drafting.markdown.tables import action_items as item_rows
from services.drafting.review.life import Postmortem, State
from services.drafting.review.revisions import Revision
from services.drafting.store import action_items as items_table
from services.drafting.store.postmortem_rows import COLUMNS, FROM, plain, postmortem
from shared.errors import NotFound
from shared.postgres.pool import Connection

CHANNEL = "postmortems"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log."""

    occurred_at: datetime
    actor: str
    action: str
    detail: str
    revision: int


async def get(connection: Connection, name: str) -> Postmortem:
    """The post-mortem of a name, or of `incidents/{id}`, with its action items. Raises NotFound."""
    column = "incident" if name.startswith("incidents/") else "name"
    row = await connection.fetchrow(f"SELECT {COLUMNS} FROM {FROM} WHERE p.{column} = $1", name)  # noqa: S608
    if row is None:
        raise NotFound(
            f"no post-mortem {name}" if column == "name" else f"{name} has no post-mortem yet",
            reason="POSTMORTEM_NOT_FOUND",
            resource=name,
        )
    return replace(postmortem(row), items=await items_table.of(connection, row["name"]))


async def add_revision(connection: Connection, name: str, revision: Revision) -> None:
    """One more revision; it is never changed again."""
    await connection.execute(
        "INSERT INTO revisions (postmortem, number, author, created_at, markdown, reason) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        name,
        revision.number,
        revision.author,
        revision.created_at,
        revision.markdown.encode(),
        revision.reason,
    )


async def follow_items(connection: Connection, before: str, after: Postmortem, at: datetime) -> None:
    """Brings the items' table from what the rows of the text `before` say to what the new ones do."""
    stored = await items_table.of(connection, after.name)
    wanted = action_items.follow(
        stored,
        item_rows(markdown.parse(before)),
        item_rows(markdown.parse(after.markdown)),
        postmortem=after.name,
        incident=after.incident,
        stream=after.stream,
        is_amending=after.state is State.AMENDED,
        at=at,
    )
    await items_table.replace_all(connection, after.name, stored, wanted)


async def note(connection: Connection, name: str, entry: Entry) -> None:
    """One more line in the audit log."""
    await connection.execute(
        "INSERT INTO audit_entries (postmortem, occurred_at, actor, action, detail, revision) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        name,
        entry.occurred_at,
        entry.actor,
        entry.action,
        plain(entry.detail),
        entry.revision,
    )


async def announce(connection: Connection, name: str, stream: str) -> None:
    """Last in its transaction: the lock is held until commit."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('postmortem changes'))")
    await connection.execute("INSERT INTO postmortem_changes (postmortem, stream) VALUES ($1, $2)", name, stream)
    await connection.execute(f"NOTIFY {CHANNEL}")
