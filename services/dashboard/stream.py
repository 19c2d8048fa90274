"""A Watch of a service as server-sent events: heartbeats while nothing happens, reconnection while it is away."""

import asyncio
from collections.abc import AsyncIterator, Callable

import orjson
from starlette.responses import StreamingResponse

from services.dashboard.errors import body_of
from shared.errors import AfteractionError, DeadlineExceeded, Unavailable

HEARTBEAT_S = 15.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 10.0
_END = object()

Event = tuple[str, str, object]
# Begins the watch (again).
Begin = Callable[[], AsyncIterator[Event]]


def event(name: str, identifier: str, data: object) -> bytes:
    """One event on the wire; JSON has no line breaks, so one data line holds it."""
    head = f"id: {identifier}\n" if identifier else ""
    return f"event: {name}\n{head}data: ".encode() + orjson.dumps(data) + b"\n\n"


def answer(begin: Begin, stopping: asyncio.Event) -> StreamingResponse:
    """Events until the client leaves or the dashboard stops."""
    return StreamingResponse(_events(begin, stopping), media_type="text/event-stream",
                             headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def _events(begin: Begin, stopping: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"retry: 2000\n\n"
    queue: asyncio.Queue[object] = asyncio.Queue(maxsize=100)
    # Owned by this generator: a TaskGroup may not be yielded out of.
    tasks = [asyncio.create_task(_read(begin, queue)), asyncio.create_task(_wait(stopping, queue))]
    try:
        while True:
            try:
                found = await asyncio.wait_for(queue.get(), HEARTBEAT_S)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if not isinstance(found, tuple):
                break
            yield event(*found)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait(stopping: asyncio.Event, queue: "asyncio.Queue[object]") -> None:
    await stopping.wait()
    await queue.put(_END)


async def _read(begin: Begin, queue: "asyncio.Queue[object]") -> None:
    """Puts what the watch says into `queue`; begins again, ever later, while its service is away."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            async for found in begin():
                await queue.put(found)
                pause_s = _FIRST_PAUSE_S
        except (Unavailable, DeadlineExceeded) as error:
            await queue.put(("unavailable", "", body_of(error)))
        except AfteractionError as error:
            await queue.put(("refused", "", body_of(error)))
            await queue.put(_END)
            return
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
