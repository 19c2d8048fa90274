"""The life of a process: signals, background work, offloaded work, our own log."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import threading

import pytest

from shared.lifecycle import Background
from shared.offload import Offload
from shared.telemetry.logs import JsonFormatter

SERVICE = """
import contextlib, sys
from shared.lifecycle import main

@contextlib.asynccontextmanager
async def composition():
    print("up", flush=True)
    yield
    print("drained", flush=True)

main("example", composition)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_drains_when_it_is_told_to_stop(number: signal.Signals) -> None:
    with subprocess.Popen([sys.executable, "-c", SERVICE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        os.kill(process.pid, number)
        assert process.stdout.read() == "drained\n"
        assert process.wait(10) == 0


def test_process_that_fails_says_so_and_ends_with_one() -> None:
    result = subprocess.run([sys.executable, "-c", SERVICE.replace('print("up", flush=True)', "raise OSError('no')")],
                            capture_output=True, text=True, check=False)

    assert result.returncode == 1
    assert json.loads(result.stderr.splitlines()[0])["event"] == "service failed"


async def test_background_work_that_fails_ends_its_block() -> None:
    async def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        async with Background() as background:
            background.start(fails())
            await asyncio.Event().wait()


async def test_background_work_ends_with_its_block() -> None:
    ended = asyncio.Event()

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with Background() as background:
        background.start(works())
        await asyncio.sleep(0)

    assert ended.is_set()


async def test_offloaded_work_runs_on_another_thread_and_may_raise() -> None:
    with Offload(threads=1) as offload:
        assert await offload.run(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            await offload.run(divmod, 1, 0)


def test_log_line_is_json_with_its_fields() -> None:
    record = logging.LogRecord("services.memory.index", logging.INFO, "", 0, "index rebuilt", (), None)
    record.fields = {"passages": 12}

    line = json.loads(JsonFormatter("memory").format(record))

    assert (line["event"], line["passages"], line["service.name"]) == ("index rebuilt", 12, "memory")
