"""Group commit: requests that arrive while a transaction runs share the next one.

Whoever submits waits until what it brought is durable. One transaction at a time keeps the lock on positions short and
costs one fsync for the whole group.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from services.ingestion import watermark
from services.ingestion.columns import Times
from services.ingestion.settings import Settings
from services.ingestion.store.log import MARK, Entry, TelemetryLog
from services.ingestion.watermark import LIVE, Progress, Sender
from shared.clock import Clock
from shared.errors import FailedPrecondition
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)
_MOST_IN_GROUP = 256
_MOST_BYTES_IN_GROUP = 16 * 1024 * 1024
_TICK_S = 5.0
# How far the live watermark must be able to advance for a row that says so and nothing else.
_LEAST_STEP_NS = 15_000_000_000
# A transaction that takes longer is taken to be lost: whoever waits is told to try again.
_COMMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class _Pending:
    entry: Entry
    sender: str
    times: Times
    size: int
    mark: tuple[int, bool] | None
    done: "asyncio.Future[int]"


class Committer:
    """The one writer of a process."""

    def __init__(self, log: TelemetryLog, settings: Settings, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._lateness_ns = int(settings.lateness.total_seconds() * 1e9)
        self._timeout_ns = int(settings.sender_timeout.total_seconds() * 1e9)
        self._tolerance_ns = int(settings.future_tolerance.total_seconds() * 1e9)
        self._queue: list[_Pending] = []
        self._arrived = asyncio.Event()
        self._senders: dict[str, Sender] = {}
        self._progress: dict[str, Progress] = {}
        self._listeners: set[Callable[[], None]] = set()
        self.late_items = 0
        self.future_items = 0

    def restore(self, progress: Mapping[str, Progress], senders: Mapping[str, Sender]) -> None:
        """Takes over what an earlier life knew."""
        self._progress = dict(progress)
        self._senders = dict(senders)

    @property
    def senders(self) -> Mapping[str, Sender]:
        """Of the live stream."""
        return self._senders

    def progress(self, stream: str) -> Progress:
        """As of the last commit."""
        return self._progress.get(stream, Progress())

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls `listener` after each commit, until what is returned is called."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def announce(self) -> None:
        """Tells those who follow the log that it has grown."""
        for listener in tuple(self._listeners):
            listener()

    async def submit(self, entry: Entry, *, sender: str, size: int) -> int:
        """Waits until the entry is durable; its last position, 0 when it had been stored before."""
        return await asyncio.shield(self.queue(entry, sender=sender, size=size))

    def queue(self, entry: Entry, *, sender: str, size: int) -> "asyncio.Future[int]":
        """The same for whoever must learn what becomes of the entry even when nobody waits any more."""
        self._refuse_closed(entry.stream)
        return self._queued(entry, sender, np.concatenate([chunk.times for chunk in entry.chunks]), size, None)

    async def mark(self, stream: str, complete_until: int, is_last: bool) -> int:
        """Says how far a stream is complete; the position of the mark. The same mark again changes nothing."""
        if stream == LIVE and is_last:
            raise FailedPrecondition("the live stream has no end; close a stream of your own", reason="LIVE_STREAM",
                                     resource=stream)
        if self.progress(stream).is_closed and is_last:
            return await self._log.head()
        self._refuse_closed(stream)
        return await asyncio.shield(self._queued(Entry(stream, (MARK,)), "", MARK.times, 0, (complete_until, is_last)))

    def _refuse_closed(self, stream: str) -> None:
        if self.progress(stream).is_closed:
            raise FailedPrecondition(f"stream {stream!r} is closed: its last time mark was given; send to a new one",
                                     reason="STREAM_CLOSED", resource=stream)

    def _queued(self, entry: Entry, sender: str, times: Times, size: int,
                mark: tuple[int, bool] | None) -> "asyncio.Future[int]":
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._queue.append(_Pending(entry, sender, times, size, mark, done))
        self._arrived.set()
        return done

    async def run(self) -> None:
        """Commits groups until cancelled; what is queued then is committed first."""
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._queue:
                    await self._commit(self._next_group())
        finally:
            while self._queue:
                await self._commit(self._next_group())

    async def tick(self) -> None:
        """Lets senders that fell silent go: when the live watermark may advance by that, a row says so."""
        while True:
            await asyncio.sleep(_TICK_S)
            before = self.progress(LIVE)
            after = self._live(before, self._now())
            if after.watermark - before.watermark >= _LEAST_STEP_NS and not self._queue:
                await asyncio.shield(self._queued(Entry(LIVE, (MARK,)), "", MARK.times, 0, None))

    def _now(self) -> int:
        return int(self._clock.now().timestamp() * 1e9)

    def _live(self, before: Progress, now: int) -> Progress:
        self._senders = watermark.active(self._senders, now, self._timeout_ns)
        return watermark.advance(before, self._senders, self._lateness_ns, now=now, timeout_ns=self._timeout_ns)

    def _next_group(self) -> list[_Pending]:
        size, count = 0, 0
        for pending in self._queue:
            if count and (count >= _MOST_IN_GROUP or size + pending.size > _MOST_BYTES_IN_GROUP):
                break
            size += pending.size
            count += 1
        group, self._queue = self._queue[:count], self._queue[count:]
        return group

    async def _commit(self, group: list[_Pending]) -> None:
        at = self._clock.now()
        progress = self._judged(group, int(at.timestamp() * 1e9))
        try:
            await self._append(group, progress, at)
        except AWAY as error:
            _tell(group, error)
        except Exception as error:
            if len(group) == 1:
                _tell(group, error)
                return
            # One of them cannot be stored: the others must not pay for it.
            log.warning("group failed, storing its entries one by one", entries=len(group), error=type(error).__name__)
            for pending, reached in zip(group, progress, strict=True):
                await self._commit_alone(pending, reached, at)
        except BaseException:
            _tell(group, ConnectionError("stopping"))
            raise

    async def _commit_alone(self, pending: _Pending, reached: Progress, at: datetime) -> None:
        try:
            await self._append([pending], [reached], at)
        except Exception as error:
            _tell([pending], error)
        except BaseException:
            _tell([pending], ConnectionError("stopping"))
            raise

    async def _append(self, group: list[_Pending], progress: list[Progress], at: datetime) -> None:
        async with asyncio.timeout(_COMMIT_S):
            positions = await self._log.append([pending.entry for pending in group], progress, at)
        for pending, position, reached in zip(group, positions, progress, strict=True):
            self._progress[pending.entry.stream] = reached
            if not pending.done.done():
                pending.done.set_result(position)
        self.announce()

    def _judged(self, group: list[_Pending], now: int) -> list[Progress]:
        """The progress of each one's stream once it is in."""
        found: list[Progress] = []
        progress: dict[str, Progress] = {}
        for pending in group:
            stream = pending.entry.stream
            before = progress.get(stream, self.progress(stream))
            self.late_items += int((pending.times < before.watermark).sum())
            if pending.mark:
                before = watermark.marked(before, *pending.mark)
            elif stream == LIVE:
                if pending.sender:
                    self.future_items += int((pending.times > now + self._tolerance_ns).sum())
                    self._senders = watermark.heard(self._senders, pending.sender, pending.times, now,
                                                    self._tolerance_ns)
                before = self._live(before, now)
            progress[stream] = before
            found.append(before)
        return found


def _tell(group: Iterable[_Pending], error: Exception) -> None:
    """Whoever waits tries again, and what was committed after all is recognised then."""
    for pending in group:
        if not pending.done.done():
            pending.done.set_exception(error)
            pending.done.exception()
