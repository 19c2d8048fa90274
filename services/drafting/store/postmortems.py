"""Post-mortems in PostgreSQL: the row, its revisions, the audit log, the changes to watch, and its action items.

A change is decided on what was read and written only if nobody wrote in between, all of it in one transaction.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from afteraction.v1.postmortem_pb2 import Postmortem as PostmortemMessage
from services.drafting.drafts.draft import Draft
from services.drafting.markdown import document as markdown
from services.drafting.review.drafts import drafted
from services.drafting.review.life import Changed, Drafted, Postmortem, State
from services.drafting.review.revisions import Revision
from services.drafting.store import action_items as items_table
from services.drafting.store import postmortem_drafts
from services.drafting.store.postmortem_parts import Entry, add_revision, announce, follow_items, get, note
from services.drafting.store.postmortem_rows import COLUMNS, FROM, VECTOR, json, plain, postmortem, revision, searched
from shared.errors import NotFound
from shared.postgres.pool import Connection, Pool
from shared.postgres.requests import keep as keep_answer
from shared.postgres.requests import recall

TASKS = ("remember", "git", "tickets", "refresh")


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
        """Stores what the drafter hands over in the caller's transaction, as `postmortem_drafts.keep` does."""
        return await postmortem_drafts.keep(connection, new, at)

    async def get(self, name: str) -> Postmortem:
        """The post-mortem `postmortems/{id}`, or that of `incidents/{id}`. Raises NotFound."""
        async with self.pool.acquire() as connection:
            return await get(connection, name)

    async def published(self, name: str, revision: int) -> Postmortem:
        """It, with the text of a published revision. Raises NotFound."""
        async with self.pool.acquire() as connection:
            now = await get(connection, name)
        text = (await self.revision(name, revision)).markdown
        title = markdown.parse(text).title or now.title
        return replace(now, markdown=text, revision=revision, published_revision=revision, title=title)

    async def find(self, search: Search, limit: int) -> list[Postmortem]:
        """The newest first; with words, only those that hold them (web search syntax)."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                f"""SELECT {COLUMNS} FROM {FROM}
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
                plain(search.words),
                search.after[0] if search.after else None,
                search.after[1] if search.after else "",
                limit,
            )
        return [postmortem(row) for row in rows]

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
                return await get(connection, before.name)
            if not await self._write(connection, before, changed, at):
                return None
            if retry:
                await keep_answer(
                    connection, retry.method, retry.request_id, retry.fingerprint, PostmortemMessage(name=before.name)
                )
            return await get(connection, before.name)

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
                    ELSE {VECTOR.format(title="$5", text="$19")} END
                WHERE name = $1 AND version = $2 RETURNING name""",  # noqa: S608  constants of this module
            before.name,
            before.version,
            int(after.state),
            after.severity,
            plain(after.title),
            after.revision,
            list(after.services),
            list(after.tags),
            list(after.reviewers),
            json(after.comments),
            json(after.answers),
            json(after.waivers),
            after.is_edited,
            at,
            after.published_at,
            after.published_revision,
            after.document,
            after.ticket_url,
            searched(after.markdown),
        )
        if row is None:
            return False
        if after.revision != before.revision:
            await add_revision(
                connection, before.name, Revision(after.revision, changed.actor, at, after.markdown, changed.reason)
            )
            await follow_items(connection, before.markdown, after, at)
        if is_published:
            if before.published_revision:
                published = await connection.fetchval(
                    "SELECT markdown FROM revisions WHERE postmortem = $1 AND number = $2",
                    before.name,
                    before.published_revision,
                )
                await follow_items(connection, published.decode(), after, at)
            await items_table.accept(connection, before.name, at)
            await connection.executemany(
                "INSERT INTO publications (postmortem, revision, task, next_attempt_at) VALUES ($1, $2, $3, $4) "
                "ON CONFLICT DO NOTHING",
                [(before.name, after.revision, task, at) for task in TASKS],
            )
        await note(connection, before.name, Entry(at, changed.actor, changed.action, changed.detail, after.revision))
        await announce(connection, before.name, before.stream)
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
        return [revision(row) for row in rows]

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
        return revision(row)

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
                await announce(connection, name, stream)

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
                await announce(connection, name, stream)
