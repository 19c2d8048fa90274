"""Post-mortems in PostgreSQL: the row, its revisions, the audit log, the changes to watch, and its action items.

A change is decided on what was read and written only if nobody wrote in between, all of it in one transaction.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from afteraction.v1.postmortem_pb2 import Postmortem as PostmortemMessage
from services.drafting import action_items, markdown, review
from services.drafting.draft import Draft
from services.drafting.markdown import SectionKind
from services.drafting.markdown_tables import action_items as item_rows
from services.drafting.review import Answer, Changed, Comment, Drafted, Postmortem, State, Waiver
from services.drafting.review_drafts import drafted
from services.drafting.revisions import Revision
from services.drafting.store import action_items as items_table
from services.drafting.store.records import strings
from shared.errors import NotFound
from shared.names import identifier, resource
from shared.postgres.pool import Connection, Pool
from shared.postgres.requests import keep as keep_answer
from shared.postgres.requests import recall

CHANNEL = "postmortems"
TASKS = ("remember", "git", "tickets", "refresh")
_COLUMNS = """p.name, p.incident, p.stream, p.state, p.severity, p.title, p.revision, p.version, p.services, p.tags,
  p.reviewers, p.comments, p.answers, p.waivers, p.drafted, p.is_edited, p.created_at, p.updated_at, p.submitted_at,
  p.published_at, p.published_revision, p.document, p.ticket_url, p.onset_at, p.resolved_at, p.latency_s, r.markdown"""
_FROM = "postmortems p JOIN revisions r ON r.postmortem = p.name AND r.number = p.revision"
# tsvector holds 1 MB; words beyond this are found by meaning only.
_SEARCHED_CHARACTERS = 200_000
_VECTOR = "setweight(to_tsvector('english', {title}), 'A') || to_tsvector('english', {text})"


@dataclass(frozen=True, slots=True)
class Search:
    """What a list is restricted to; an empty field restricts nothing. after: sort key of the last row shown."""

    stream: str = ""
    states: tuple[int, ...] = ()
    service: str = ""
    tag: str = ""
    severities: tuple[int, ...] = ()
    onset_after: datetime | None = None
    onset_before: datetime | None = None
    words: str = ""
    after: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log."""

    occurred_at: datetime
    actor: str
    action: str
    detail: str
    revision: int


@dataclass(frozen=True, slots=True)
class Retry:
    """How a retried request is recognised; with an empty `request_id` it is not."""

    method: str
    request_id: str
    fingerprint: bytes


