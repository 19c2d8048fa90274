"""Work that computes for longer than a breath, away from the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Offload:
    """A few threads for encoding, FAISS, compression and templates: what runs there releases the GIL or is rare.

    Used as a context manager, it waits at the end for what is under way.
    """

    def __init__(self, threads: int, name: str = "offload") -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns, or raises, on one of the threads.

        Cancelling stops waiting; a thread that has begun goes on to its end.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, partial(function, *args, **kwargs))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        self._executor.shutdown(wait=True, cancel_futures=True)
