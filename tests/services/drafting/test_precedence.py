"""The urgent goes at once, the patient when nothing is urgent, one at a time, and never not at all."""

import asyncio

from services.drafting.precedence import Precedence


class Log:
    """What happened, in order."""

    def __init__(self, precedence: Precedence) -> None:
        self.precedence = precedence
        self.happened: list[str] = []

    async def patient(self, name: str, leave: asyncio.Event) -> None:
        async with self.precedence.patient():
            self.happened.append(f"{name} in")
            await leave.wait()
        self.happened.append(f"{name} out")


async def passed(turns: int = 5) -> None:
    """Lets every task that can run do so."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_patient_waits_for_the_urgent_and_goes_one_at_a_time() -> None:
    log, leave = Log(Precedence()), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        async with log.precedence.urgent():
            group.create_task(log.patient("first", leave))
            group.create_task(log.patient("second", leave))
            await passed()
            assert log.happened == []
        await passed()
        assert log.happened == ["first in"]
        leave.set()

    assert log.happened == ["first in", "first out", "second in", "second out"]


async def test_urgent_waits_for_nobody() -> None:
    log, leave = Log(Precedence()), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(log.patient("first", leave))
        await passed()
        async with log.precedence.urgent():
            log.happened.append("urgent")
        leave.set()

    assert log.happened == ["first in", "urgent", "first out"]


async def test_patient_goes_in_the_end_though_something_is_always_urgent() -> None:
    log, leave = Log(Precedence(longest_s=0.01)), asyncio.Event()
    leave.set()

    async with log.precedence.urgent():
        await log.patient("first", leave)

    assert log.happened == ["first in", "first out"]