class PostmortemStore:
    """All SQL about post-mortems."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def create_draft(self, connection: Connection, draft: Draft, at: datetime, *, latency_s: float = 0.0) -> str:
        """Stores a draft in the caller's transaction, as `keep_draft` does; returns the post-mortem's name."""
        return await self.keep_draft(connection, drafted(draft, latency_s=latency_s), at)

    async def keep_draft(self, connection: Connection, new: Drafted, at: datetime) -> str:
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
                  {_VECTOR.format(title="$5", text="$14")})
                ON CONFLICT DO NOTHING RETURNING name""",  # noqa: S608  constants of this module
            name,
            new.incident,
            new.stream,
            new.severity,
            _plain(document.title),
            list(new.services),
            list(new.tags),
            new.message,
            at,
            new.ticket_url,
            new.onset_at,
            new.resolved_at,
            new.latency_s,
            _searched(new.markdown),
        )
        if inserted is None:
            await self._draft_again(connection, name, new, document, at)
            return name
        await self._add_revision(connection, name, Revision(1, review.DRAFTER, at, new.markdown, "drafted"))
        after = await _get(connection, name)
        await self._follow_items(connection, "", after, at)
        await _note(connection, name, Entry(at, review.DRAFTER, "drafted", "", 1))
        await _announce(connection, name, new.stream)
        return name

    async def get(self, name: str) -> Postmortem:
        """The post-mortem `postmortems/{id}`, or that of `incidents/{id}`. Raises NotFound."""
        async with self.pool.acquire() as connection:
            return await _get(connection, name)

    async def published(self, name: str, revision: int) -> Postmortem:
        """It, with the text of a published revision. Raises NotFound."""
        async with self.pool.acquire() as connection:
            now = await _get(connection, name)
        text = (await self.revision(name, revision)).markdown
        title = markdown.parse(text).title or now.title
        return replace(now, markdown=text, revision=revision, published_revision=revision, title=title)

    async def find(self, search: Search, limit: int) -> list[Postmortem]:
        """The newest first; with words, only those that hold them (web search syntax)."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                f"""SELECT {_COLUMNS} FROM {_FROM}
                    WHERE ($1 = '' OR p.stream = $1) AND (cardinality($2::int[]) = 0 OR p.state = ANY($2))
                      AND ($3 = '' OR $3 = ANY(p.services)) AND ($4 = '' OR $4 = ANY(p.tags))
                      AND (cardinality($5::int[]) = 0 OR p.severity = ANY($5))
                      AND ($6::timestamptz IS NULL OR p.onset_at >= $6)
                      AND ($7::timestamptz IS NULL OR p.onset_at < $7)
                      AND ($8 = '' OR p.search @@ websearch_to_tsquery('english', $8))
                      AND ($9::timestamptz IS NULL OR (p.created_at, p.name) < ($9, $10))
                    ORDER BY p.created_at DESC, p.name DESC LIMIT $11""",  # noqa: S608  constants of this module
                search.stream,
                list(search.states),
                search.service,
                search.tag,
                list(search.severities),
                search.onset_after,
                search.onset_before,
                _plain(search.words),
                search.after[0] if search.after else None,
                search.after[1] if search.after else "",
                limit,
            )
        return [_postmortem(row) for row in rows]

    async def is_known(self, retry: Retry) -> bool:
        """Whether this request was answered before. Raises InvalidArgument when its id came with another one."""
        if not retry.request_id:
            return False
        async with self.pool.acquire() as connection, connection.transaction():
            return (
                await recall(connection, retry.method, retry.request_id, retry.fingerprint, PostmortemMessage)
                is not None
            )

    async def write(
        self, before: Postmortem, changed: Changed, at: datetime, retry: Retry | None = None
    ) -> Postmortem | None:
        """Stores what was decided on `before`; None when somebody else wrote in between, and nothing is stored."""
        async with self.pool.acquire() as connection, connection.transaction():
            if retry and await recall(connection, retry.method, retry.request_id, retry.fingerprint, PostmortemMessage):
                return await _get(connection, before.name)
            if not await self._write(connection, before, changed, at):
                return None
            if retry:
                await keep_answer(
                    connection, retry.method, retry.request_id, retry.fingerprint, PostmortemMessage(name=before.name)
                )
            return await _get(connection, before.name)

    async def _write(self, connection: Connection, before: Postmortem, changed: Changed, at: datetime) -> bool:
        after = changed.after
        is_published = after.state is State.PUBLISHED and before.state is not State.PUBLISHED
        row = await connection.fetchval(
            f"""UPDATE postmortems SET state = $3::smallint, severity = $4, title = $5,
                  revision = $6::integer, version = version + 1,
                  services = $7, tags = $8, reviewers = $9, comments = $10, answers = $11, waivers = $12,
                  is_edited = $13,
                  updated_at = $14, published_at = $15, published_revision = $16, document = $17, ticket_url = $18,
                  submitted_at = CASE WHEN $3::smallint >= 2 THEN coalesce(submitted_at, $14) END,
                  search = CASE WHEN revision = $6::integer THEN search
                    ELSE {_VECTOR.format(title="$5", text="$19")} END
                WHERE name = $1 AND version = $2 RETURNING name""",  # noqa: S608  constants of this module
            before.name,
            before.version,
            int(after.state),
            after.severity,
            _plain(after.title),
            after.revision,
            list(after.services),
            list(after.tags),
            list(after.reviewers),
            _json(after.comments),
            _json(after.answers),
            _json(after.waivers),
            after.is_edited,
            at,
            after.published_at,
            after.published_revision,
            after.document,
            after.ticket_url,
            _searched(after.markdown),
        )
        if row is None:
            return False
        if after.revision != before.revision:
            await self._add_revision(
                connection, before.name, Revision(after.revision, changed.actor, at, after.markdown, changed.reason)
            )
            await self._follow_items(connection, before.markdown, after, at)
        if is_published:
            if before.published_revision:
                published = await connection.fetchval(
                    "SELECT markdown FROM revisions WHERE postmortem = $1 AND number = $2",
                    before.name,
                    before.published_revision,
                )
                await self._follow_items(connection, published.decode(), after, at)
            await items_table.accept(connection, before.name, at)
            await connection.executemany(
                "INSERT INTO publications (postmortem, revision, task, next_attempt_at) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT DO NOTHING",
                [(before.name, after.revision, task, at) for task in TASKS],
            )
        await _note(connection, before.name, Entry(at, changed.actor, changed.action, changed.detail, after.revision))
        await _announce(connection, before.name, before.stream)
        return True

    async def revisions(self, name: str, after: int, limit: int) -> list[Revision]:
        """Revisions with a higher number than `after`, in order."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT number, author, created_at, markdown, reason FROM revisions "
                "WHERE postmortem = $1 AND number > $2 ORDER BY number LIMIT $3",
                name,
                after,
                limit,
            )
        return [_revision(row) for row in rows]

    async def revision(self, name: str, number: int) -> Revision:
        """One revision. Raises NotFound."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(
                "SELECT number, author, created_at, markdown, reason FROM revisions "
                "WHERE postmortem = $1 AND number = $2",
                name,
                number,
            )
        if row is None:
            raise NotFound(f"{name} has no revision {number}", reason="REVISION_NOT_FOUND", resource=name)
        return _revision(row)

    async def audit(self, name: str) -> list[Entry]:
        """Who changed what, in order."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT occurred_at, actor, action, detail, revision FROM audit_entries "
                "WHERE postmortem = $1 ORDER BY id",
                name,
            )
        return [Entry(row["occurred_at"], row["actor"], row["action"], row["detail"], row["revision"]) for row in rows]

    async def changes(self, stream: str, after: int, limit: int) -> list[tuple[int, str]]:
        """Positions and names of what changed after a position, in order; an empty stream is every one."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT position, postmortem FROM postmortem_changes WHERE position > $1 AND ($2 = '' OR stream = $2) "
                "ORDER BY position LIMIT $3",
                after,
                stream,
                limit,
            )
        return [(row["position"], row["postmortem"]) for row in rows]

    async def set_document(self, name: str, document: str, at: datetime) -> None:
        """Memory knows it as `document`. Does not count as a change of the text or the state."""
        async with self.pool.acquire() as connection, connection.transaction():
            stream = await connection.fetchval(
                "UPDATE postmortems SET document = $2, version = version + 1, updated_at = $3 "
                "WHERE name = $1 AND document <> $2 RETURNING stream",
                name,
                document,
                at,
            )
            if stream is not None:
                await _announce(connection, name, stream)

    async def set_ticket(self, name: str, url: str, at: datetime) -> None:
        """The incident's ticket; the same one changes nothing."""
        async with self.pool.acquire() as connection, connection.transaction():
            stream = await connection.fetchval(
                "UPDATE postmortems SET ticket_url = $2, version = version + 1, updated_at = $3 "
                "WHERE name = $1 AND ticket_url <> $2 RETURNING stream",
                name,
                url,
                at,
            )
            if stream is not None:
                await _announce(connection, name, stream)

    async def _draft_again(
        self, connection: Connection, name: str, new: Drafted, document: markdown.Document, at: datetime
    ) -> None:
        await connection.execute("SELECT 1 FROM postmortems WHERE name = $1 FOR UPDATE", name)
        before = await _get(connection, name)
        drafts = await connection.fetchval(
            "SELECT markdown FROM revisions WHERE postmortem = $1 AND author = $2 ORDER BY number DESC LIMIT 1",
            name,
            review.DRAFTER,
        )
        if drafts == new.markdown.encode() and before.drafted == new.message:
            return
        if before.is_edited or before.state not in (State.DRAFT, State.IN_REVIEW):
            await _note(
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
                  search = {_VECTOR.format(title="$3", text="$11")} WHERE name = $1""",  # noqa: S608
            name,
            new.severity,
            _plain(document.title),
            number,
            list(new.services),
            list(new.tags),
            new.message,
            at,
            new.onset_at,
            new.resolved_at,
            _searched(new.markdown),
        )
        if not is_same_text:
            await self._add_revision(
                connection, name, Revision(number, review.DRAFTER, at, new.markdown, "drafted again")
            )
            await self._follow_items(connection, before.markdown, await _get(connection, name), at)
        await _note(connection, name, Entry(at, review.DRAFTER, "drafted again", "", number))
        await _announce(connection, name, new.stream)

    async def _add_revision(self, connection: Connection, name: str, revision: Revision) -> None:
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

    async def _follow_items(self, connection: Connection, before: str, after: Postmortem, at: datetime) -> None:
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


async def _get(connection: Connection, name: str) -> Postmortem:
    column = "incident" if name.startswith("incidents/") else "name"
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM {_FROM} WHERE p.{column} = $1", name)  # noqa: S608
    if row is None:
        raise NotFound(
            f"no post-mortem {name}" if column == "name" else f"{name} has no post-mortem yet",
            reason="POSTMORTEM_NOT_FOUND",
            resource=name,
        )
    return replace(_postmortem(row), items=await items_table.of(connection, row["name"]))


async def _note(connection: Connection, name: str, entry: Entry) -> None:
    await connection.execute(
        "INSERT INTO audit_entries (postmortem, occurred_at, actor, action, detail, revision) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        name,
        entry.occurred_at,
        entry.actor,
        entry.action,
        _plain(entry.detail),
        entry.revision,
    )


async def _announce(connection: Connection, name: str, stream: str) -> None:
    """Last in its transaction: the lock is held until commit."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('postmortem changes'))")
    await connection.execute("INSERT INTO postmortem_changes (postmortem, stream) VALUES ($1, $2)", name, stream)
    await connection.execute(f"NOTIFY {CHANNEL}")


