"""What lives is set aside while ingestion runs, and no longer."""

import asyncio
import gc
from contextlib import suppress

from services.ingestion.garbage import tidying


async def test_what_lives_is_set_aside_until_the_end() -> None:
    threshold, frozen = gc.get_threshold(), gc.get_freeze_count()

    task = asyncio.create_task(tidying())
    await asyncio.sleep(0)
    while_running = gc.get_freeze_count(), gc.get_threshold()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

    assert while_running[0] > frozen
    assert while_running[1] != threshold
    assert (gc.get_freeze_count(), gc.get_threshold()) == (0, threshold)
