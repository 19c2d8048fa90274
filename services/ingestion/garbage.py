"""Python's garbage collector, at times of our choosing.

What ingestion remembers (spans, patterns, series) are some hundred thousand objects that live on and are in no cycle.
The collector walks over all of them whenever a quarter as many new ones have come, several times a minute under load,
and every request waits for it, 100 ms and more. So what lives is set aside each minute, and looked at now and then.
"""

import asyncio
import gc

_EVERY_S = 60.0
# Of so many turns one looks at everything.
_TURNS = 15
# Requests make thousands of objects that are gone when they end: 700, the default, is less than one needs.
_YOUNG, _MIDDLE, _OLD = 20_000, 20, 20


async def tidying() -> None:
    """Sets aside what lives, until it is cancelled; then everything is as it was."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
    gc.freeze()
    turn = 0
    try:
        while True:
            await asyncio.sleep(_EVERY_S)
            turn += 1
            if turn % _TURNS == 0:
                gc.unfreeze()
                gc.collect()
            gc.freeze()
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
