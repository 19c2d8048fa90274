"""The memory service, put together from settings."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import faiss

from afteraction.v1.memory_service_pb2_grpc import add_MemoryServiceServicer_to_server
from services.memory.collection import Collection
from services.memory.embedding import Batches, Encoder
from services.memory.finding import Finding
from services.memory.follower import Follower
from services.memory.keeper import Keeper
from services.memory.library import Library
from services.memory.models import Model, Models
from services.memory.reembedding import Reembedding
from services.memory.remembering import Remembering
from services.memory.service import MemoryService
from services.memory.settings import Settings
from services.memory.store import models as model_store
from shared.clock import Clock, SystemClock
from shared.lifecycle import Background
from shared.offload import Offload
from shared.postgres.migrations import migrate
from shared.postgres.pool import Pool, database_url, open_pool
from shared.rpc.server import Server
from shared.settings import Common, load, read_file
from shared.telemetry.exporting import exporting

SCHEMA = "memory"
MIGRATIONS = "services.memory.migrations"
NAME = "afteraction.v1.MemoryService"


@asynccontextmanager
async def servicer(
    pool: Pool,
    settings: Settings,
    clock: Clock,
    load: Callable[..., Encoder] = Encoder,
    *,
    index_file: Path | None = None,
) -> AsyncIterator[MemoryService]:
    """The service on a migrated database, caught up and following; stopped when the block ends.

    index_file: where the index is kept between runs; None: it is built from PostgreSQL each time.
    """
    faiss.omp_set_num_threads(settings.encoding_threads)
    load_model = partial(load, threads=settings.encoding_threads)
    async with AsyncExitStack() as stack:
        # The model computes on a thread of its own: searches never queue behind an import's passages.
        encoding = stack.enter_context(Offload(1, "encoding"))
        searching = stack.enter_context(Offload(settings.search_threads, "searching"))
        state = await model_store.at_start(pool, settings.model)
        encoder = await encoding.run(load_model, state.active)
        batches = await stack.enter_async_context(Batches(encoder.encode, encoding.run))
        models = Models(Model(encoder, batches))
        empty = Collection(encoder.name, encoder.dimension, flat_up_to=settings.flat_up_to)
        follower = Follower(pool, batches, searching, start=empty)
        if index_file is not None:
            keeper = Keeper(index_file, pool=pool, offload=searching, follower=follower)
            await keeper.restore()
        await follower.catch_up()
        remembering = Remembering(pool=pool, models=models, offload=searching, follower=follower, clock=clock)
        reembedding = Reembedding(
            pool=pool, models=models, follower=follower, encoding=encoding, load=load_model, stack=stack
        )
        background = await stack.enter_async_context(Background())
        background.start(follower.run(), name="follower")
        background.start(follower.keep_rebuilding(), name="rebuilding")
        background.start(reembedding.run(), name="re-embedding")
        if index_file is not None:
            stack.push_async_callback(keeper.keep)
            background.start(keeper.run(), name="index file")
        yield MemoryService(
            pool=pool,
            models=models,
            follower=follower,
            remembering=remembering,
            finding=Finding(pool=pool, models=models, offload=searching, follower=follower),
            library=Library(pool=pool, remembering=remembering, follower=follower, clock=clock),
            reembedding=reembedding,
            offload=searching,
            clock=clock,
        )


@asynccontextmanager
async def memory(common: Common, settings: Settings) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port."""
    with exporting("memory", common):
        async with open_pool(database_url(common), schema=SCHEMA, size=settings.database_connections) as pool:
            await migrate(pool, SCHEMA, MIGRATIONS)
            index_file = common.data_directory / "memory" / "index"
            async with servicer(pool, settings, SystemClock(), index_file=index_file) as service:
                register = partial(add_MemoryServiceServicer_to_server, service)
                async with Server(common.memory_address, common, [register], names=[NAME]) as server:
                    yield server.port


@asynccontextmanager
async def composition() -> AsyncIterator[int]:
    """The memory service from the environment and the settings file."""
    file = read_file(os.environ)
    common = load(Common, section="", environ=os.environ, file=file)
    async with memory(common, load(Settings, section="memory", environ=os.environ, file=file)) as port:
        yield port
