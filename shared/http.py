"""An ASGI application served by uvicorn, under the same rules of exposure as our gRPC servers."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from shared.errors import FailedPrecondition
from shared.lifecycle import Background
from shared.rpc.server import check_exposure
from shared.settings import Common

# No form, no address and no header of ours is longer.
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
async def serving(app: ASGIApp, address: str, common: Common, *, drain_s: int = 5,
                  stopping: asyncio.Event | None = None) -> AsyncIterator[int]:
    """Serves `app` until the block ends, then lets requests under way finish for `drain_s`; yields the port.

    stopping: set when the block ends, before the draining begins. Raises SettingsError when the address is beyond
    loopback without TLS and a token, FailedPrecondition when it is taken.
    """
    check_exposure(address, common)
    host, _, port = address.rpartition(":")
    server = _Server(uvicorn.Config(
        app, host=host.strip("[]"), port=int(port), log_config=None, access_log=False, server_header=False,
        lifespan="off", ws="none", http="h11", timeout_graceful_shutdown=drain_s,
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES, ssl_certfile=common.tls_certificate or None,
        ssl_keyfile=common.tls_key or None))
    listening = _bind(server.config, address)
    async with Background() as background:
        running = asyncio.create_task(server.serve([listening]))
        background.start(_watched(running))
        await server.is_ready.wait()
        try:
            yield listening.getsockname()[1]
        finally:
            if stopping is not None:
                stopping.set()
            server.should_exit = True
            await running


async def _watched(running: "asyncio.Task[None]") -> None:
    """Fails when the server ends by itself."""
    await asyncio.shield(running)


def _bind(config: uvicorn.Config, address: str) -> socket.socket:
    try:
        return config.bind_socket()
    except SystemExit as error:
        raise FailedPrecondition(f"{address} cannot be listened on, something else may have it",
                                 reason="ADDRESS_IN_USE", resource=address) from error
