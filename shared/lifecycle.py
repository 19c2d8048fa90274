"""The life of a process: start, serve until told to stop, drain, end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, suppress
from typing import NoReturn

from shared.settings import SettingsError
from shared.telemetry.logs import configure, logger

log = logger(__name__)

# What a service's composition yields while it serves; leaving it drains in reverse order.
Composition = Callable[[], AbstractAsyncContextManager[object]]


def main(service: str, composition: Composition, *, log_level: str = "INFO") -> NoReturn:
    """Runs the service until SIGTERM or SIGINT, then ends the process.

    Exit codes: 0 after a clean stop, 2 when a setting is wrong, 1 on anything else.
    """
    configure(service, log_level)
    try:
        asyncio.run(_serve(service, composition))
    except SettingsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except Exception as error:  # the outermost place: say it, end, be started again
        log.error("service failed", error, pid=os.getpid())
        sys.exit(1)
    sys.exit(0)


async def _serve(service: str, composition: Composition) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    async with composition():
        log.info("service ready", service=service, pid=os.getpid())
        await stopping.wait()
        log.info("service stopping", service=service, pid=os.getpid())
    log.info("service stopped", service=service, pid=os.getpid())


class Background:
    """Tasks that run beside the server and end with it. When one of them fails, the process must not go on without it:
    the failure ends the block that owns them.

    async with Background() as background:
        background.start(follower.run())
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._owner: asyncio.Task[object] | None = None
        self._failure: BaseException | None = None

    async def __aenter__(self) -> "Background":
        self._owner = asyncio.current_task()
        return self

    def start(self, work: Coroutine[object, object, None], *, name: str = "") -> None:
        """Begins `work`, which runs until it is cancelled."""
        task = asyncio.create_task(work, name=name or None)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or task.exception() is None:
            return
        if self._failure is None:
            self._failure = task.exception()
            if self._owner is not None:
                self._owner.cancel()

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._failure is not None:
            if self._owner is not None:
                self._owner.uncancel()
            raise self._failure
