"""`afteraction serve`: starts PostgreSQL when none is configured, then a process for each service; watches over them.

A service that dies is started again, at once the first time and then with growing pauses; one that keeps dying at its
start ends everything with its last words. SIGTERM stops in reverse: the dashboard first, ingestion last, so that
nothing is asked of what is gone already; each drains by itself. Children die with this process, however it ends.
"""

import asyncio
import errno
import fcntl
import importlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import grpc
import typer
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from services.cli.connection import common_settings
from services.cli.output import errors
from shared.errors import AfteractionError, Unavailable
from shared.postgres.embedded import EmbeddedPostgres
from shared.rpc.client import Channel
from shared.settings import Common, SettingsError, load, read_file

# In the order of start: who is asked before who asks.
SERVICES = ("ingestion", "memory", "detection", "drafting", "dashboard")
_READY_WITHIN_S = 120.0
_DRAIN_S = 20.0
_POLL_S = 0.05
# Seconds before a service that died is started again; a minute of life starts the list anew.
_PAUSES_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
_LONG_LIFE_S = 60.0
# Exit code of a service whose settings are wrong: trying again would not help.
_BAD_SETTINGS = 2


@dataclass(slots=True)
class Child:
    """One service's process, and how often it has died lately. log_begins: byte of the log where it began to write.
    `successor` is the one that was started in its place."""

    service: str
    process: subprocess.Popen[bytes]
    started_at: float
    log_begins: int = 0
    deaths: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    successor: "asyncio.Future[Child]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(slots=True)
class Supervisor:
    """Keeps the named services running until it is told to stop."""

    services: Sequence[str]
    common: Common
    environment: Mapping[str, str]
    log_directory: Path
    is_quiet: bool = False
    children: dict[str, Child] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, ready: asyncio.Event | None = None) -> int:
        """Starts, watches, stops; returns the exit code. `ready` is set when every service answers."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        try:
            code = await self._start_all()
            if code == 0 and not self._stopping.is_set():
                self._say(f"ready{self._where()}")
                if ready:
                    ready.set()
                code = await self._watch()
        finally:
            await self._stop_all()
        return code

    def _where(self) -> str:
        """What one needs to use what was started."""
        dashboard = f"  dashboard {dashboard_url(self.common)}" if "dashboard" in self.services else ""
        otlp = f"  OTLP {self.common.otlp_grpc_address} (gRPC), {self.common.otlp_http_address} (HTTP)"
        return dashboard + (otlp if "ingestion" in self.services else "")

    def stop(self) -> None:
        """Asks `run` to drain and return."""
        self._stopping.set()

    async def stopped(self) -> None:
        """Returns once somebody asked for the end."""
        await self._stopping.wait()

    async def _start_all(self) -> int:
        for service in self.services:
            self._start(service)
        for service in self.services:
            code = await self._await_ready(service)
            if code:
                return code
            if self._stopping.is_set():
                break
        return 0

    def _start(self, service: str, deaths: int = 0) -> None:
        self.log_directory.mkdir(parents=True, exist_ok=True)
        with (self.log_directory / f"{service}.log").open("ab") as log:
            begins = log.tell()
            # Started from this very thread: the kernel tells a child of the death of the parent's *thread*.
            process = subprocess.Popen(
                [sys.executable, "-m", "services.cli.child", f"services.{service}"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env=dict(self.environment), start_new_session=True)
        child = Child(service, process, asyncio.get_running_loop().time(), begins, deaths)
        before = self.children.get(service)
        self.children[service] = child
        if before:
            before.successor.set_result(child)

    async def _await_ready(self, service: str) -> int:
        """Until the service answers SERVING. Returns the exit code to end with, 0 when it is ready."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _READY_WITHIN_S
        while loop.time() < until and not self._stopping.is_set():
            child = self.children[service]
            code = child.process.poll()
            if code is not None:
                words = last_words(self.log_directory, service, since=child.log_begins)
                self._say(f"{service} ended with {code} while starting:\n{words}")
                if code == _BAD_SETTINGS:
                    return _BAD_SETTINGS
                if child.deaths + 1 >= len(_PAUSES_S):
                    return 1
                await self._pause(_PAUSES_S[child.deaths + 1])
                self._start(service, child.deaths + 1)
            elif await self._has_become_ready(child):
                return 0
            await asyncio.sleep(_POLL_S)
        if not self._stopping.is_set():
            self._say(f"{service} did not become ready within {_READY_WITHIN_S:.0f} s; its log: "
                      f"{self.log_directory / f'{service}.log'}")
            return 1
        return 0

    async def _has_become_ready(self, child: Child) -> bool:
        if not child.ready.is_set() and await is_serving(child.service, self.common):
            child.ready.set()
            address = address_of(child.service, self.common)
            self._say(f"{child.service:<10} ready at {address} (pid {child.process.pid})")
        return child.ready.is_set()

    async def _watch(self) -> int:
        while not self._stopping.is_set():
            for service in self.services:
                child = self.children[service]
                code = child.process.poll()
                if code is None:
                    await self._has_become_ready(child)
                    continue
                if self._stopping.is_set():
                    break
                lived = asyncio.get_running_loop().time() - child.started_at
                deaths = 0 if lived > _LONG_LIFE_S else min(child.deaths + 1, len(_PAUSES_S) - 1)
                self._say(f"{service} ended with {code} after {lived:.0f} s; starting it again")
                await self._pause(_PAUSES_S[deaths])
                self._start(service, deaths)
            await self._pause(_POLL_S)
        return 0

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _stop_all(self) -> None:
        for service in reversed(self.services):
            child = self.children.get(service)
            if child is None or child.process.poll() is not None:
                continue
            child.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.to_thread(child.process.wait, _DRAIN_S)
                self._say(f"{service} stopped")
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
                self._say(f"{service} did not drain within {_DRAIN_S:.0f} s and was killed")

    def _say(self, sentence: str) -> None:
        self.said.append(sentence)
        if not self.is_quiet:
            errors.print(sentence, markup=False)


