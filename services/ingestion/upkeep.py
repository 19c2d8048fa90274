"""What is done every few seconds beside the requests: counts made durable, chunks merged, partitions made and
dropped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from services.ingestion.committer import Committer
from services.ingestion.doors import Doors
from services.ingestion.intake import Intake
from services.ingestion.merging import Merging
from services.ingestion.settings import Settings
from services.ingestion.store.bookkeeping import Bookkeeping
from services.ingestion.store.log import TelemetryLog
from shared.clock import Clock
from shared.offload import Offload
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)
_SAVE_S = 5.0
_MERGE_S = 2.0
_RETAIN_S = 60.0
# Asking which series are in use makes readers look them up anew.
_FORGET_S = 3600.0


def droppable(partitions: Sequence[tuple[str, datetime, int]], cursors: Sequence[int],
              before: datetime) -> list[str]:
    """Partitions whose rows all arrived before `before`, and that every reader has read to the end."""
    least = min(cursors, default=0)
    return [name for name, end, highest in partitions if end <= before and (highest <= least or not cursors)]


class Upkeep:
    """The background work of the service."""

    def __init__(self, *, bookkeeping: Bookkeeping, telemetry_log: TelemetryLog, committer: Committer, intake: Intake,
                 doors: Doors, merging: Merging, offload: Offload, settings: Settings, clock: Clock) -> None:
        self._bookkeeping = bookkeeping
        self._log = telemetry_log
        self._committer = committer
        self._intake = intake
        self._doors = doors
        self._merging = merging
        self._offload = offload
        self._settings = settings
        self._clock = clock
        self._forgot_at: datetime | None = None

    async def saving(self) -> None:
        """Makes the counts durable every few seconds, and a last time when the service stops."""
        try:
            await self._every(_SAVE_S, self.save)
        finally:
            try:
                await asyncio.shield(self.save())
            except AWAY as error:
                log.warning("counts of the last seconds are lost", error=type(error).__name__)

    async def merging(self) -> None:
        """Keeps windows quick to read."""
        await self._every(_MERGE_S, self._merging.merge)

    async def retaining(self) -> None:
        """Keeps what retention says, and the partition of tomorrow ready."""
        await self._every(_RETAIN_S, self.retain)

    async def save(self) -> None:
        """Counts of doors and what was turned away, as they are now."""
        counters = {("late_items", ""): self._committer.late_items, ("future_items", ""): self._committer.future_items}
        dropped = dict(self._intake.registry.dropped)
        await self._bookkeeping.save(self._doors, counters | {("dropped_series", service): count
                                                              for service, count in dropped.items()})

    async def retain(self) -> None:
        """Drops what is older than the retention and read by every reader."""
        now = self._clock.now()
        await self._bookkeeping.forget_deliveries(now - self._settings.duplicate_window)
        await self._log.prepare(now + timedelta(days=1))
        before = now - self._settings.retention
        cursors = await self._bookkeeping.cursors()
        for name in droppable(await self._bookkeeping.partitions(), list(cursors.values()), before):
            await self._bookkeeping.drop(name)
            log.info("partition dropped", partition=name)
        if self._forgot_at is None or (now - self._forgot_at).total_seconds() >= _FORGET_S:
            await self._forget_series(now, before)
            self._forgot_at = now

    async def _forget_series(self, now: datetime, before: datetime) -> None:
        """Removes events and series that nobody has sent since `before`; what is in use is kept first."""
        used = await self._offload.run(self._intake.registry.take_used)
        await self._bookkeeping.touch_series(used, now)
        gone = await self._bookkeeping.forget_before(before)
        if gone:
            await self._offload.run(self._intake.registry.forget, gone)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        is_away = False
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
                is_away = False
            except AWAY as error:
                if not is_away:
                    log.warning("upkeep waits for the database", error=type(error).__name__)
                is_away = True
            except Exception as error:  # the outermost loop: what is accepted does not depend on upkeep
                log.error("upkeep failed", error, work=work.__name__)
