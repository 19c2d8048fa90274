"""A grpc.aio server with health, reflection, TLS, a token and the interceptors, from settings."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shared.errors import FailedPrecondition
from shared.rpc.interceptors import Refused, server_interceptors
from shared.rpc.wrapping import Context
from shared.settings import Common, SettingsError

__all__ = ["Context", "Server", "check_exposure", "is_loopback"]

# Registers one servicer: `lambda server: add_MemoryServiceServicer_to_server(servicer, server)`.
Registration = Callable[[grpc.aio.Server], None]
DRAIN_S = 10.0
_LOOPBACK = ("127.", "localhost", "[::1]", "::1", "unix:")


class Server:
    """Serves until its block ends; then it says NOT_SERVING, lets calls under way finish, and closes.

    async with Server("127.0.0.1:7404", common, [register], names=["afteraction.v1.MemoryService"]) as server:
        ... server.port

    Raises SettingsError when the address is beyond loopback and TLS and a token are not both configured, and
    FailedPrecondition when the address is taken. refused: hears of each call without a valid token.
    """

    def __init__(self, address: str, common: Common, registrations: Sequence[Registration], *, names: Sequence[str],
                 max_message_bytes: int = 32 * 1024 * 1024, options: Sequence[tuple[str, Any]] = (),
                 refused: Refused | None = None) -> None:
        check_exposure(address, common)
        self._address = address
        self._common = common
        self._names = tuple(names)
        self._server = grpc.aio.server(interceptors=server_interceptors(common.token, refused), options=[
            ("grpc.max_receive_message_length", max_message_bytes), ("grpc.max_send_message_length", max_message_bytes),
            # Without this two processes could listen on one port and share its callers.
            ("grpc.so_reuseport", 0), ("grpc.http2.min_ping_interval_without_data_ms", 10_000), *options])
        self._health = health.aio.HealthServicer()
        for register in registrations:
            register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection((*names, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server)
        self.port = 0

    async def __aenter__(self) -> Self:
        try:
            self.port = self._bind()
        except RuntimeError as error:
            raise FailedPrecondition(f"{self._address} cannot be listened on, something else may have it: {error}",
                                     reason="ADDRESS_IN_USE", resource=self._address) from error
        await self._server.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self._health.enter_graceful_shutdown()
        await self._server.stop(DRAIN_S if error is None else 0.5)

    def _bind(self) -> int:
        if not self._common.tls_certificate:
            return self._server.add_insecure_port(self._address)
        pair = (Path(self._common.tls_key).read_bytes(), Path(self._common.tls_certificate).read_bytes())
        return self._server.add_secure_port(self._address, grpc.ssl_server_credentials([pair]))


def is_loopback(address: str) -> bool:
    """Whether `host:port` can be reached from this machine alone."""
    return address.startswith(_LOOPBACK)


def check_exposure(address: str, common: Common) -> None:
    """Raises SettingsError when `address` is beyond loopback without TLS and a token."""
    if is_loopback(address):
        return
    missing = [f"AFTERACTION_{name.upper()}" for name in ("tls_certificate", "tls_key", "token")
               if not getattr(common, name)]
    if missing:
        raise SettingsError([f"{address} can be reached from other machines, so {', '.join(missing)} must be set too; "
                             "or listen on 127.0.0.1"])
