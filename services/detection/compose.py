"""The detection service, put together from settings."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from afteraction.v1.incident_service_pb2_grpc import add_IncidentServiceServicer_to_server
from services.detection import severity
from services.detection.follower import Follower, IngestionLog
from services.detection.meanings import rules
from services.detection.objectives import objectives
from services.detection.service import IncidentService
from services.detection.settings import Settings
from services.detection.store import Store
from services.detection.tuning import Tuning
from services.detection.warming import warm
from services.detection.watch import Watch
from shared.clock import SystemClock
from shared.lifecycle import Background
from shared.offload import Offload
from shared.postgres.migrations import migrate
from shared.postgres.pool import database_url, open_pool
from shared.rpc.client import Channel
from shared.rpc.server import Server
from shared.settings import Common, load, read_file
from shared.telemetry.exporting import exporting

SCHEMA = "detection"
MIGRATIONS = "services.detection.migrations"
NAME = "afteraction.v1.IncidentService"


def tuning(settings: Settings) -> Tuning:
    """The detectors' numbers, from settings."""
    limits = severity.Rules(
        p1_error_share=settings.p1_error_share, p2_error_share=settings.p2_error_share,
        p1_burn_rate=settings.p1_burn_rate, p2_burn_rate=settings.p2_burn_rate, p1_services=settings.p1_services,
        p2_latency_factor=settings.p2_latency_factor, p2_traffic_share=settings.p2_traffic_share)
    return Tuning(strength=settings.strength, hold_s=settings.hold.total_seconds(),
                  lookback_s=settings.change_lookback.total_seconds(), silence_s=settings.silence.total_seconds(),
                  rules=limits, table=rules(settings.signals), objectives=objectives(settings.objectives))


@asynccontextmanager
async def detection(common: Common, settings: Settings) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port."""
    clock = SystemClock()
    with exporting("detection", common), Offload(2, "detection") as offload:
        async with open_pool(database_url(common), schema=SCHEMA, size=settings.database_connections) as pool:
            await migrate(pool, SCHEMA, MIGRATIONS)
            await offload.run(warm)
            store = Store(pool)
            watch = Watch(store)
            register = partial(add_IncidentServiceServicer_to_server,
                               IncidentService(store=store, watch=watch, clock=clock))
            async with Channel(common.ingestion_address, common) as ingestion, Background() as background:
                follower = Follower(log=IngestionLog(ingestion), store=store, watch=watch, offload=offload,
                                    clock=clock, tuning=tuning(settings),
                                    checkpoint_interval_s=settings.checkpoint_interval.total_seconds())
                background.start(follower.run(), name="follower")
                async with Server(common.detection_address, common, [register], names=[NAME]) as server:
                    yield server.port


@asynccontextmanager
async def composition() -> AsyncIterator[int]:
    """The detection service from the environment and the settings file."""
    file = read_file(os.environ)
    common = load(Common, section="", environ=os.environ, file=file)
    async with detection(common, load(Settings, section="detection", environ=os.environ, file=file)) as port:
        yield port
