"""Transitions of incidents, to the streams that wait for them: from PostgreSQL, in order of commit, none skipped."""

import asyncio
from collections.abc import AsyncIterator

from services.detection.incident import Incident, Kind
from services.detection.store import Store

_PAGE = 200
# Another process may write to the same database; ours wakes watchers at once.
_LOOK_AGAIN_S = 1.0


class Watch:
    """Wakes whoever waits. `changed()` after each commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: set[asyncio.Event] = set()

    def changed(self) -> None:
        """Something was committed."""
        for event in self._waiting:
            event.set()

    async def follow(self, after: int, stream: str, *, from_now: bool) -> AsyncIterator[tuple[int, Incident, Kind]]:
        """Every transition after a position, for ever."""
        position = await self._store.end() if from_now else after
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            while True:
                woken.clear()
                page = await self._store.transitions(position, stream, limit=_PAGE)
                for at, incident, kind in page:
                    position = at
                    yield at, incident, kind
                if len(page) < _PAGE:
                    await _wait(woken, _LOOK_AGAIN_S)
        finally:
            self._waiting.discard(woken)


async def _wait(event: asyncio.Event, at_most_s: float) -> None:
    try:
        async with asyncio.timeout(at_most_s):
            await event.wait()
    except TimeoutError:
        return
