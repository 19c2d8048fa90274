"""Whom others wait for goes first: the first card and draft of an incident before any that is only completed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

# However much there is to do, what was late is made whole some time.
LONGEST_S = 15.0


class Precedence:
    """Lets the urgent through at once, and the patient one at a time while nothing is urgent."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._urgent = 0
        self._is_free = asyncio.Event()
        self._is_free.set()
        self._one = asyncio.Lock()

    @asynccontextmanager
    async def urgent(self) -> AsyncIterator[None]:
        """Somebody waits for what is done in the block."""
        self._urgent += 1
        self._is_free.clear()
        try:
            yield
        finally:
            self._urgent -= 1
            if not self._urgent:
                self._is_free.set()

    @asynccontextmanager
    async def patient(self) -> AsyncIterator[None]:
        """Nobody does; the block begins when nothing is urgent, and after the longest wait all the same."""
        async with self._one:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_free.wait(), self._longest_s)
            yield
