"""`afteraction serve` as a process: ready, restarted when a service dies, stopped cleanly, nobody left behind."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.cli.serve import held


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def serving(directory: Path, *services: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {"AFTERACTION_DASHBOARD_ADDRESS": f"127.0.0.1:{free_port()}",
                                "AFTERACTION_DATA_DIRECTORY": str(directory)} | settings
    with subprocess.Popen([sys.executable, "-m", "services.cli", "serve", *services], env=environment, text=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=directory) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def line_with(process: subprocess.Popen[str], words: str) -> str:
    """The next line on standard error that has `words` in it; fails when the process ends without it."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if words in line:
            return line
    raise AssertionError(f"{words!r} was not said; instead: {''.join(seen)}")


def pid_in(line: str) -> int:
    found = re.search(r"pid (\d+)", line)
    assert found, line
    return int(found[1])


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def gone(pid: int, timeout_s: float = 15.0) -> bool:
    until = time.monotonic() + timeout_s
    while is_alive(pid) and time.monotonic() < until:
        select.select([], [], [], 0.02)
    return not is_alive(pid)


def test_service_that_dies_is_started_again(tmp_path: Path) -> None:
    with serving(tmp_path, "dashboard") as process:
        first = pid_in(line_with(process, "dashboard  ready"))

        os.kill(first, signal.SIGKILL)

        line_with(process, "starting it again")
        second = pid_in(line_with(process, "dashboard  ready"))
        assert second != first
        process.terminate()
        line_with(process, "dashboard stopped")
        assert process.wait(20) == 0
        assert gone(second)


def test_services_end_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, "dashboard") as process:
        child = pid_in(line_with(process, "dashboard  ready"))

        process.kill()

        assert gone(child)


def test_wrong_setting_stops_the_start_with_its_reason(tmp_path: Path) -> None:
    with serving(tmp_path, "dashboard", AFTERACTION_DASHBOARD_PAGE_SIZE="many") as process:
        line_with(process, "AFTERACTION_DASHBOARD_PAGE_SIZE: 'many' is not a number")
        assert process.wait(20) == 2


def test_address_beyond_loopback_needs_tls_and_a_token(tmp_path: Path) -> None:
    with serving(tmp_path, "dashboard", AFTERACTION_DASHBOARD_ADDRESS=f"0.0.0.0:{free_port()}") as process:
        line_with(process, "AFTERACTION_TLS_CERTIFICATE")
        assert process.wait(20) == 2


def test_taken_address_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"127.0.0.1:{other.getsockname()[1]}"
        with serving(tmp_path, "dashboard", AFTERACTION_DASHBOARD_ADDRESS=address) as process:
            line_with(process, f"somebody listens already at {address} (dashboard_address)")
            assert process.wait(20) == 3
    assert not (tmp_path / "postgres").exists()


def test_second_one_on_a_data_directory_is_refused(tmp_path: Path) -> None:
    with held(tmp_path), serving(tmp_path, "dashboard") as process:
        line_with(process, "another `afteraction serve` uses")
        assert process.wait(20) == 3


@pytest.mark.parametrize("arguments", [["serve", "kitchen"], ["replay", "nowhere"]])
def test_wrong_argument_is_told_in_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    result = subprocess.run([sys.executable, "-m", "services.cli", *arguments], capture_output=True, text=True,
                            check=False, cwd=tmp_path)

    assert result.returncode in (1, 2)
    assert arguments[1] in result.stderr
    assert "Traceback" not in result.stderr
