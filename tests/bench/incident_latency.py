"""From the arrival of the record that decides to an open incident, at 10,000 series: part of `make bench-detection`.

Detection's own follower over a real PostgreSQL reads half an hour of minutes of 2,500 services with four series each
(requests that succeed and fail, two gauges), then minutes in which a service fails, each with the mark that completes
it; five times, each in a stream of its own. Measured is what the product keeps with each incident: `opened_at` less
`deciding_record_received_at`.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from afteraction.v1.ingestion_service_pb2 import TailResponse
from afteraction.v1.series_pb2 import (
    SERIES_SOURCE_METRIC,
    SERIES_TYPE_DELTA,
    SERIES_TYPE_GAUGE,
    PointColumns,
    Series,
    SeriesType,
)
from services.detection.follower import Follower
from services.detection.store import Filter, Store
from services.detection.tuning import Tuning
from services.detection.watch import Watch
from shared.clock import SystemClock
from shared.offload import Offload
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import migrate
from shared.postgres.pool import open_pool
from shared.timestamps import to_proto

SERVICES, MINUTES, ROUNDS, WARM = 2500, 34, 5, 30
START = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)
NS = 1_000_000_000
_KINDS: tuple[tuple[str, str, "SeriesType.ValueType", dict[str, str]], ...] = (
    ("http.server.requests", "1", SERIES_TYPE_DELTA, {"code": "200"}),
    ("http.server.requests", "1", SERIES_TYPE_DELTA, {"code": "500"}),
    ("latency.p95", "s", SERIES_TYPE_GAUGE, {}), ("container.cpu.utilization", "1", SERIES_TYPE_GAUGE, {}))


class NoLog:
    """Rows are handed to the follower directly."""

    async def tail(self, after_position: int) -> AsyncIterator[TailResponse]:
        return
        yield TailResponse()

    async def commit_cursor(self, position: int) -> None:
        return


async def main() -> int:
    chance = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as directory, Offload(2, "bench") as offload:
        async with EmbeddedPostgres(Path(directory)) as database, \
                open_pool(database.url(), schema="detection", size=4) as pool:
            await migrate(pool, "detection", "services.detection.migrations")
            store, clock = Store(pool), SystemClock()
            follower = Follower(log=NoLog(), store=store, watch=Watch(store), offload=offload, clock=clock,
                                tuning=Tuning(), checkpoint_interval_s=1e9)
            await follower.start()
            for stream in range(ROUNDS):
                for minute in range(MINUTES):
                    position = 2 * (stream * MINUTES + minute) + 1
                    await follower.take(row(position, f"t{stream}", minute, chance))
                    # What arrives next tells that the minute is complete: the record that decides.
                    await follower.take(TailResponse(position=position + 1, stream=f"t{stream}",
                                                     watermark=to_proto(START + timedelta(minutes=minute + 1))))
            found = await store.incidents(Filter(), limit=100, after=None)
    took = sorted((each.opened_at - each.deciding_record_received_at).total_seconds() for each in found
                  if each.opened_at and each.deciding_record_received_at)
    if len(took) != ROUNDS:
        sys.stderr.write(f"{len(took)} incidents opened, not {ROUNDS}\n")
        return 1
    sys.stdout.write(f"open incident after the record that decides, {SERVICES * len(_KINDS):,} series: median "
                     f"{took[len(took) // 2]:.2f} s, worst of {ROUNDS} {took[-1]:.2f} s\n")
    return 0 if took[-1] <= 1.0 else 1


def row(position: int, stream: str, minute: int, chance: np.random.Generator) -> TailResponse:
    """A minute of every service; from WARM on a third of the requests of one of them fail."""
    requests = chance.poisson(600, SERVICES).astype(np.float64)
    failed = chance.binomial(600, 0.001, SERVICES).astype(np.float64)
    if minute >= WARM:
        failed[SERVICES // 2] = 200
    values = np.stack([requests - failed, failed, 0.08 + chance.normal(0, 0.002, SERVICES),
                       0.3 + chance.normal(0, 0.02, SERVICES)], axis=1).ravel()
    size = values.size
    at = round((START + timedelta(minutes=minute + 1)).timestamp()) * NS
    found = TailResponse(position=position, stream=stream, points=PointColumns(
        series_ids=np.arange(1, size + 1, dtype="<u8").tobytes(), times=np.full(size, at, "<i8").tobytes(),
        start_times=np.full(size, at - 60 * NS, "<i8").tobytes(), values=values.astype("<f8").tobytes()))
    if minute == 0:
        found.series.extend(
            Series(id=place * len(_KINDS) + kind + 1, service=f"service-{place}", metric_name=name, unit=unit,
                   type=type_, source=SERIES_SOURCE_METRIC, attributes=attributes)
            for place in range(SERVICES) for kind, (name, unit, type_, attributes) in enumerate(_KINDS))
    return found


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
