"""The dashboard, put together from settings."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn

from services.dashboard.app import application
from services.dashboard.clients import connected
from services.dashboard.desk import Desk
from services.dashboard.rendering import environment
from services.dashboard.security import guard
from services.dashboard.settings import Settings
from shared.clock import SystemClock
from shared.errors import FailedPrecondition
from shared.lifecycle import Background
from shared.offload import Offload
from shared.rpc.server import check_exposure
from shared.settings import Common, load, read_file
from shared.telemetry.exporting import exporting

_DRAIN_S = 5
# No form and no address of ours has longer headers.
_MAX_HEADER_BYTES = 64 * 1024


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process's lifecycle says when to stop."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def dashboard(common: Common, settings: Settings) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port. Raises SettingsError when the address is beyond loopback without
    TLS and a token, FailedPrecondition when it is taken."""
    check_exposure(common.dashboard_address, common)
    host, _, port = common.dashboard_address.rpartition(":")
    stopping = asyncio.Event()
    clock = SystemClock()
    with exporting("dashboard", common), Offload(2, "dashboard") as offload:
        async with connected(common) as clients, Background() as background:
            desk = Desk(clients=clients, templates=environment(), settings=settings, clock=clock, offload=offload,
                        guard=guard(common.token, clock=clock, lifetime=settings.session_lifetime,
                                    address=common.dashboard_address, hosts=settings.hosts,
                                    is_secure=bool(common.tls_certificate)))
            server = _Server(uvicorn.Config(
                application(desk, stopping), host=host.strip("[]"), port=int(port), log_config=None, access_log=False,
                server_header=False, lifespan="off", ws="none", http="h11", timeout_graceful_shutdown=_DRAIN_S,
                h11_max_incomplete_event_size=_MAX_HEADER_BYTES, ssl_certfile=common.tls_certificate or None,
                ssl_keyfile=common.tls_key or None))
            listening = _bind(server.config, common.dashboard_address)
            serving = asyncio.create_task(server.serve([listening]))
            background.start(_watched(serving))
            await server.is_ready.wait()
            try:
                yield listening.getsockname()[1]
            finally:
                stopping.set()
                server.should_exit = True
                await serving


async def _watched(serving: "asyncio.Task[None]") -> None:
    """Fails when the server ends by itself."""
    await asyncio.shield(serving)


def _bind(config: uvicorn.Config, address: str) -> socket.socket:
    try:
        return config.bind_socket()
    except SystemExit as error:
        raise FailedPrecondition(f"{address} cannot be listened on, something else may have it",
                                 reason="ADDRESS_IN_USE", resource=address) from error


@asynccontextmanager
async def composition() -> AsyncIterator[int]:
    """The dashboard from the environment and the settings file."""
    file = read_file(os.environ)
    common = load(Common, section="", environ=os.environ, file=file)
    async with dashboard(common, load(Settings, section="dashboard", environ=os.environ, file=file)) as port:
        yield port
