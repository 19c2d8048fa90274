"""What follows a publication: memory remembers, a runbook is learnt, Git and trackers hear of it.

Each consequence is a row of the outbox, tried until it came about. A try may have come about although its answer was
lost: every task says the same thing under the same id again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import timedelta

from services.drafting.review.life import Postmortem
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.publications import Publication, PublicationStore
from shared.clock import Clock
from shared.errors import AfteractionError
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)

# Brings one consequence of a published revision about, whose text the value has even where an amendment has begun;
# raises an AfteractionError to be called again later.
Task = Callable[[Postmortem], Awaitable[None]]
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 300.0
# Without a publication the outbox is looked at this often all the same.
_IDLE_S = 30.0


def delay_s(attempts: int, retry_after_s: float | None = None) -> float:
    """How long to wait after so many failed tries: doubling, at most five minutes, not before the other side said."""
    return max(min(_FIRST_DELAY_S * 2.0 ** min(attempts, 20), _LONGEST_DELAY_S), retry_after_s or 0.0)


class Publisher:
    """Works off the outbox."""

    def __init__(
        self, *, postmortems: PostmortemStore, publications: PublicationStore, tasks: Mapping[str, Task], clock: Clock
    ) -> None:
        """tasks: by name; a task that is not configured has nothing to do and is done."""
        self._postmortems = postmortems
        self._publications = publications
        self._tasks = tasks
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Something was published just now."""
        self._wake.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        while True:
            self._wake.clear()
            try:
                await self.work_off()
                pause_s = await self._pause_s()
            except AWAY as error:
                log.warning("outbox interrupted", error=type(error).__name__)
                pause_s = _FIRST_DELAY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def work_off(self) -> int:
        """Tries everything that is due now, once; returns how much of it came about."""
        done = 0
        for publication in await self._publications.due(self._clock.now()):
            done += await self._try(publication)
        return done

    async def _try(self, publication: Publication) -> bool:
        task = self._tasks.get(publication.task)
        try:
            if task is not None:
                await task(await self._postmortems.published(publication.postmortem, publication.revision))
        except AfteractionError as error:
            wait_s = delay_s(publication.attempts, error.retry_after_s)
            until = self._clock.now() + timedelta(seconds=wait_s)
            await self._publications.postpone(publication, until, error.reason)
            if publication.attempts == 0:
                log.warning(
                    "publication postponed",
                    postmortem=publication.postmortem,
                    task=publication.task,
                    reason=error.reason,
                )
            return False
        await self._publications.finish(publication, self._clock.now())
        if task is not None:
            log.info("publication completed", postmortem=publication.postmortem, task=publication.task)
        return True

    async def _pause_s(self) -> float:
        due = await self._publications.next_due()
        if due is None:
            return _IDLE_S
        return min(max((due - self._clock.now()).total_seconds(), 0.05), _IDLE_S)
