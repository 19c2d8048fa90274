"""Chunks are merged once each, whoever merges and whenever it is cut off, and a window reads the same as before."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.ingestion.blocks import Block, Part, merged
from services.ingestion.chunks import Chunk, Signal, metrics, unpacked
from services.ingestion.columns import PointBuilder, decode_points
from services.ingestion.compose import MIGRATIONS, SCHEMA
from services.ingestion.merging import LEAST_CHUNKS, Merging
from services.ingestion.store.blocks import BlockStore, Key
from services.ingestion.store.log import Entry, TelemetryLog
from services.ingestion.store.window import WindowStore
from services.ingestion.watermark import Progress
from shared.offload import Offload
from shared.postgres.pool import Pool
from tests.conftest import PoolFor

AT = datetime(2026, 7, 5, tzinfo=UTC)
WEB = Key("live", "web", Signal.METRICS)


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    return await pool_for(SCHEMA, MIGRATIONS)


def chunk(service: str, at: int) -> Chunk:
    points = PointBuilder()
    points.add(1, at, 0, float(at))
    return metrics(service, points)


async def append(pool: Pool, service: str, times: Sequence[int]) -> None:
    await TelemetryLog(pool).append([Entry("live", (chunk(service, at),)) for at in times], [Progress()] * len(times),
                                    AT)


async def seen(pool: Pool, service: str = "web") -> list[int]:
    """Times of the points of a window over everything."""
    stored = await WindowStore(pool).columns("live", [service], 0, 10**9, [Signal.METRICS])
    return [at for each in stored for at in decode_points(unpacked(each.body).points)[1].tolist()]


async def work(signal: Signal, parts: list[Part]) -> list[Block]:
    return merged(signal, parts)


async def test_window_reads_the_same_before_and_behind_a_merge(pool: Pool) -> None:
    await append(pool, "web", range(1, 101))
    before = await seen(pool)

    assert await BlockStore(pool).merge(WEB, 1, work) == 100
    await append(pool, "web", range(101, 111))

    assert await pool.fetchval("SELECT count(*) FROM blocks") == 1
    assert before == list(range(1, 101))
    assert await seen(pool) == list(range(1, 111))


async def test_two_who_merge_at_once_merge_each_chunk_once(pool: Pool) -> None:
    await append(pool, "web", range(1, 101))
    one, two = BlockStore(pool), BlockStore(pool)

    counts = await asyncio.gather(one.merge(WEB, 1, work), two.merge(WEB, 1, work))

    assert sorted(counts) == [0, 100]
    assert await seen(pool) == list(range(1, 101))


async def test_a_merge_that_is_cut_off_leaves_everything_as_it_was(pool: Pool) -> None:
    await append(pool, "web", range(1, 101))

    async def killed(signal: Signal, parts: list[Part]) -> list[Block]:
        raise ConnectionError("the process ends here")

    with pytest.raises(ConnectionError):
        await BlockStore(pool).merge(WEB, 1, killed)

    assert await seen(pool) == list(range(1, 101))
    assert await BlockStore(pool).merge(WEB, 1, work) == 100
    assert await seen(pool) == list(range(1, 101))


async def test_few_chunks_wait_for_more(pool: Pool) -> None:
    await append(pool, "web", range(1, 10))

    assert await BlockStore(pool).merge(WEB, 10, work) == 0
    assert await BlockStore(pool).waiting(9) == {WEB: 9}


async def test_what_waits_is_counted_behind_a_merge_and_after_a_restart(pool: Pool) -> None:
    await append(pool, "web", range(1, LEAST_CHUNKS + 1))
    await append(pool, "shop", range(1, 4))
    with Offload(1) as offload:
        merging = Merging(blocks=BlockStore(pool), log=TelemetryLog(pool), offload=offload)

        assert await merging.merge() == LEAST_CHUNKS
        await append(pool, "shop", range(4, LEAST_CHUNKS + 1))
        assert await merging.merge() == LEAST_CHUNKS
        assert await merging.merge() == 0

    assert await BlockStore(pool).waiting(1000) == {}
    assert await seen(pool, "shop") == list(range(1, LEAST_CHUNKS + 1))


async def test_streams_are_kept_apart(pool: Pool) -> None:
    await append(pool, "web", range(1, 4))
    await TelemetryLog(pool).append([Entry("replay", (chunk("web", 7),))], [Progress()], AT)

    assert await BlockStore(pool).waiting(100) == {WEB: 3, replace(WEB, stream="replay"): 1}
