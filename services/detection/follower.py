"""Reads the telemetry log, lets the detectors decide, commits what followed together with the position.

After a start it reads again from the checkpoint. What follows from rows at or before the committed cursor was committed
before: it rebuilds the detectors and is not stored a second time. Ingestion may forget only what lies before the
checkpoint, so that the log can always be read again from there.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import replace
from datetime import datetime
from typing import Protocol, cast

from afteraction.v1.ingestion_service_pb2 import CommitCursorRequest, TailRequest, TailResponse
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from services.detection import checkpoints, messages
from services.detection.detector import StreamDetector, Tuning
from services.detection.incident import Transition
from services.detection.series import Series
from services.detection.store import Store, StreamState
from services.detection.watch import Watch
from shared.clock import Clock
from shared.errors import AfteractionError
from shared.offload import Offload
from shared.rpc.client import Channel
from shared.telemetry.logs import logger
from shared.timestamps import from_proto

READER = "detection"
log = logger(__name__)
# Without transitions the cursor is committed this often: reading a few rows again costs less than a commit each.
_COMMIT_EVERY_S = 0.5
_COMMIT_EVERY_ROWS = 500
_BACK_OFF_S = 0.2
_BACK_OFF_AT_MOST_S = 5.0


class Log(Protocol):
    """The telemetry log as this reads it: ingestion, or rows that a test wrote."""

    def tail(self, after_position: int) -> AsyncIterator[TailResponse]:
        """Rows after a position, in order of commit, for ever."""
        ...

    async def commit_cursor(self, position: int) -> None:
        """What lies at or before `position` will not be asked for again."""
        ...


class IngestionLog:
    """The log behind ingestion's RPCs."""

    def __init__(self, channel: Channel) -> None:
        self._ingestion = channel.stub(IngestionServiceStub)

    def tail(self, after_position: int) -> AsyncIterator[TailResponse]:
        return cast(AsyncIterator[TailResponse], self._ingestion.Tail(
            TailRequest(after_position=after_position, follow=True)))

    async def commit_cursor(self, position: int) -> None:
        await self._ingestion.CommitCursor(CommitCursorRequest(reader=READER, position=position))


class Follower:
    """One reader of the log, for all streams."""

    def __init__(self, *, log: Log, store: Store, watch: Watch, offload: Offload, clock: Clock, tuning: Tuning,
                 checkpoint_interval_s: float) -> None:
        self._log = log
        self._store = store
        self._watch = watch
        self._offload = offload
        self._clock = clock
        self._tuning = tuning
        self._checkpoint_interval_s = checkpoint_interval_s
        self._detectors: dict[str, StreamDetector] = {}
        self._states: dict[str, StreamState] = {}
        self._defined: dict[int, Series] = {}
        self._touched: set[str] = set()
        self._steps: list[Transition] = []
        self._position = 0
        self._committed = 0
        self._checkpoint = 0
        self._rows = 0
        self._committed_s = 0.0
        self._checkpoint_s = 0.0

    @property
    def position(self) -> int:
        """Position of the last row that was taken."""
        return self._position

    async def run(self) -> None:
        """Follows until cancelled; when the log is away it comes back to it."""
        wait_s = _BACK_OFF_S
        while True:
            try:
                await self.start()
                async with aclosing(self._log.tail(self._position)) as rows:  # type: ignore[type-var]
                    async for row in rows:
                        wait_s = _BACK_OFF_S
                        await self.take(row)
            except AfteractionError as error:
                if wait_s == _BACK_OFF_S:
                    log.warning("telemetry log away", reason=error.reason, position=self._position)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _BACK_OFF_AT_MOST_S)

    async def start(self) -> None:
        """Goes back to the checkpoint: also after an error, since what was not committed must be decided again."""
        self._committed = await self._store.cursor()
        self._states = {each.stream: each for each in await self._store.streams()}
        self._detectors, self._position, self._steps, self._touched, self._defined = {}, 0, [], set(), {}
        kept = await self._store.checkpoint(await self._offload.run(checkpoints.version))
        if kept is not None:
            try:
                self._detectors = await self._offload.run(checkpoints.unpack, kept[1])
                self._position = self._checkpoint = kept[0]
            except checkpoints.UNREADABLE as error:
                # It is a cache of what the log says: reading the log again costs time, nothing else.
                log.warning("checkpoint cannot be read; the log is read again", position=kept[0], reason=str(error))
        self._committed_s = self._checkpoint_s = time.monotonic()
        log.info("detection reads the log", position=self._position, committed=self._committed,
                 streams=len(self._detectors))

    async def take(self, row: TailResponse) -> None:
        """One row of the log, and everything that follows from it."""
        received_at = self._clock.now()
        steps = await self._offload.run(self._decide, row, received_at)
        self._position = max(self._position, row.position)
        self._rows += 1
        if row.position > self._committed:
            self._steps += steps
        passed_s = time.monotonic() - self._committed_s
        is_news = self._touched and (row.is_closed or row.is_heartbeat or passed_s >= _COMMIT_EVERY_S
                                     or self._rows >= _COMMIT_EVERY_ROWS)
        if self._steps or is_news:
            await self._commit()
        if time.monotonic() - self._checkpoint_s >= self._checkpoint_interval_s and self._position > self._checkpoint:
            await self.keep_checkpoint()

    def _decide(self, row: TailResponse, received_at: datetime) -> list[Transition]:
        stream = row.stream
        if not stream:
            return []
        state = self._states.get(stream, StreamState(stream, 0))
        is_new = row.position > self._committed
        if state.is_closed:
            messages.learn(row, self._defined)
            return []  # what comes after the last mark is evidence, and nothing to decide on
        detector = self._detectors.get(stream)
        if detector is None:
            detector = self._detectors[stream] = StreamDetector(stream, self._tuning)
        messages.feed(detector, row, self._defined)
        watermark = from_proto(row.watermark)
        steps = detector.advance(watermark.timestamp(), received_at) if watermark else []
        if row.is_closed:
            steps += detector.close(received_at)
            del self._detectors[stream]
        if is_new:
            self._states[stream] = replace(
                state, position=row.position, watermark=watermark or state.watermark, is_closed=row.is_closed,
                series=detector.alignment.series_count, points=detector.alignment.points)
            self._touched.add(stream)
        return steps

    async def _commit(self) -> None:
        touched = [self._states[each] for each in sorted(self._touched)]
        opened = await self._store.commit(self._position, self._steps, touched, at=self._clock.now())
        had_steps = bool(self._steps)
        self._committed = max(self._committed, self._position)
        self._steps, self._touched, self._rows = [], set(), 0
        self._committed_s = time.monotonic()
        for name in opened:
            log.info("incident opened", incident=name)
        if had_steps:
            self._watch.changed()

    async def keep_checkpoint(self) -> None:
        """Stores what the detectors know, and lets ingestion forget what lies before."""
        if self._touched or self._steps:
            await self._commit()
        if self._position < self._committed:
            return  # still reading again what was committed before
        state = await self._offload.run(checkpoints.pack, self._detectors)
        await self._store.keep_checkpoint(self._position, await self._offload.run(checkpoints.version), state)
        self._checkpoint, self._checkpoint_s = self._position, time.monotonic()
        with suppress(AfteractionError):  # it is told again with the next one
            await self._log.commit_cursor(self._position)
