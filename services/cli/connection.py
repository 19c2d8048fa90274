"""The running services as a command sees them: addresses, token and TLS from the settings, a stub for the asking."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from shared.rpc.client import Channel
from shared.settings import Common, load, read_file

S = TypeVar("S")
T = TypeVar("T")

# Which address answers for which gRPC service.
_HOMES: Mapping[str, str] = {
    "IngestionServiceStub": "ingestion_address",
    "MetricsServiceStub": "otlp_grpc_address",
    "LogsServiceStub": "otlp_grpc_address",
    "TraceServiceStub": "otlp_grpc_address",
    "IncidentServiceStub": "detection_address",
    "CardServiceStub": "drafting_address",
    "PostmortemServiceStub": "drafting_address",
    "ActionItemServiceStub": "drafting_address",
    "InsightServiceStub": "drafting_address",
    "MemoryServiceStub": "memory_address",
}


class Connection:
    """Channels to the services, opened when first asked for; errors come back as shared.errors.

    async with Connection(common) as connection:
        incidents = connection.stub(IncidentServiceStub)
    """

    def __init__(self, common: Common) -> None:
        self.common = common
        self._channels: dict[str, Channel] = {}

    def stub(self, make: Callable[[grpc.aio.Channel], S]) -> S:
        """A client of the gRPC service whose generated stub class is `make`, wherever it runs."""
        address = str(getattr(self.common, _HOMES[getattr(make, "__name__", "")]))
        if address not in self._channels:
            self._channels[address] = Channel(address, self.common)
        return self._channels[address].stub(make)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        for channel in self._channels.values():
            await channel.close()


def common_settings(environ: Mapping[str, str] | None = None) -> Common:
    """The settings that every process shares, from the environment and the settings file. Raises SettingsError."""
    variables = os.environ if environ is None else environ
    return load(Common, section="", environ=variables, file=read_file(variables))


def call(work: Callable[[Connection], Awaitable[T]]) -> T:
    """What `work` returns, run against the configured services: the body of a command.

    @app.command()
    def show(name: str) -> None:
        incident = call(lambda connection: connection.stub(IncidentServiceStub).GetIncident(...))
    """
    common = common_settings()

    async def run() -> T:
        async with Connection(common) as connection:
            return await work(connection)

    return asyncio.run(run())


def metadata_for(stream: str) -> tuple[tuple[str, Any], ...]:
    """The gRPC metadata that puts an OTLP request into `stream`."""
    return (("afteraction-stream", stream),)
