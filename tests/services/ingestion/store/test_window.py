"""A window reads the blocks and chunks that overlap it, and touches no others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.ingestion.chunks import Signal
from services.ingestion.compose import MIGRATIONS, SCHEMA
from services.ingestion.store.log import TelemetryLog
from services.ingestion.store.window import COLUMNS, WindowStore
from shared.postgres.pool import Pool
from tests.conftest import PoolFor

AT = datetime(2026, 7, 5, tzinfo=UTC)
T0 = int(AT.timestamp()) * 1_000_000_000
MINUTE = 60_000_000_000
SERVICES, DAYS = 30, 4
# One block every ten minutes of each service, over some days of arrival.
FILL = """INSERT INTO blocks (position, arrived_at, stream, service, signal, first_at, last_at, columns, raw,
                              positions, lengths)
          SELECT day * 1000000 + service * 10000 + minute,
                 $1::timestamptz + (day * 1440 + minute) * interval '1 minute',
                 'live', 's' || service, 1, at, at + 30000000000, '\\x00', NULL, ARRAY[minute], ARRAY[1]
          FROM generate_series(0, $2 - 1) AS day, generate_series(1, $3) AS service,
               generate_series(0, 1439, 10) AS minute,
               LATERAL (SELECT $4::bigint + (day * 1440 + minute) * 60000000000) AS times (at)"""
INSERT = """INSERT INTO blocks (position, arrived_at, stream, service, signal, first_at, last_at, columns, raw,
                                positions, lengths)
            VALUES ($1, $2, $3, $4, 1, $5, $6, '\\x00', NULL, ARRAY[$1::bigint], ARRAY[1])"""
# The chunks that those blocks were made of, and a few that are in none yet.
CHUNKS = """INSERT INTO chunks (position, arrived_at, stream, service, signal, first_at, last_at, columns, watermark,
                                is_closed)
            SELECT position, arrived_at, stream, service, signal, first_at, last_at, columns, 0, false FROM blocks"""
MERGED = "INSERT INTO merged SELECT stream, service, signal, max(position) FROM chunks GROUP BY 1, 2, 3"
WAITING = """INSERT INTO chunks (position, arrived_at, stream, service, signal, first_at, last_at, columns, watermark,
                                 is_closed)
             SELECT 10000000 + service, $1, 'live', 's' || service, 1, $2, $2, '\\x00', 0, false
             FROM generate_series(1, $3) AS service"""


@pytest.fixture
async def pool(pool_for: PoolFor) -> Pool:
    found = await pool_for(SCHEMA, MIGRATIONS)
    for day in range(DAYS):
        await TelemetryLog(found).prepare(AT + timedelta(days=day))
    return found


def walked(plan: dict[str, Any]) -> int:
    """How many rows the scans of a plan have looked at."""
    own = 0
    if "Scan" in plan["Node Type"]:
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
               + plan.get("Rows Removed by Index Recheck", 0)) * plan["Actual Loops"]
    return int(own) + sum(walked(child) for child in plan.get("Plans", ()))


async def test_window_of_the_past_touches_its_own_blocks_alone(pool: Pool) -> None:
    await pool.execute(FILL, AT, DAYS, SERVICES, T0)
    # A backfill whose chunk spans days.
    await pool.execute(INSERT, 1, AT, "live", "s1", T0, T0 + 3 * 1440 * MINUTE)
    await pool.execute(CHUNKS)
    await pool.execute(MERGED)
    await pool.execute(WAITING, AT, T0 + 90 * MINUTE, SERVICES)
    await pool.execute("ANALYZE chunks, blocks")
    start, end = T0 + 60 * MINUTE, T0 + 120 * MINUTE
    asked = ["s1", "s2", "s3"]

    found = await WindowStore(pool).columns("live", asked, start, end, [Signal.METRICS])
    explained = json.loads(await pool.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + COLUMNS, "live", start, end, asked,
                                               [1]))

    assert len(found) == 3 * 6 + 1 + 3
    assert {each.service for each in found} == set(asked)
    # Of 17,280 blocks and as many chunks it looks at the blocks that begin within an hour behind the window, at those
    # few chunks, and at how far each service is merged.
    assert walked(explained[0]["Plan"]) <= 2 * len(found) + 2 * SERVICES + 3 * 4


@pytest.mark.parametrize("minutes", [0, 1, 59, 60, 61, 3000])
async def test_block_is_found_where_it_overlaps_and_nowhere_else(pool: Pool, minutes: int) -> None:
    first, last = T0 + 5000 * MINUTE, T0 + (5000 + minutes) * MINUTE
    await pool.execute(INSERT, 1, AT, "live", "s1", first, last)

    async def found(start: int, end: int) -> bool:
        return bool(await WindowStore(pool).columns("live", ["s1"], start, end, [Signal.METRICS]))

    assert await found(first - MINUTE, first + 1)
    assert await found(last, last + MINUTE)
    assert await found(first - 9000 * MINUTE, last + MINUTE)
    assert not await found(first - MINUTE, first)
    assert not await found(last + 1, last + MINUTE)
