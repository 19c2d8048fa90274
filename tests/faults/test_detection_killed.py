"""kill -9 of detection in the middle of incidents, twenty times: the same incidents with the same times, none twice."""

import asyncio
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from afteraction.v1.event_pb2 import Alert, Deploy, Event
from afteraction.v1.incident_pb2 import Incident
from services.cli.connection import Connection
from services.cli.replay import incidents_of, taken_in
from services.cli.replay_lines import requests
from services.cli.sending import Sender
from services.cli.serve import is_serving
from shared.postgres.embedded import EmbeddedPostgres
from shared.settings import Common
from shared.timestamps import to_proto

START = datetime(2026, 7, 6, 9, 0, tzinfo=UTC)
MINUTES, KILLS = 150, 20
OUTAGES = {"shop": range(80, 95), "billing": range(120, 130)}
# Minutes before which a process dies: before, at the beginning, in the middle and after of both outages.
DEATHS = (20, 40, 60, 80, 81, 82, 83, 84, 86, 90, 94, 95, 96, 97, 100, 119, 121, 124, 130, 134)


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def lines(number: int) -> Iterator[dict[str, Any]]:
    """What two services report for a minute: requests by status, and a slow tail."""
    chance = random.Random(number)
    for service in ("shop", "billing"):
        share = 0.3 if number in OUTAGES[service] else 0.002
        total = chance.randint(570, 630)
        failed = sum(chance.random() < share for _ in range(total))
        told = {"t": minute(number + 1).isoformat(), "kind": "metric", "service": service}
        for status, count in (("200", total - failed), ("500", failed)):
            yield told | {"name": "http.server.requests", "unit": "1", "type": "sum", "value": count,
                          "attributes": {"http.response.status_code": status}}
        yield told | {"name": "latency.p95", "unit": "s", "type": "gauge", "value": 0.08 + chance.random() / 100}


EVENTS = {75: Event(id="d", occurred_at=to_proto(minute(75.5)), service="shop", deploy=Deploy(version="v2")),
          85: Event(id="a", occurred_at=to_proto(minute(85.5)), service="shop",
                    alert=Alert(alert_name="Errors", state=Alert.STATE_FIRING, severity="critical", fingerprint="f")),
          98: Event(id="b", occurred_at=to_proto(minute(98.5)), service="shop",
                    alert=Alert(alert_name="Errors", state=Alert.STATE_RESOLVED, fingerprint="f"))}


def free_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


async def serving(service: str, common: Common) -> None:
    async with asyncio.timeout(120):
        while not await is_serving(service, common):  # noqa: ASYNC110 - another process, which tells nobody
            await asyncio.sleep(0.05)


@contextmanager
def running(service: str, environment: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """A service as a process of its own; killed at the end."""
    process = subprocess.Popen([sys.executable, "-m", f"services.{service}"], env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def send(sender: Sender, number: int) -> int:
    for request in requests(lines(number)):
        await sender.send(request)
    if number in EVENTS:
        await sender.record([EVENTS[number]])
    return await sender.mark(minute(number + 1), is_last=number == MINUTES - 1)


async def undisturbed(connection: Connection, environment: dict[str, str], common: Common) -> tuple[Incident, ...]:
    with running("detection", environment):
        await serving("detection", common)
        async with Sender(connection, "calm") as sender:
            for number in range(MINUTES):
                position = await send(sender, number)
        await taken_in(connection, "calm", position, deadline_s=60)
        return await incidents_of(connection, "calm")


async def disturbed(connection: Connection, environment: dict[str, str], common: Common) -> tuple[Incident, ...]:
    """The same, but at each death the process is killed as soon as one more minute has been acknowledged by the log,
    whatever it does then; every other time only once it has taken that minute in."""
    number, position = 0, 0
    async with Sender(connection, "storm") as sender:
        for death in (*DEATHS, MINUTES):
            with running("detection", environment) as process:
                await serving("detection", common)
                while number < death:
                    position = await send(sender, number)
                    number += 1
                if death == MINUTES or death % 2:
                    await taken_in(connection, "storm", position, deadline_s=60)
                if death == MINUTES:
                    return await incidents_of(connection, "storm")
                process.kill()
    raise AssertionError("unreachable")


def told(incident: Incident) -> dict[str, Any]:
    """What has to be the same: everything but names, wall clocks and how often it was stored."""
    return {
        "service": incident.service, "services": list(incident.services), "severity": incident.severity,
        "state": incident.state, "title": incident.title, "changes": [each.event.id for each in incident.changes],
        "times": [each.ToDatetime() for each in (incident.onset_at, incident.detected_at, incident.recovered_at,
                                                 incident.resolved_at)],
        "timeline": [(each.occurred_at.ToDatetime(), each.kind, each.text) for each in incident.timeline]}


async def test_twenty_deaths_change_no_incident_and_double_none(tmp_path: Path) -> None:
    assert len(DEATHS) == KILLS
    async with EmbeddedPostgres(tmp_path) as database:
        addresses = {name: free_address() for name in ("ingestion", "detection", "otlp_grpc", "otlp_http")}
        common = replace(Common(), data_directory=tmp_path,
                         **{f"{name}_address": address for name, address in addresses.items()})
        environment = dict(os.environ) | {
            "AFTERACTION_DATABASE_URL": database.url(), "AFTERACTION_DATA_DIRECTORY": str(tmp_path),
            "AFTERACTION_DETECTION_CHECKPOINT_INTERVAL": "0.2s",
            **{f"AFTERACTION_{name.upper()}_ADDRESS": address for name, address in addresses.items()}}
        with running("ingestion", environment):
            await serving("ingestion", common)
            async with Connection(common) as connection:
                calm = await undisturbed(connection, environment, common)
                storm = await disturbed(connection, environment, common)
        connected = await asyncpg.connect(database.url())
        try:
            opened = await connected.fetchval("SELECT count(*) FROM detection.transitions WHERE stream = 'storm' "
                                              "AND kind = 1")
        finally:
            await connected.close()

    assert [each.onset_at.ToDatetime(UTC) for each in calm] == [minute(80), minute(120)]
    assert [told(each) for each in storm] == [told(each) for each in calm]
    assert opened == len(calm)
