"""The telemetry log itself, against real PostgreSQL: order, no skipping, once."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingestion.chunks import Chunk, Signal
from services.ingestion.compose import MIGRATIONS, SCHEMA
from services.ingestion.store.bookkeeping import Bookkeeping
from services.ingestion.store.log import Entry, Row, TelemetryLog
from services.ingestion.upkeep import droppable
from services.ingestion.watermark import Progress
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.pool import Pool, open_pool
from tests.conftest import PoolFor

AT = datetime(2026, 7, 5, 3, 0, tzinfo=UTC)


def entry(stream: str = "live", *, chunks: int = 1, digest: bytes = b"", label: str = "shop") -> Entry:
    return Entry(stream, tuple(Chunk(label, Signal.METRICS, 1, 2, b"", None) for _ in range(chunks)), digest)


async def positions(log: TelemetryLog, after: int = 0, stream: str = "") -> list[int]:
    rows: list[Row] = await log.tail(after, await log.head(), stream=stream, limit=10_000)
    return [row.position for row in rows]


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    return await pool_for(SCHEMA, MIGRATIONS)


@pytest.fixture
async def log(pool: Pool) -> AsyncIterator[TelemetryLog]:
    made = TelemetryLog(pool)
    await made.prepare(AT)
    yield made


async def test_row_that_commits_late_is_not_skipped(pool: Pool, log: TelemetryLog) -> None:
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        first, = await log.append_within(slow, [entry(label="slow")], [Progress()], AT)
        quick = asyncio.create_task(log.append([entry(label="quick")], [Progress()], AT))
        # The one that wants to commit first must wait for its position, and no reader sees either.
        done, _ = await asyncio.wait([quick], timeout=0.3)
        seen = await positions(log)
        await transaction.commit()
    second, = await quick

    assert (done, seen) == (set(), [])
    assert await positions(log, after=first) == [second] == [first + 1]


async def test_writer_that_rolls_back_leaves_no_hole_that_hides_others(pool: Pool, log: TelemetryLog) -> None:
    async with pool.acquire() as failing:
        transaction = failing.transaction()
        await transaction.start()
        await log.append_within(failing, [entry(chunks=3)], [Progress()], AT)
        await transaction.rollback()
    await log.append([entry()], [Progress()], AT)

    assert await positions(log) == [1]


async def test_no_position_is_skipped_with_many_writers(pool: Pool) -> None:
    chance = random.Random(1)
    logs = [TelemetryLog(pool) for _ in range(8)]
    await logs[0].prepare(AT)
    seen: list[int] = []
    written: list[int] = []

    async def write(log: TelemetryLog) -> None:
        for _ in range(15):
            async with pool.acquire() as connection, connection.transaction():
                # Work before and after the position is taken, so that beginnings and commits are in any order.
                await connection.execute("SELECT pg_sleep($1)", chance.random() / 200)
                last, = await log.append_within(connection, [entry(chunks=chance.randint(1, 3))], [Progress()], AT)
                await connection.execute("SELECT pg_sleep($1)", chance.random() / 200)
            written.append(last)

    async def read() -> None:
        while len(written) < 8 * 15 or seen[-1] < max(written):
            seen.extend(await positions(logs[0], seen[-1] if seen else 0))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(read())
        for log in logs:
            group.create_task(write(log))

    assert seen == list(range(1, max(written) + 1))


async def test_same_digest_is_stored_once_also_within_a_group(log: TelemetryLog) -> None:
    first = await log.append([entry(digest=b"a"), entry(digest=b"a"), entry(digest=b"b")], [Progress()] * 3, AT)
    again = await log.append([entry(digest=b"a")], [Progress()], AT)

    assert first == [1, 0, 2]
    assert again == [0]
    assert await positions(log) == [1, 2]


async def test_digest_is_forgotten_with_time(pool: Pool, log: TelemetryLog) -> None:
    await log.append([entry(digest=b"a")], [Progress()], AT)
    await Bookkeeping(pool).forget_deliveries(AT + timedelta(minutes=1))

    assert await log.append([entry(digest=b"a")], [Progress()], AT + timedelta(minutes=11)) == [2]


async def test_only_the_last_row_of_a_request_says_that_its_time_is_complete(log: TelemetryLog) -> None:
    await log.append([entry(chunks=3)], [Progress(77)], AT)

    rows = await log.tail(0, 3, stream="", limit=10)

    assert [row.progress.watermark for row in rows] == [0, 0, 77]


async def test_partition_goes_only_when_all_have_read_it(pool: Pool, log: TelemetryLog) -> None:
    bookkeeping = Bookkeeping(pool)
    await log.append([entry()], [Progress()], AT)
    later = AT + timedelta(days=20)
    await log.prepare(later)
    await log.append([entry()], [Progress()], later)
    partitions, before = await bookkeeping.partitions(), later - timedelta(days=14)

    await bookkeeping.commit_cursor("detection", 0, AT)
    behind = droppable(partitions, list((await bookkeeping.cursors()).values()), before)
    await bookkeeping.commit_cursor("detection", 1, AT)
    await bookkeeping.commit_cursor("detection", 0, AT)
    ready = droppable(partitions, list((await bookkeeping.cursors()).values()), before)
    for name in ready:
        await bookkeeping.drop(name)

    assert (behind, ready) == ([], ["chunks_20260705"])
    assert await positions(log) == [2]


async def test_durability_is_on_where_nobody_turned_it_off(tmp_path: Any) -> None:
    async with EmbeddedPostgres(tmp_path) as server:
        connection = await asyncpg.connect(server.url())
        try:
            found = [await connection.fetchval(f"SHOW {name}")
                     for name in ("fsync", "synchronous_commit", "full_page_writes")]
        finally:
            await connection.close()

    assert found == ["on", "on", "on"]


@dataclass(slots=True)
class Model:
    """The log as a list."""

    rows: list[tuple[int, str]]
    digests: set[bytes]
    head: int = 0


requests = st.tuples(st.sampled_from(["live", "replay"]), st.integers(1, 3), st.sampled_from([b"", b"a", b"b"]))
appends = st.tuples(st.just("append"), st.lists(requests, min_size=1, max_size=4))
tails = st.tuples(st.just("tail"), st.tuples(st.integers(0, 12), st.sampled_from(["", "live", "replay"]),
                                             st.integers(1, 5)))
failures = st.tuples(st.just("fail"), st.integers(1, 3))


@settings(max_examples=20, deadline=None)
@given(operations=st.lists(appends | tails | failures, max_size=12))
def test_log_is_a_list(templates: Callable[[str, str], str], postgres: EmbeddedPostgres,
                       operations: Sequence[tuple[str, Any]]) -> None:
    async def check() -> None:
        async with AsyncExitStack() as stack:
            pool = await stack.enter_async_context(open_pool(postgres.url(name), schema=SCHEMA, size=2))
            await pool.execute("TRUNCATE chunks, deliveries, streams; UPDATE head SET position = 0")
            log, model = TelemetryLog(pool), Model([], set())
            await log.prepare(AT)
            steps: dict[str, Callable[..., Awaitable[None]]] = {"append": _append, "tail": _tail, "fail": _fail}
            for kind, argument in operations:
                await steps[kind](pool, log, model, argument)
    name = templates(SCHEMA, MIGRATIONS)
    with asyncio.Runner() as runner:
        runner.run(check())


async def _append(pool: Pool, log: TelemetryLog, model: Model, group: list[tuple[str, int, bytes]]) -> None:
    answer = await log.append([entry(stream, chunks=chunks, digest=digest) for stream, chunks, digest in group],
                              [Progress()] * len(group), AT)
    expected, position = [], model.head
    for stream, chunks, digest in group:
        if digest and digest in model.digests:
            expected.append(0)
            continue
        model.digests |= {digest} - {b""}
        model.rows += [(position + 1 + place, stream) for place in range(chunks)]
        position += chunks
        expected.append(position)
    # Positions of what was a repetition are left out: the head has moved past them.
    model.head += sum(chunks for _, chunks, _ in group)
    assert answer == expected
    assert await log.head() == model.head


async def _tail(pool: Pool, log: TelemetryLog, model: Model, argument: tuple[int, str, int]) -> None:
    after, stream, limit = argument
    rows = await log.tail(after, await log.head(), stream=stream, limit=limit)
    assert [(row.position, row.stream) for row in rows] == [
        row for row in model.rows if row[0] > after and stream in ("", row[1])][:limit]


async def _fail(pool: Pool, log: TelemetryLog, model: Model, chunks: int) -> None:
    with pytest.raises(ZeroDivisionError):
        async with pool.acquire() as connection, connection.transaction():
            await log.append_within(connection, [entry(chunks=chunks, digest=b"c")], [Progress()], AT)
            raise ZeroDivisionError
    assert await log.head() == model.head
