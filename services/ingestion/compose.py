"""Ingestion, put together from settings."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import partial

from starlette.types import ASGIApp

from afteraction.v1.ingestion_service_pb2_grpc import add_IngestionServiceServicer_to_server
from services.ingestion import http_app, otlp_grpc, otlp_http, remote_write
from services.ingestion.committer import Committer
from services.ingestion.doors import NAMES, Doors
from services.ingestion.entrance import Entrance
from services.ingestion.evidence import Evidence
from services.ingestion.garbage import tidying
from services.ingestion.http_bodies import Bodies
from services.ingestion.intake import Intake
from services.ingestion.merging import Merging
from services.ingestion.reception import Reception
from services.ingestion.recorder import Recorder
from services.ingestion.room import Room
from services.ingestion.service import IngestionService
from services.ingestion.settings import Settings
from services.ingestion.store.blocks import BlockStore
from services.ingestion.store.bookkeeping import Bookkeeping
from services.ingestion.store.events import EventStore
from services.ingestion.store.log import TelemetryLog
from services.ingestion.store.window import WindowStore
from services.ingestion.upkeep import Upkeep
from services.ingestion.watermark import LIVE, Sender
from shared.clock import Clock, SystemClock
from shared.errors import AfteractionError
from shared.http import serving
from shared.lifecycle import Background
from shared.offload import Offload
from shared.postgres.migrations import migrate
from shared.postgres.pool import Pool, database_url, open_pool
from shared.redaction import Redactor
from shared.rpc.interceptors import Refused
from shared.rpc.server import Registration, Server
from shared.settings import Common, load, read_file
from shared.telemetry.exporting import exporting

SCHEMA = "ingestion"
MIGRATIONS = "services.ingestion.migrations"
_NAME = "afteraction.v1.IngestionService"
# A request that has begun may wait for the commit of the group before its own.
_DRAIN_S = 10


@dataclass(frozen=True, slots=True)
class Parts:
    """What servers are made of."""

    register_service: Registration
    register_otlp: Registration
    http: ASGIApp
    stopping: asyncio.Event
    room: Room
    reception: Reception
    upkeep: Upkeep
    log: TelemetryLog
    refused: Refused


@asynccontextmanager
async def parts(pool: Pool, settings: Settings, clock: Clock, addresses: dict[str, str],
                token: str = "") -> AsyncIterator[Parts]:
    """The service on a migrated database, with its background work, until the block ends. token: what callers over HTTP
    must show; over gRPC the server asks for it."""
    redactor = Redactor(allow=settings.redaction_allow, deny=settings.redaction_deny)
    intake = Intake(settings, redactor.attribute)
    log, doors = TelemetryLog(pool), Doors(addresses)
    committer, bookkeeping = Committer(log, settings, clock), Bookkeeping(pool)
    room, stopping = Room(settings.max_pending_bytes), asyncio.Event()
    await _restore(log, bookkeeping, committer, doors, intake, clock, settings.sender_timeout)
    # One thread decodes, so that what it learns needs no lock; others read for those who ask.
    with (Offload(1, "intake") as decoding, Offload(2, "reading") as reading, Offload(1, "bodies") as expanding,
          Offload(1, "merging") as behind):
        events = EventStore(pool, log)
        evidence = Evidence(windows=WindowStore(pool), events=events, log=log, offload=reading)
        recorder = Recorder(events=events, committer=committer, doors=doors, redact=redactor.attribute, clock=clock)
        service = IngestionService(log=log, committer=committer, recorder=recorder, evidence=evidence,
                                   bookkeeping=bookkeeping, doors=doors, intake=intake, offload=reading, clock=clock)
        reception = Reception(intake=intake, committer=committer, log=log, doors=doors, offload=decoding,
                              settings=settings, clock=clock, room=room)
        app = http_app.application(
            entrance=Entrance(doors=doors, token=token, clock=clock), reception=reception, recorder=recorder,
            bodies=Bodies(room=room, offload=expanding, most_bytes=settings.max_request_bytes), offload=expanding,
            settings=settings, clock=clock, stopping=stopping)
        upkeep = Upkeep(bookkeeping=bookkeeping, telemetry_log=log, committer=committer, intake=intake, doors=doors,
                        merging=Merging(blocks=BlockStore(pool), log=log, offload=behind), offload=decoding,
                        settings=settings, clock=clock)
        async with Background() as background:
            for work, name in ((committer.run(), "committing"), (committer.tick(), "watermark"),
                               (upkeep.saving(), "saving"), (upkeep.merging(), "merging"),
                               (upkeep.retaining(), "retaining")):
                background.start(work, name=name)
            yield Parts(lambda server: add_IngestionServiceServicer_to_server(service, server),
                        otlp_grpc.registration(reception, doors, clock), app, stopping, room, reception,
                        upkeep, log, partial(_count_refused, doors, clock))


def _count_refused(doors: Doors, clock: Clock, method: str, error: AfteractionError) -> None:
    """A call without a valid token, which came to none of the doors, is counted with the one that it was for."""
    if method in otlp_grpc.METHODS:
        doors[otlp_grpc.DOOR].reject(clock.now(), str(error))
    elif method == f"/{_NAME}/RecordEvents":
        doors["events"].reject(clock.now(), str(error))


async def _restore(log: TelemetryLog, bookkeeping: Bookkeeping, committer: Committer, doors: Doors, intake: Intake,
                   clock: Clock, timeout: timedelta) -> None:
    """What an earlier life knew: streams, series, counts, and who was sending; the time away was no silence."""
    found, counters = await bookkeeping.load()
    doors.restore(found)
    intake.registry.restore(await log.known_series())
    for (name, key), value in counters.items():
        if name == "dropped_series":
            intake.registry.dropped[key] = value
    committer.late_items = counters.get(("late_items", ""), 0)
    committer.future_items = counters.get(("future_items", ""), 0)
    progress = await log.progress()
    # Those who sent a moment ago hold the watermark where it is until they are heard again, or time out.
    last = max((sender.last_received_at for door in found for (stream, _, _), sender in door.senders.items()
                if stream == LIVE and sender.last_received_at), default=None)
    earlier = {}
    if last is not None and LIVE in progress:
        heard_at = max(last.astimezone(UTC), clock.now() - timeout)
        earlier["before the restart"] = Sender(progress[LIVE].watermark, int(heard_at.timestamp() * 1e9))
    committer.restore(progress, earlier)


@asynccontextmanager
async def ingestion(common: Common, settings: Settings) -> AsyncIterator[tuple[int, int, int]]:
    """Serves until the block ends; yields the ports of IngestionService, of OTLP over gRPC and of HTTP."""
    clock = SystemClock()
    with exporting("ingestion", common):
        async with open_pool(database_url(common), schema=SCHEMA) as pool:
            await migrate(pool, SCHEMA, MIGRATIONS)
            async with (
                parts(pool, settings, clock, addresses(common), common.token) as made,
                Server(common.ingestion_address, common, [made.register_service], names=[_NAME],
                       max_message_bytes=64 * 1024 * 1024, refused=made.refused) as server,
                Server(common.otlp_grpc_address, common, [made.register_otlp], names=otlp_grpc.NAMES,
                       max_message_bytes=settings.max_request_bytes, refused=made.refused) as otlp,
                serving(made.http, common.otlp_http_address, common, drain_s=_DRAIN_S, stopping=made.stopping) as http,
            ):
                yield server.port, otlp.port, http


def addresses(common: Common) -> dict[str, str]:
    """Where each door is, as one types it into the settings of a sender."""
    base = f"{'https' if common.tls_certificate else 'http'}://{common.otlp_http_address}"
    return {otlp_grpc.DOOR: common.otlp_grpc_address, "events": common.ingestion_address, otlp_http.DOOR: base,
            remote_write.DOOR: f"{base}{remote_write.PATH}",
            **{name: f"{base}/{name}" for name in NAMES if name.startswith("webhooks/")}}


@asynccontextmanager
async def composition() -> AsyncIterator[tuple[int, int, int]]:
    """Ingestion from the environment and the settings file."""
    file = read_file(os.environ)
    common = load(Common, section="", environ=os.environ, file=file)
    settings = load(Settings, section="ingestion", environ=os.environ, file=file)
    async with ingestion(common, settings) as ports, Background() as background:
        background.start(tidying(), name="tidying")
        yield ports
