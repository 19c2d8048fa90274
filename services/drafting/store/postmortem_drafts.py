"""A draft into the tables: the first one, and a later one while no person has touched the text."""

from datetime import datetime

from services.drafting.markdown import document as markdown
from services.drafting.review import life as review
from services.drafting.review.life import Drafted, State
from services.drafting.review.revisions import Revision
from services.drafting.store.postmortem_parts import Entry, add_revision, announce, follow_items, get, note
from services.drafting.store.postmortem_rows import VECTOR, plain, searched
from shared.names import identifier, resource
from shared.postgres.pool import Connection


async def keep(connection: Connection, new: Drafted, at: datetime) -> str:
    """Stores revision 1, in the caller's transaction; returns the name, which has the incident's id.

    The same text again changes nothing. Another one becomes a revision as long as no person has edited or
    published; after that it is only noted in the audit log.
    """
    name = resource("postmortems", identifier("incidents", new.incident))
    document = markdown.parse(new.markdown)
    inserted = await connection.fetchval(
        f"""INSERT INTO postmortems (name, incident, stream, state, severity, title, revision, version, services,
              tags, drafted, created_at, updated_at, ticket_url, onset_at, resolved_at, latency_s, search)
            VALUES ($1, $2, $3, 1, $4, $5, 1, 1, $6, $7, $8, $9, $9, $10, $11, $12, $13,
              {VECTOR.format(title="$5", text="$14")})
            ON CONFLICT DO NOTHING RETURNING name""",  # noqa: S608  constants of this module
        name,
        new.incident,
        new.stream,
        new.severity,
        plain(document.title),
        list(new.services),
        list(new.tags),
        new.message,
        at,
        new.ticket_url,
        new.onset_at,
        new.resolved_at,
        new.latency_s,
        searched(new.markdown),
    )
    if inserted is None:
        await _again(connection, name, new, document, at)
        return name
    await add_revision(connection, name, Revision(1, review.DRAFTER, at, new.markdown, "drafted"))
    after = await get(connection, name)
    await follow_items(connection, "", after, at)
    await note(connection, name, Entry(at, review.DRAFTER, "drafted", "", 1))
    await announce(connection, name, new.stream)
    return name


async def _again(
    connection: Connection, name: str, new: Drafted, document: markdown.Document, at: datetime
) -> None:
    await connection.execute("SELECT 1 FROM postmortems WHERE name = $1 FOR UPDATE", name)
    before = await get(connection, name)
    drafts = await connection.fetchval(
        "SELECT markdown FROM revisions WHERE postmortem = $1 AND author = $2 AND reason <> $3 "
        "ORDER BY number DESC LIMIT 1",
        name,
        review.DRAFTER,
        review.REWORDED,
    )
    if drafts == new.markdown.encode() and before.drafted == new.message:
        return
    if before.is_edited or before.state not in (State.DRAFT, State.IN_REVIEW):
        await note(
            connection,
            name,
            Entry(at, review.DRAFTER, "kept out a later draft", "a person has edited the text", before.revision),
        )
        return
    is_same_text = before.markdown == new.markdown
    number = before.revision if is_same_text else before.revision + 1
    await connection.execute(
        f"""UPDATE postmortems SET severity = $2, title = $3, revision = $4, version = version + 1, services = $5,
              tags = $6, drafted = $7, updated_at = $8, onset_at = $9, resolved_at = $10,
              search = {VECTOR.format(title="$3", text="$11")} WHERE name = $1""",  # noqa: S608
        name,
        new.severity,
        plain(document.title),
        number,
        list(new.services),
        list(new.tags),
        new.message,
        at,
        new.onset_at,
        new.resolved_at,
        searched(new.markdown),
    )
    if not is_same_text:
        await add_revision(
            connection, name, Revision(number, review.DRAFTER, at, new.markdown, "drafted again")
        )
        await follow_items(connection, before.markdown, await get(connection, name), at)
    await note(connection, name, Entry(at, review.DRAFTER, "drafted again", "", number))
    await announce(connection, name, new.stream)
