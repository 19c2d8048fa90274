"""GetEvidence for an hour of 20 services at full retention: `python -m tests.bench.evidence [--days 14]`.

60 services have sent for two weeks; 20 of them are asked about, an hour in the middle of it beside the hour before, in
which each has sent 40 series, 10 lines and 10 spans every 15 seconds. The rest of the log is rows that the question
must not touch. Prints the time to the first and to the last part, before and after chunks were merged into blocks, what
merging took, and the rows that PostgreSQL looked at.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import evidence_pb2
from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion.compose import MIGRATIONS, SCHEMA
from services.ingestion.evidence import Evidence
from services.ingestion.intake import Intake
from services.ingestion.merging import Merging
from services.ingestion.packing import packed
from services.ingestion.settings import Settings
from services.ingestion.store.blocks import BlockStore
from services.ingestion.store.events import EventStore
from services.ingestion.store.log import Entry, TelemetryLog
from services.ingestion.store.window import COLUMNS, WindowStore
from services.ingestion.watermark import Progress
from shared.offload import Offload
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import migrate
from shared.postgres.pool import Pool, open_pool
from tests.services.ingestion.senders import gauge, logs, spans
from tests.services.ingestion.store.test_window import walked

ASKED, ALL, EVERY_S = 20, 60, 15
START = datetime(2026, 7, 5, tzinfo=UTC)
SECOND = 1_000_000_000
_REST = """INSERT INTO chunks (position, arrived_at, stream, service, signal, first_at, last_at, columns, raw,
                               watermark, is_closed)
           SELECT $1::bigint * 100000000 + service * 1000000 + minute * 3 + signal, $2::timestamptz + minute * interval
                  '1 minute', 'live', 'service-' || service, signal, at, at + 15000000000, $7, NULL, 0, false
           FROM generate_series(0, $3 - 1) AS service, generate_series(0, 1439) AS minute,
                generate_series(1, 3) AS signal,
                LATERAL (SELECT $4::bigint + minute * 60000000000) AS times (at)
           WHERE at < $5::bigint OR at >= $6::bigint"""


async def fill(pool: Pool, days: int, window: datetime) -> None:
    """The rows around, then two hours of the services that are asked about."""
    log = TelemetryLog(pool)
    begin, end = (int((window + timedelta(hours=hours)).timestamp()) * SECOND for hours in (-2, 1))
    for day in range(days):
        at = START + timedelta(days=day)
        await log.prepare(at)
        await pool.execute(_REST, day + 1, at, ALL, int(at.timestamp()) * SECOND, begin, end, packed(b""),
                           timeout=600)
    intake = Intake(Settings(), lambda name, value: value)
    offset = begin // SECOND + 3600 - 1_783_220_400
    for step in range(0, 7200, EVERY_S):
        entries = []
        for service in range(ASKED):
            second, name = offset + step, f"service-{service}"
            bodies: tuple[tuple[Any, Any], ...] = (
                (intake.metrics, gauge(name, "m", [(second, float(step % 300))])),
                (intake.logs, logs(name, [(second, f"order {step + line} placed in {line} ms") for line in range(10)])),
                (intake.traces, spans([(name, f"{step * 1000 + service * 10 + span:016x}", "", f"GET /{span % 3}",
                                        second, second + 0.1) for span in range(10)],
                                       trace=f"{step * 1000 + service:032x}")))
            for read, request in bodies:
                if request is bodies[0][1]:
                    metrics = request.resource_metrics[0].scope_metrics[0].metrics
                    for number in range(39):
                        metrics.add(name=f"m{number}").CopyFrom(metrics[0])
                        metrics[-1].name = f"m{number}"
                decoded = read("live", request.SerializeToString(), 0)
                entries.append(Entry("live", decoded.chunks, b"", decoded.series, decoded.patterns))
                intake.stored("live", decoded)
        await log.append(entries, [Progress()] * len(entries), window)
    await pool.execute("UPDATE head SET position = (SELECT max(position) FROM chunks)")
    await pool.execute("ANALYZE chunks")


async def measure(pool: Pool, window: datetime) -> None:
    start, end = Timestamp(), Timestamp()
    start.FromDatetime(window)
    end.FromDatetime(window + timedelta(hours=1))
    request = pb.GetEvidenceRequest(window=evidence_pb2.Window(start=start, end=end),
                                    services=[f"service-{number}" for number in range(ASKED)])
    log = TelemetryLog(pool)
    with Offload(2) as offload:
        evidence = Evidence(windows=WindowStore(pool), events=EventStore(pool, log), log=log, offload=offload)
        merging = Merging(blocks=BlockStore(pool), log=log, offload=offload)
        for number in range(6):
            if number == 3:
                began = time.monotonic()
                print(f"{await merging.merge():,} chunks merged in {time.monotonic() - began:.1f} s")
            began, cpu, first, parts, observations = time.monotonic(), time.process_time(), 0.0, 0, 0
            async for part in evidence.answer(request):
                first = first or time.monotonic() - began
                parts, observations = parts + 1, observations + len(part.observations)
            print(f"first part after {first * 1e3:.0f} ms, all {parts} after {(time.monotonic() - began) * 1e3:.0f} "
                  f"ms, {(time.process_time() - cpu) * 1e3:.0f} ms of it computing; {observations} observations",
                  flush=True)
    plan = json.loads(await pool.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + COLUMNS, "live",
                                          start.ToNanoseconds() - 3600 * SECOND, end.ToNanoseconds(),
                                          list(request.services), [1, 2, 3]))
    total = await pool.fetchval("SELECT count(*) FROM chunks")
    print(f"PostgreSQL looked at {walked(plan[0]['Plan']):,} of {total:,} rows, in {plan[0]['Execution Time']:.0f} ms")


async def main(days: int) -> int:
    with tempfile.TemporaryDirectory(prefix="afteraction-bench-") as directory:
        async with (EmbeddedPostgres(Path(directory), options={"fsync": "off"}) as server,
                    open_pool(server.url(), schema=SCHEMA, command_timeout_s=600) as pool):
            await migrate(pool, SCHEMA, MIGRATIONS)
            window = START + timedelta(days=days // 2, hours=12)
            await fill(pool, days, window)
            await measure(pool, window)
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=14)
    sys.exit(asyncio.run(main(parser.parse_args().days)))
