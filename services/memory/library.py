"""The runbook library: what a lesson, an edit or a decision does to a runbook, and to how it is found.

A runbook and the document under which it is found change in one transaction. The text has to be embedded before that,
so each operation reads, decides, embeds, and then commits only when nobody changed the runbook in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from services.memory import runbooks
from services.memory.documents import Document, Kind
from services.memory.follower import Follower
from services.memory.remembering import Remembering
from services.memory.runbooks import Lesson, Runbook
from services.memory.store import documents as document_store
from services.memory.store import runbooks as store
from shared.clock import Clock
from shared.errors import Aborted, InvalidArgument
from shared.postgres.pool import Connection, Pool
from shared.rpc.etag import check_etag, etag

AUTHOR = "afteraction"
_ATTEMPTS = 5


class Library:
    """Changes runbooks."""

    def __init__(self, *, pool: Pool, remembering: Remembering, follower: Follower, clock: Clock) -> None:
        self._pool = pool
        self._remembering = remembering
        self._follower = follower
        self._clock = clock

    async def learn(self, lesson: Lesson) -> Runbook:
        """Makes or revises the runbook of the lesson's failure mode; one that a person edited gets a proposal.

        Raises InvalidArgument when the lesson names no failure mode, NotFound when the runbook that it names is gone.
        """
        if not lesson.category.strip():
            raise InvalidArgument("category is empty; a runbook belongs to a failure mode of a service",
                                  reason="NO_FAILURE_MODE", field="category")  # fmt: skip
        name = runbooks.name_of(lesson)
        for _ in range(_ATTEMPTS):
            known = await (store.get(self._pool, name) if lesson.runbook else store.find(self._pool, name))
            if known is not None and known.is_edited:
                return await self._propose(known, lesson)
            after = runbooks.taught(known or runbooks.begun(lesson), lesson)
            if known is not None and after == known:
                return await store.get(self._pool, name)
            if await self._committed(known, after, AUTHOR):
                return await store.get(self._pool, name)
        raise Aborted(f"{name} is being changed by others; try again", reason="CONTENDED", resource=name)

    async def edit(self, name: str, markdown: str, *, author: str, given_etag: str) -> Runbook:
        """A person's text. Raises NotFound; Aborted on a stale etag."""
        known = await store.get(self._pool, name)
        check_etag(given_etag, etag(name, known.revision), name)
        if known.is_edited and markdown == known.markdown:
            return known
        if not await self._committed(known, runbooks.edited(known, markdown), author):
            raise Aborted(f"{name} changed after you read it; read it again", reason="STALE_ETAG", resource=name)
        return await store.get(self._pool, name)

    async def accept(self, name: str, proposal: str, *, author: str) -> Runbook:
        """The proposal becomes the next revision. Raises NotFound, FailedPrecondition; Aborted when edited since."""
        known = await store.get(self._pool, name)
        markdown = next((each.markdown for each in known.proposals if each.id == proposal), known.markdown)

        async def decide(connection: Connection) -> None:
            await store.decide(connection, name, proposal, is_accepted=True, author=author)

        if not await self._committed(known, runbooks.edited(known, markdown), author, also=decide):
            raise Aborted(f"{name} changed after you read it; read it again", reason="STALE_ETAG", resource=name)
        return await store.get(self._pool, name)

    async def reject(self, name: str, proposal: str, *, author: str) -> Runbook:
        """The proposal is put away. Raises NotFound, FailedPrecondition."""
        await store.get(self._pool, name)
        async with self._pool.acquire() as connection, connection.transaction():
            await store.decide(connection, name, proposal, is_accepted=False, author=author)
        return await store.get(self._pool, name)

    async def use(self, name: str, *, incident: str, at: datetime | None, helped: bool) -> Runbook:
        """Counts a use, once per incident. Raises NotFound."""
        async with self._pool.acquire() as connection, connection.transaction():
            await store.use(connection, name, incident=incident, at=at or self._clock.now(), helped=helped)
        return await store.get(self._pool, name)

    async def _propose(self, known: Runbook, lesson: Lesson) -> Runbook:
        proposal = runbooks.proposal(known, lesson)
        learnt = runbooks.taught(known, lesson)
        async with self._pool.acquire() as connection, connection.transaction():
            await store.lock(connection, known.name)
            if proposal.markdown.strip() != known.markdown.strip():
                await store.propose(connection, known.name, proposal, at=self._clock.now())
            await store.keep_lesson(connection, learnt)
        return await store.get(self._pool, known.name)

    async def _committed(
        self,
        known: Runbook | None,
        after: Runbook,
        author: str,
        also: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> bool:
        """Whether `after` was stored; not when somebody else changed the runbook since `known` was read."""
        prepared = await self._remembering.prepare(await self._document(known, after))
        async with self._pool.acquire() as connection, connection.transaction():
            await store.lock(connection, after.name)
            present = await store.find(connection, after.name)
            if (present.revision if present else 0) != (known.revision if known else 0):
                return False
            if also is not None:
                await also(connection)
            found_as = await self._remembering.commit(connection, prepared, is_imported=False)
            stored = replace(after, document=found_as.document.name)
            await store.write(connection, stored, author=author, at=self._clock.now())
        self._follower.wake()
        return True

    async def _document(self, known: Runbook | None, after: Runbook) -> Document:
        """The document under which the runbook is found: an imported one keeps its identity and its facts."""
        document = runbooks.as_document(after)
        if known is None or not known.document:
            return document
        before = await document_store.get(self._pool, known.document)
        if before.source_id == document.source_id:
            return document
        return replace(before, title=after.title, markdown=after.markdown, kind=Kind.RUNBOOK)