def last_words(log_directory: Path, service: str, lines: int = 15, *, since: int = 0) -> str:
    """The end of a service's log, of what it wrote from byte `since` on."""
    path = log_directory / f"{service}.log"
    if not path.exists():
        return ""
    with path.open("rb") as log:
        log.seek(since)
        return "\n".join(log.read().decode(errors="replace").splitlines()[-lines:])


def address_of(service: str, common: Common) -> str:
    """Where a service listens."""
    return str(getattr(common, f"{service}_address"))


def within_reach(address: str) -> str:
    """An address under which this machine reaches a server that listens on `address`, which may be all of its own."""
    return address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")


def dashboard_url(common: Common) -> str:
    """The dashboard's address as one types it into a browser."""
    return f"{'https' if common.tls_certificate else 'http'}://{within_reach(common.dashboard_address)}"


async def is_serving(service: str, common: Common) -> bool:
    """Whether the service says that it serves: grpc.health.v1, for the dashboard its own page of health."""
    if service == "dashboard":
        return await asyncio.to_thread(_answers, f"{dashboard_url(common)}/healthz", common)
    async with Channel(within_reach(address_of(service, common)), common, deadline_s=2.0) as channel:
        health = channel.stub(HealthStub)
        try:
            answer = await health.Check(HealthCheckRequest())
        except (AfteractionError, grpc.aio.UsageError):
            return False
        return bool(answer.status == HealthCheckResponse.SERVING)


def _answers(url: str, common: Common) -> bool:
    context = None
    if url.startswith("https"):
        context = ssl.create_default_context(cafile=common.tls_ca or common.tls_certificate)
    try:
        with urllib.request.urlopen(url, timeout=2, context=context) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def check_settings(services: Sequence[str]) -> None:
    """Raises SettingsError with everything that is wrong with the settings of the services, before one is started."""
    file, problems = read_file(os.environ), list[str]()
    for service in services:
        try:
            load(importlib.import_module(f"services.{service}.settings").Settings, section=service,
                 environ=os.environ, file=file)
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)


def refuse_taken(services: Sequence[str], common: Common) -> None:
    """Raises Unavailable that names the addresses on which somebody else listens already."""
    wanted = {f"{service}_address" for service in services}
    wanted |= {"otlp_grpc_address", "otlp_http_address"} if "ingestion" in services else set()
    taken = [f"{address} ({name})" for name in sorted(wanted) if _is_taken(address := str(getattr(common, name)))]
    if taken:
        raise Unavailable(f"somebody listens already at {', '.join(taken)}; is Afteraction running there? Stop it, or "
                          "set other addresses: `afteraction config` names them", reason="ADDRESS_IN_USE")


def _is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), int(port)))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """Nobody else serves from the directory during the block. Raises Unavailable when somebody does."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Unavailable(f"another `afteraction serve` uses {directory}; stop it, or set "
                              "AFTERACTION_DATA_DIRECTORY", reason="DATA_DIRECTORY_IN_USE") from error
        yield


@asynccontextmanager
async def database(common: Common, environment: Mapping[str, str]) -> AsyncIterator[dict[str, str]]:
    """The environment of the services, with the address of PostgreSQL in it: the configured one, or an embedded one
    that lives as long as the block."""
    variables = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", **environment}
    async with AsyncExitStack() as stack:
        url = common.database_url
        if not url:
            try:
                server = await stack.enter_async_context(EmbeddedPostgres(common.data_directory))
            except (RuntimeError, TimeoutError) as error:
                raise Unavailable(f"the embedded PostgreSQL does not start: {error}", reason="NO_DATABASE") from error
            url = server.url()
        yield variables | {"AFTERACTION_DATABASE_URL": url}


async def serve_all(services: Sequence[str], common: Common) -> int:
    """Runs the services until SIGTERM or SIGINT; returns the exit code.

    Raises Unavailable, before anything is started, where an address is taken or the data directory is in use.
    """
    refuse_taken(services, common)
    with held(common.data_directory):
        async with database(common, os.environ) as environment:
            return await Supervisor(services, common, environment, common.data_directory / "log").run()


def serve(
    services: Annotated[list[str] | None, typer.Argument(help=f"Any of {', '.join(SERVICES)}; none: all.")] = None,
) -> None:
    """Starts the services, one process each, and keeps them running until SIGTERM."""
    unknown = [each for each in services or () if each not in SERVICES]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(SERVICES)}")
    chosen = [each for each in SERVICES if not services or each in services]
    check_settings(chosen)
    raise typer.Exit(asyncio.run(serve_all(chosen, common_settings())))
