"""From one embedding model to another: every passage is embedded behind, then all switch at once.

Until the switch, search answers from the old index. Which model is to come stands in PostgreSQL; one replica does the
work for all, and one that is killed leaves what it has done to the next.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress

from services.memory.collection import Collection
from services.memory.documents import under_title
from services.memory.embedding import Batches, Encoder
from services.memory.follower import Follower
from services.memory.models import Model, Models
from services.memory.store import documents as document_store
from services.memory.store import models as store
from shared.errors import AfteractionError
from shared.offload import Offload
from shared.postgres.pool import AWAY, Pool
from shared.telemetry.logs import logger

log = logger(__name__)

LOOK_EVERY_S = 2.0
AT_ONCE = 16

Load = Callable[[str], Encoder]


class Reembedding:
    """Brings in another model when asked, and follows when another replica has."""

    def __init__(
        self, *, pool: Pool, models: Models, follower: Follower, encoding: Offload, load: Load, stack: AsyncExitStack
    ) -> None:
        """load: makes the encoder of a name. stack: what a new model opens is closed with it."""
        self._pool = pool
        self._models = models
        self._follower = follower
        self._encoding = encoding
        self._load = load
        self._stack = stack
        self._asked = asyncio.Event()
        self._coming: Model | None = None
        self.next_model = ""
        self.passages = 0

    async def begin(self, name: str) -> None:
        """Asks for the model `name`. Raises InvalidArgument when this machine has no such model."""
        if name != self._models.active.name:
            await self._loaded(name)
            self.next_model = name
        await store.bring_in(self._pool, name)
        self._asked.set()

    async def run(self) -> None:
        """Looks, works and switches until it is cancelled."""
        while True:
            try:
                await self._once()
            except AWAY as error:
                log.warning("re-embedding waits for the database", error_type=type(error).__name__)
            except AfteractionError as error:
                log.error("model cannot be brought in", error, model=self.next_model)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._asked.wait()
            self._asked.clear()

    async def _once(self) -> None:
        state = await store.state(self._pool)
        self.next_model = state.next
        if state.active != self._models.active.name:
            await self._switch(await self._loaded(state.active))
        elif state.next:
            async with self._pool.acquire() as connection:
                if await store.is_mine(connection):
                    try:
                        await self._bring_in(await self._loaded(state.next))
                    finally:
                        await store.leave(connection)

    async def _bring_in(self, model: Model) -> None:
        log.info("re-embedding begun", model=model.name)
        self.passages = 0
        while names := await store.without_vectors(self._pool, model.name, most=AT_ONCE):
            for name in names:
                await self._embed(name, model)
            if (await store.state(self._pool)).next != model.name:
                return
        if await store.switch(self._pool, model.name):
            await self._switch(model)
        log.info("re-embedding done", model=model.name, passages=self.passages)

    async def _embed(self, name: str, model: Model) -> None:
        """Embeds a document as it is cut now; a model that reads less sees the beginning of its longest passages."""
        if (found := await store.passages(self._pool, name)) is None:
            return
        title, texts = found
        vectors = await model.batches.encode([under_title(title, text) for text in texts])
        async with self._pool.acquire() as connection:
            await document_store.write_vectors(connection, name, vectors, model.name)
        self.passages += len(texts)

    async def _switch(self, model: Model) -> None:
        old = self._follower.collection
        fresh = Collection(model.name, model.encoder.dimension, flat_up_to=old.flat_up_to)
        await self._follower.use(fresh, model.batches)
        self._models.active = model
        self._coming, self.next_model = None, ""

    async def _loaded(self, name: str) -> Model:
        if self._coming is None or self._coming.name != name:
            encoder = await self._encoding.run(self._load, name)
            batches = await self._stack.enter_async_context(Batches(encoder.encode, self._encoding.run))
            self._coming = Model(encoder, batches)
        return self._coming

