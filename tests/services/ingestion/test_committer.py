"""One writer: groups, and what becomes of those who wait when a group fails."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import cast

import numpy as np
import pytest

from services.ingestion.chunks import Chunk, Signal
from services.ingestion.committer import Committer
from services.ingestion.settings import Settings
from services.ingestion.store.log import Entry, TelemetryLog
from services.ingestion.watermark import LIVE, Progress
from shared.clock import SetClock
from shared.errors import FailedPrecondition

SECOND = 1_000_000_000


class Storage:
    """What the log does, told by the test: groups wait until they are let through, or fail."""

    def __init__(self) -> None:
        self.groups: list[list[Entry]] = []
        self.has_begun = asyncio.Event()
        self.is_open = asyncio.Event()
        self.failure: Exception | None = None
        self.refused: set[str] = set()

    async def append(self, entries: Sequence[Entry], progress: Sequence[Progress], at: datetime) -> list[int]:
        self.groups.append(list(entries))
        self.has_begun.set()
        await self.is_open.wait()
        if self.failure is not None:
            raise self.failure
        if any(entry.stream in self.refused for entry in entries):
            raise ValueError("no text of PostgreSQL's can hold that")
        return list(range(1, len(entries) + 1))

    async def head(self) -> int:
        return 0


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
async def committer(storage: Storage, set_clock: SetClock) -> AsyncIterator[Committer]:
    made = Committer(cast(TelemetryLog, storage), Settings(), set_clock)
    running = asyncio.create_task(made.run())
    yield made
    storage.is_open.set()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


def entry(*times: int, stream: str = LIVE) -> Entry:
    return Entry(stream, (Chunk("shop", Signal.METRICS, min(times), max(times), times=np.array(times, np.int64)),))


async def test_what_comes_while_a_group_is_written_shares_the_next(storage: Storage, committer: Committer) -> None:
    first = asyncio.create_task(committer.submit(entry(1), sender="a", size=1))
    await storage.has_begun.wait()
    rest = [asyncio.create_task(committer.submit(entry(2), sender="a", size=1)) for _ in range(5)]
    await asyncio.sleep(0)
    assert not first.done()
    storage.is_open.set()
    await asyncio.gather(first, *rest)

    assert [len(group) for group in storage.groups] == [1, 5]


async def test_group_has_a_largest_size(storage: Storage, committer: Committer) -> None:
    storage.is_open.set()
    await asyncio.gather(*(committer.submit(entry(1), sender="a", size=9 * 2**20) for _ in range(3)))

    assert [len(group) for group in storage.groups] == [1, 1, 1]


async def test_all_who_wait_are_told_of_a_failure_and_the_next_group_goes_on(storage: Storage,
                                                                             committer: Committer) -> None:
    storage.failure = ConnectionError("gone")
    storage.is_open.set()
    answers = await asyncio.gather(*(committer.submit(entry(1), sender="a", size=1) for _ in range(2)),
                                   return_exceptions=True)
    storage.failure = None

    assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError]
    assert await committer.submit(entry(1), sender="a", size=1) == 1


async def test_one_that_cannot_be_stored_fails_alone(storage: Storage, committer: Committer) -> None:
    storage.refused = {"bad"}
    first = asyncio.create_task(committer.submit(entry(1), sender="a", size=1))
    await storage.has_begun.wait()
    group = [asyncio.create_task(committer.submit(entry(2, stream=stream), sender="a", size=1))
             for stream in ("live", "bad", "other")]
    storage.is_open.set()

    answers = await asyncio.gather(first, *group, return_exceptions=True)

    assert [type(answer) for answer in answers] == [int, int, ValueError, int]
    assert [len(found) for found in storage.groups] == [1, 3, 1, 1, 1]


async def test_while_the_database_is_away_nothing_is_tried_one_by_one(storage: Storage, committer: Committer) -> None:
    storage.failure = ConnectionError("gone")
    first = asyncio.create_task(committer.submit(entry(1), sender="a", size=1))
    await storage.has_begun.wait()
    rest = [asyncio.create_task(committer.submit(entry(2), sender="a", size=1)) for _ in range(3)]
    storage.is_open.set()

    await asyncio.gather(first, *rest, return_exceptions=True)

    assert [len(found) for found in storage.groups] == [1, 3]


async def test_late_and_future_items_are_counted_one_by_one(storage: Storage, committer: Committer,
                                                            set_clock: SetClock) -> None:
    now = int(set_clock.now().timestamp()) * SECOND
    storage.is_open.set()
    await committer.submit(entry(now), sender="a", size=1)

    await committer.submit(entry(now - 60 * SECOND, now - 40 * SECOND, now - 20 * SECOND, now + 10**6 * SECOND),
                           sender="a", size=1)

    assert (committer.late_items, committer.future_items) == (2, 1)
    assert committer.progress(LIVE).watermark == now - 30 * SECOND


async def test_closed_stream_takes_nothing_more(storage: Storage, committer: Committer) -> None:
    storage.is_open.set()
    await committer.mark("replay", 5, True)

    with pytest.raises(FailedPrecondition, match="closed"):
        await committer.submit(entry(1, stream="replay"), sender="a", size=1)
    assert await committer.mark("replay", 5, True) == 0


async def test_live_stream_cannot_be_closed(committer: Committer) -> None:
    with pytest.raises(FailedPrecondition, match="no end"):
        await committer.mark(LIVE, 5, True)
