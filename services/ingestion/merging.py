"""The background work that makes blocks of chunks: whenever enough of a service and signal wait.

Nothing depends on it but the time that a window takes: what is not merged yet is read from its chunks.
"""

import asyncio
from collections import Counter

from services.ingestion.blocks import merged
from services.ingestion.store.blocks import BlockStore, Key
from services.ingestion.store.log import TelemetryLog
from shared.offload import Offload

# Fewer are read one by one; a window meets no more than these of each service and signal.
LEAST_CHUNKS = 64
# Between two merges, so that requests find the interpreter free.
_PAUSE_S = 0.002


class Merging:
    """Counts what comes, and merges what is enough."""

    def __init__(self, *, blocks: BlockStore, log: TelemetryLog, offload: Offload) -> None:
        self._blocks = blocks
        self._log = log
        self._offload = offload
        self._waiting: Counter[Key] = Counter()
        self._counted: int | None = None

    async def merge(self) -> int:
        """Merges once whatever is enough by now; how many chunks that were."""
        until = await self._log.head()
        self._waiting.update(await self._blocks.waiting(until) if self._counted is None
                             else await self._blocks.since(self._counted, until))
        self._counted = until
        done = 0
        for key in [key for key, waiting in self._waiting.items() if waiting >= LEAST_CHUNKS]:
            done += await self._merge(key)
        return done

    async def _merge(self, key: Key) -> int:
        done = 0
        while self._waiting[key] >= LEAST_CHUNKS:
            count = await self._blocks.merge(key, LEAST_CHUNKS,
                                             lambda signal, parts: self._offload.run(merged, signal, parts))
            if not count:
                # Another process was here before.
                del self._waiting[key]
                break
            done += count
            self._waiting[key] -= count
            await asyncio.sleep(_PAUSE_S)
        return done
