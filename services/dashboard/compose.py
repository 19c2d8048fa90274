"""The dashboard, put together from settings."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.dashboard.app import application
from services.dashboard.clients import connected
from services.dashboard.desk import Desk
from services.dashboard.rendering import environment
from services.dashboard.security import guard
from services.dashboard.settings import Settings
from services.dashboard.streams import Streams
from shared.clock import SystemClock
from shared.http import serving
from shared.offload import Offload
from shared.settings import Common, load, read_file
from shared.telemetry.exporting import exporting


@asynccontextmanager
async def dashboard(common: Common, settings: Settings) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port. Raises SettingsError when the address is beyond loopback without
    TLS and a token, FailedPrecondition when it is taken."""
    stopping = asyncio.Event()
    clock = SystemClock()
    with exporting("dashboard", common), Offload(2, "dashboard") as offload:
        async with connected(common) as clients:
            desk = Desk(clients=clients, templates=environment(), settings=settings, clock=clock, offload=offload,
                        streams=Streams(clients.incidents, clock),
                        guard=guard(common.token, clock=clock, lifetime=settings.session_lifetime,
                                    address=common.dashboard_address, hosts=settings.hosts,
                                    is_secure=bool(common.tls_certificate)))
            async with serving(application(desk, stopping), common.dashboard_address, common,
                               stopping=stopping) as port:
                yield port


@asynccontextmanager
async def composition() -> AsyncIterator[int]:
    """The dashboard from the environment and the settings file."""
    file = read_file(os.environ)
    common = load(Common, section="", environ=os.environ, file=file)
    async with dashboard(common, load(Settings, section="dashboard", environ=os.environ, file=file)) as port:
        yield port