def _revision(row: Any) -> Revision:
    return Revision(row["number"], row["author"], row["created_at"], row["markdown"].decode(), row["reason"])


def _postmortem(row: Any) -> Postmortem:
    comments = tuple(
        Comment(
            c["id"],
            SectionKind(c["section"]) if c["section"] else None,
            c["author"],
            c["text"],
            datetime.fromisoformat(c["created_at"]),
            c["is_resolved"],
        )
        for c in orjson.loads(row["comments"])
    )
    answers = tuple(
        Answer(a["question"], SectionKind(a["section"]), a["text"], a["answer"], a["author"])
        for a in orjson.loads(row["answers"])
    )
    waivers = tuple(Waiver(w["finding"], w["reason"], w["author"]) for w in orjson.loads(row["waivers"]))
    return Postmortem(
        name=row["name"],
        incident=row["incident"],
        stream=row["stream"],
        state=State(row["state"]),
        severity=row["severity"],
        title=row["title"],
        markdown=row["markdown"].decode(),
        revision=row["revision"],
        version=row["version"],
        services=strings(row["services"]),
        tags=strings(row["tags"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        drafted=row["drafted"],
        is_edited=row["is_edited"],
        reviewers=strings(row["reviewers"]),
        comments=comments,
        answers=answers,
        waivers=waivers,
        published_at=row["published_at"],
        published_revision=row["published_revision"],
        document=row["document"],
        ticket_url=row["ticket_url"],
        onset_at=row["onset_at"],
        resolved_at=row["resolved_at"],
        latency_s=row["latency_s"],
    )


def _json(values: Sequence[Comment | Answer | Waiver]) -> str:
    # jsonb does not hold U+0000; the text that a person wrote with one stands in the revision.
    return orjson.dumps([_clean(asdict(value)) for value in values]).decode()


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) if isinstance(value, str) else value for name, value in fields.items()}


def _plain(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def _searched(text: str) -> str:
    return _plain(text[:_SEARCHED_CHARACTERS])
