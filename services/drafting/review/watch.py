"""Wakes those who watch post-mortems when something was committed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from shared.postgres.pool import AWAY, Pool
from shared.telemetry.logs import logger

log = logger(__name__)

# A notification can be lost with the connection that listens; watchers look by themselves this often.
_LOOK_AGAIN_S = 5.0


class Changes:
    """One connection listens for everybody."""

    def __init__(self, pool: Pool, channel: str) -> None:
        self._pool = pool
        self._channel = channel
        self._changed = asyncio.Event()

    async def rounds(self) -> AsyncIterator[None]:
        """Yields at once, then whenever there may be something new."""
        while True:
            changed = self._changed
            yield
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_AGAIN_S):
                    await changed.wait()

    async def run(self) -> None:
        """Listens until it is cancelled; a lost connection is made anew."""
        while True:
            try:
                await self._listen()
            except AWAY as error:
                log.warning("listening interrupted", channel=self._channel, error=type(error).__name__)
                await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        async with self._pool.acquire() as connection:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(self._channel, self._wake)
            self._wake()
            try:
                await lost.wait()
            finally:
                if not connection.is_closed():
                    await connection.remove_listener(self._channel, self._wake)

    def _wake(self, *_: object) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
