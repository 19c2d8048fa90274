"""What is kept beside the requests: counts over restarts, partitions as long as somebody needs them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.ingestion.compose import parts
from services.ingestion.settings import Settings
from services.ingestion.store.bookkeeping import Bookkeeping
from services.ingestion.upkeep import droppable
from shared.clock import SetClock
from shared.errors import InvalidArgument
from tests.services.ingestion.conftest import Running
from tests.services.ingestion.senders import gauge

DAY = datetime(2026, 7, 5, tzinfo=UTC)
PARTITIONS = [("chunks_20260705", DAY + timedelta(days=1), 10), ("chunks_20260706", DAY + timedelta(days=2), 20)]


@pytest.mark.parametrize(("cursors", "days", "names"), [
    ([], 1, ["chunks_20260705"]),
    ([], 0, []),
    ([10, 30], 3, ["chunks_20260705"]),
    ([9, 30], 3, []),
    ([20], 3, ["chunks_20260705", "chunks_20260706"]),
])
def test_a_partition_goes_when_it_is_old_and_read_by_all(cursors: list[int], days: int, names: list[str]) -> None:
    assert droppable(PARTITIONS, cursors, DAY + timedelta(days=days)) == names


async def test_counts_are_there_after_a_restart(running: Running, set_clock: SetClock, settings: Settings) -> None:
    await running.metrics.Export(gauge("shop", "cpu", [(0, 1.0), (1, 2.0)]))
    with pytest.raises(InvalidArgument):
        await running.metrics.Export(gauge("shop", "cpu", [(0, 1.0)]), metadata=(("afteraction-stream", "no such!"),))

    await running.parts.upkeep.save()
    async with parts(running.pool, settings, set_clock, {}):
        doors, _ = await Bookkeeping(running.pool).load()

    door, = (each for each in doors if each.name == "otlp-grpc")
    assert (door.accepted_requests, door.accepted_items, door.rejected_requests) == (1, 2, 1)
    assert "no such!" in door.last_error
    assert [service for _, service, _ in door.senders] == ["shop"]


async def test_a_dropped_partition_takes_its_blocks_along(running: Running) -> None:
    await running.parts.log.prepare(DAY)

    await Bookkeeping(running.pool).drop("chunks_20260705")

    assert await running.pool.fetchval("SELECT to_regclass('chunks_20260705') IS NULL "
                                       "AND to_regclass('blocks_20260705') IS NULL")
