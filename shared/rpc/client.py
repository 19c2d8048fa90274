"""grpc.aio clients: a deadline on every unary call, retries while a server is away, our own errors for grpc's."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import grpc
from opentelemetry import propagate

from shared.errors import DeadlineExceeded
from shared.rpc.status import from_rpc_error
from shared.settings import Common

DEFAULT_DEADLINE_S = 30.0
Metadata = Sequence[tuple[str, str]]
S = TypeVar("S")

# UNAVAILABLE only: the server says that nothing was done, or we never reached it; every call that creates something
# carries a request_id, so that a repeated one creates nothing twice.
_SERVICE_CONFIG = json.dumps({"methodConfig": [{"name": [{}], "retryPolicy": {
    "maxAttempts": 4, "initialBackoff": "0.1s", "maxBackoff": "2s", "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"]}}]})


class Channel:
    """A connection to one service; stubs made from it raise shared.errors.

    async with Channel("127.0.0.1:7404", common) as channel:
        memory = channel.stub(MemoryServiceStub)
        await memory.GetIndex(GetIndexRequest(), timeout=2.0)
    """

    def __init__(self, address: str, common: Common, *, deadline_s: float = DEFAULT_DEADLINE_S,
                 metadata: Metadata = (), max_message_bytes: int = 64 * 1024 * 1024) -> None:
        options = [("grpc.service_config", _SERVICE_CONFIG), ("grpc.enable_retries", 1),
                   ("grpc.max_receive_message_length", max_message_bytes),
                   ("grpc.max_send_message_length", max_message_bytes),
                   ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.min_reconnect_backoff_ms", 100),
                   ("grpc.max_reconnect_backoff_ms", 2000), ("grpc.enable_http_proxy", 0)]
        self.address = address
        self._metadata = (*metadata, ("authorization", f"Bearer {common.token}")) if common.token else tuple(metadata)
        self._deadline_s = deadline_s
        if common.tls_certificate or common.tls_ca:
            root = Path(common.tls_ca or common.tls_certificate).read_bytes()
            self._channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(root), options)
        else:
            self._channel = grpc.aio.insecure_channel(address, options)

    def stub(self, make: Callable[[grpc.aio.Channel], S]) -> S:
        """A client of one of the services behind this connection."""
        return make(cast(grpc.aio.Channel, self))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection and every call on it."""
        await self._channel.close()

    # What generated stubs ask of a channel.
    def unary_unary(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        call = self._channel.unary_unary(*args, **kwargs)
        return lambda request, *, timeout=None, metadata=(), **options: self._one(
            call, request, timeout, metadata, options)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        call = self._channel.stream_unary(*args, **kwargs)
        return lambda requests, *, timeout=None, metadata=(), **options: self._one(
            call, requests, timeout, metadata, options)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        call = self._channel.unary_stream(*args, **kwargs)
        return lambda request, *, timeout=None, metadata=(), **options: self._many(
            call, request, timeout, metadata, options)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        call = self._channel.stream_stream(*args, **kwargs)
        return lambda requests, *, timeout=None, metadata=(), **options: self._many(
            call, requests, timeout, metadata, options)

    async def _one(self, call: Any, request: Any, timeout: float | None, metadata: Metadata,
                   options: dict[str, Any]) -> Any:
        try:
            return await call(request, timeout=self._deadline_s if timeout is None else timeout,
                              metadata=self._all(metadata), **options)
        except grpc.aio.AioRpcError as error:
            raise self._translated(error) from None

    async def _many(self, call: Any, request: Any, timeout: float | None, metadata: Metadata,
                    options: dict[str, Any]) -> AsyncIterator[Any]:
        running = call(request, timeout=timeout, metadata=self._all(metadata), **options)
        try:
            async for response in running:
                yield response
        except grpc.aio.AioRpcError as error:
            raise self._translated(error) from None
        finally:
            running.cancel()

    def _all(self, metadata: Metadata) -> tuple[tuple[str, str], ...]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return (*self._metadata, *metadata, *carrier.items())

    def _translated(self, error: grpc.aio.AioRpcError) -> Exception:
        translated = from_rpc_error(error)
        if isinstance(translated, DeadlineExceeded) and translated.reason == "UNKNOWN":
            return DeadlineExceeded(f"{self.address} did not answer in time", reason="DEADLINE_EXCEEDED")
        return translated
