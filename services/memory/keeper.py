"""Keeps the index file: read at start, written when much has changed and at the end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from services.memory import snapshot
from services.memory.follower import Follower
from services.memory.store.positions import database_id, present_position
from shared.offload import Offload
from shared.postgres.pool import Pool
from shared.telemetry.logs import logger

log = logger(__name__)

KEEP_AFTER = 1000
"""Changes after which the file is written: as many are read again from PostgreSQL in a second or two."""


class Keeper:
    """One file, for one service. Each replica has its own; two writing the same would only take turns."""

    def __init__(self, path: Path, *, pool: Pool, offload: Offload, follower: Follower) -> None:
        self._path = path
        self._pool = pool
        self._offload = offload
        self._follower = follower
        self._kept = 0

    async def restore(self) -> None:
        """Takes the file's collection where it can be used, and says why where it cannot."""
        empty = self._follower.collection
        async with self._pool.acquire() as connection:
            newest = await present_position(connection)
        try:
            collection = await self._offload.run(
                snapshot.load, self._path, database=await database_id(self._pool), model=empty.model,
                dimension=empty.dimension, newest=newest,
            )  # fmt: skip
        except snapshot.Unusable as unusable:
            if newest:
                log.info("index file not used", reason=unusable.reason, position=newest)
            return
        # How large an exact part may be is a setting of today, not of the file.
        await self._follower.restore(replace(collection, flat_up_to=empty.flat_up_to))
        self._kept = collection.position
        log.info("index file used", position=collection.position, newest=newest, passages=collection.passages)

    async def run(self) -> None:
        """Writes the file whenever enough has changed, until cancelled."""
        while True:
            await self._follower.changed_since(self._kept + KEEP_AFTER - 1)
            await self.keep()

    async def keep(self) -> None:
        """Writes the file when anything changed. A full disk costs the file, not the service."""
        collection = self._follower.collection
        if collection.position == self._kept:
            return
        try:
            size = await self._offload.run(
                snapshot.save, collection, self._path, database=await database_id(self._pool)
            )
        except OSError as error:
            log.warning("index file cannot be written", error_type=type(error).__name__, path=str(self._path))
        else:
            log.info("index file written", position=collection.position, bytes=size)
        self._kept = collection.position
