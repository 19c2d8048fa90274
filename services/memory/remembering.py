"""Keeping and forgetting documents: cut, embed, commit, and tell the follower."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.memory import passages, runbooks
from services.memory.documents import Document, Kind, Passage
from services.memory.embedding import Vectors
from services.memory.follower import Follower
from services.memory.models import Models
from services.memory.store import documents as store
from services.memory.store import runbooks as runbook_store
from services.memory.store.documents import Written
from shared.clock import Clock
from shared.errors import InvalidArgument
from shared.offload import Offload
from shared.postgres.pool import Connection, Pool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document with its passages and their vectors, ready to be committed."""

    document: Document
    passages: tuple[Passage, ...]
    vectors: Vectors
    model: str


class Remembering:
    """Writes documents; several at once, each in its own transaction."""

    def __init__(self, *, pool: Pool, models: Models, offload: Offload, follower: Follower, clock: Clock) -> None:
        self._pool = pool
        self._models = models
        self._offload = offload
        self._follower = follower
        self._clock = clock

    async def prepare(self, document: Document) -> Prepared:
        """`document` cut and embedded. Raises InvalidArgument when it cannot be stored."""
        check(document)
        model = self._models.active
        cut = await self._offload.run(
            passages.cut, document, model.encoder.count, most_pieces=model.encoder.most_pieces - 2
        )
        vectors = await model.batches.encode([each.for_model(document.title) for each in cut])
        return Prepared(document, tuple(cut), vectors, model.name)

    async def remember(self, document: Document) -> Written:
        """Stores `document`; when this returns it is committed. The same content again is not even embedded."""
        check(document)
        if await store.is_known(self._pool, document):
            prepared = Prepared(document, (), self._models.active.nothing(), self._models.active.name)
        else:
            prepared = await self.prepare(document)
        async with self._pool.acquire() as connection, connection.transaction():
            written = await self.commit(connection, prepared)
        self._follower.wake()
        return written

    async def known_as(self, document: Document) -> str:
        """Where the text of a document that is not there yet came from before; empty when it is new."""
        return await store.same_text(self._pool, document)

    async def commit(self, connection: Connection, prepared: Prepared, *, is_imported: bool = True) -> Written:
        """Stores what was prepared, in the caller's transaction; a runbook that a person brought joins the library.

        Of one that was edited here since, the new text becomes a proposal; nothing overwrites what a person wrote.
        """
        at = self._clock.now()
        is_runbook = is_imported and prepared.document.kind is Kind.RUNBOOK
        if is_runbook and prepared.passages and (waiting := await self._proposed(connection, prepared.document, at)):
            return waiting
        written = await store.write(
            connection, prepared.document, prepared.passages, prepared.vectors, prepared.model, at=at,
            is_brought=is_imported,
        )  # fmt: skip
        if is_runbook and not written.is_unchanged:
            await runbook_store.adopt(connection, written.document, at=at)
        return written

    async def _proposed(self, connection: Connection, document: Document, at: datetime) -> Written | None:
        """What is there, when a person edited it here and `document` therefore waits as a proposal."""
        named = replace(document, name=store.name_of(document))
        edited = await runbook_store.edited_here(connection, named)
        if edited is None or edited.markdown == document.markdown:
            return None
        await runbook_store.propose(connection, edited.name, runbooks.brought_again(edited, document.markdown), at=at)
        return await store.brought(connection, document)

    async def forget(self, name: str) -> int:
        """Empties the document and its passages; returns the position. Raises NotFound."""
        async with self._pool.acquire() as connection, connection.transaction():
            position = await store.forget(connection, name, at=self._clock.now())
        self._follower.wake()
        return position


def check(document: Document) -> None:
    """Raises InvalidArgument for what PostgreSQL cannot hold or nobody could find again."""
    for field in ("title", "markdown", "source_id", "url", "resolution", "stream"):
        if "\x00" in getattr(document, field):
            raise InvalidArgument(f"document.{field} holds a NUL character, which text cannot", reason="NUL_CHARACTER",
                                  field=f"document.{field}")  # fmt: skip
    for field in ("services", "tags", "alert_names", "log_patterns"):
        if any("\x00" in value for value in getattr(document, field)):
            raise InvalidArgument(f"document.{field} holds a NUL character, which text cannot", reason="NUL_CHARACTER",
                                  field=f"document.{field}")  # fmt: skip
    if not document.title.strip():
        raise InvalidArgument("document.title is blank; give it the words that one would look for",
                              reason="BLANK_TITLE", field="document.title")  # fmt: skip
    if not document.markdown.strip():
        raise InvalidArgument("document.markdown is blank", reason="BLANK_DOCUMENT", field="document.markdown")
