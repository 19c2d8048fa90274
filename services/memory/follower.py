"""Keeps what is searched in step with PostgreSQL: read what is above our position, apply it, wait to be told.

Every replica runs one. A notification only wakes it up early; that nothing is missed rests on the read, which also
happens every second unasked. Searches hold the collection of the moment and wait for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from services.memory.collection import Collection, Forgotten, Remembered, remembered
from services.memory.embedding import Batches
from services.memory.feedback import Voice, Voices
from services.memory.store import documents as store
from services.memory.store import feedback as feedback_store
from services.memory.store.positions import CHANNEL
from shared.errors import Unavailable
from shared.offload import Offload
from shared.postgres.pool import AWAY, Pool
from shared.telemetry.logs import logger

log = logger(__name__)

READ_EVERY_S = 1.0
MOST_CHANGES = 500  # documents in one read, so that a long catch-up becomes searchable as it goes


class Follower:
    """The collection as of the last read, and whoever waits for the next."""

    def __init__(self, pool: Pool, batches: Batches, offload: Offload, *, start: Collection) -> None:
        self._pool = pool
        self._batches = batches
        self._offload = offload
        self.collection = start
        self.voices = Voices()
        self._woken = asyncio.Event()
        self._changed = asyncio.Condition()
        self._reading = asyncio.Lock()

    async def run(self) -> None:
        """Reads until it is cancelled; PostgreSQL being away only makes the collection older."""
        is_away = False
        while True:
            try:
                async with self._pool.acquire() as connection:
                    await connection.add_listener(CHANNEL, self._told)
                    try:
                        while not connection.is_closed():
                            await self.catch_up()
                            if is_away:
                                log.info("database back", position=self.collection.position)
                                is_away = False
                            with suppress(TimeoutError):
                                async with asyncio.timeout(READ_EVERY_S):
                                    await self._woken.wait()
                            self._woken.clear()
                    finally:
                        if not connection.is_closed():
                            await connection.remove_listener(CHANNEL, self._told)
            except (*AWAY, TimeoutError) as error:
                if not is_away:
                    log.warning("database away, answering from memory", error_type=type(error).__name__)
                is_away = True
                await asyncio.sleep(READ_EVERY_S)

    async def keep_rebuilding(self) -> None:
        """Builds a graph whenever there are enough passages for one, beside searches and writes, until cancelled."""
        while True:
            await self.changed_since(self.collection.position if not self.collection.wants_rebuilding else -1)
            if self.collection.wants_rebuilding:
                await self._rebuild()

    async def _rebuild(self) -> None:
        async with self._reading:
            before = self.collection = self.collection.holding()
        log.info("index rebuilding", passages=before.passages)
        together = await self._offload.run(before.rebuilt)
        async with self._reading:
            if self.collection.held == before.held and self.collection.model == before.model:
                self.collection = await self._offload.run(self.collection.with_part, together, 0, before.held)
        log.info("index rebuilt", passages=len(together.index), type=together.index.type)

    def _told(self, *_: object) -> None:
        self._woken.set()

    def wake(self) -> None:
        """Something was just committed here: read now rather than at the next notification."""
        self._woken.set()

    async def catch_up(self) -> None:
        """Reads and applies all that is committed."""
        async with self._reading:
            while await self._read_once():
                pass

    async def restore(self, collection: Collection) -> None:
        """Begins from what a file held, before the first read; feedback is small and read whole."""
        self.voices = Voices(await self._said(0, collection.position, collection.model))
        self.collection = collection

    async def wait_for(self, position: int) -> None:
        """Returns when the collection covers `position`. Raises Unavailable when nobody ever reached it."""
        if self.collection.position >= position:
            return
        await self.catch_up()
        if self.collection.position < position:
            raise Unavailable(
                f"position {position} is not there, the newest is {self.collection.position}; "
                "it was given out by another database, or by one that has lost data",
                reason="POSITION_AHEAD",
                retry_after_s=1.0,
            )

    async def changed_since(self, position: int) -> None:
        """Returns when the collection is past `position`."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.collection.position > position)

    async def use(self, empty: Collection, batches: Batches) -> None:
        """Answers from now on with the model of `empty`, once everything known is in it; until then with the old."""
        async with self._reading:
            old, old_batches, old_voices = self.collection, self._batches, self.voices
            fresh, voices = empty, Voices()
            self._batches = batches
            try:
                is_more = True
                while is_more:
                    fresh, voices, is_more = await self._after(fresh, voices)
            except BaseException:
                self.collection, self._batches, self.voices = old, old_batches, old_voices
                raise
            self.collection, self.voices = fresh, voices
        async with self._changed:
            self._changed.notify_all()

    async def _read_once(self) -> bool:
        """Applies one read; True when there may be more."""
        before = self.collection
        after, voices, is_more = await self._after(before, self.voices)
        if after is before:
            return False
        self.collection, self.voices = after, voices
        async with self._changed:
            self._changed.notify_all()
        return is_more

    async def _after(self, before: Collection, voices: Voices) -> tuple[Collection, Voices, bool]:
        """Both after one more read, and whether there may be more to read."""
        changes, reached = await store.changes_after(self._pool, before.position, before.model, most=MOST_CHANGES)
        if reached == before.position:
            return before, voices, False
        said = await self._said(before.position, reached, before.model)
        prepared = await self._prepared(changes, before.model)
        after = await self._offload.run(before.with_changes, prepared, reached)
        voices = voices.without(frozenset(change.name for change in changes if change.document is None))
        return after, voices.joined_by(said) if said else voices, len(changes) == MOST_CHANGES

    async def _said(self, position: int, reached: int, model: str) -> list[Voice]:
        """Feedback above `position` up to `reached`, its queries embedded anew where another model had."""
        ready, others = await feedback_store.voices_after(self._pool, position, reached, model)
        if others:
            vectors = await self._batches.encode([query for _, query in others])
            ready += [replace(voice, vector=vector) for (voice, _), vector in zip(others, vectors, strict=True)]
        return ready

    async def _prepared(self, changes: Sequence[store.Change], model: str) -> list[Remembered | Forgotten]:
        """The changes with what search needs, embedding what the present model has not embedded yet."""
        prepared: list[Remembered | Forgotten] = []
        for change in changes:
            document, vectors = change.document, change.vectors
            if document is None:
                prepared.append(Forgotten(change.name, change.position))
                continue
            if vectors is None or len(vectors) != len(change.passages):
                vectors = await self._batches.encode([each.for_model(document.title) for each in change.passages])
                async with self._pool.acquire() as connection:
                    await store.write_vectors(connection, document.name, vectors, model)
            prepared.append(
                await self._offload.run(remembered, document, change.passages, vectors, change.position)
            )
        return prepared

