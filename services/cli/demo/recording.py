"""Plays an outage into a stream: telemetry step by step, events in their place, the stream's time marked as it goes."""

import asyncio
import queue
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from google.protobuf.message import Message

from services.cli.demo.observing import Observer
from services.cli.demo.simulator import Ledger, Step, simulate
from services.cli.demo.system import Outage
from services.cli.demo.telemetry import Instruments
from services.cli.sending import Sender, Sent

# Steps between two marks of the stream's time: five minutes.
_STEPS_A_MARK = 10
Progress = Callable[[datetime, Sent], None]
Recorded = tuple[Step, list[Message]]


class Recording:
    """The telemetry of an outage, simulated on a thread of its own from the moment this object is made, so that it is
    ready when the services are. `ledger` is complete when the last step has been taken."""

    def __init__(self, outage: Outage) -> None:
        self.outage = outage
        self.ledger = Ledger()
        self._steps: queue.SimpleQueue[Recorded | BaseException | None] = queue.SimpleQueue()
        threading.Thread(target=self._simulate, name="simulator", daemon=True).start()

    def _simulate(self) -> None:
        try:
            instruments, observer = Instruments(self.outage), Observer(self.outage)
            for step in simulate(self.outage, self.ledger):
                self._steps.put((step, [instruments.export(step), *observer.export(step)]))
            self._steps.put(None)
        except BaseException as error:  # carried over to whoever takes the steps
            self._steps.put(error)

    async def steps(self) -> AsyncIterator[Recorded]:
        """Each step with the OTLP requests that the shop sends of it; once."""
        while True:
            taken = self._steps.get_nowait() if not self._steps.empty() else await asyncio.to_thread(self._steps.get)
            if taken is None:
                return
            if isinstance(taken, BaseException):
                raise taken
            yield taken


async def play(recording: Recording, sender: Sender, progress: Progress) -> int:
    """Sends all of it and returns the position of the last mark, which leaves the stream open."""
    events = sorted(recording.outage.events, key=lambda each: each.occurred_at.ToNanoseconds())
    position = number = 0
    async for step, requests in recording.steps():
        at = datetime.fromtimestamp(step.ends_at, UTC)
        for request in requests:
            await sender.send(request)
        due = [each for each in events if each.occurred_at.ToDatetime(UTC) < at]
        if due:
            await sender.record(due)
            events = events[len(due):]
        number += 1
        if number % _STEPS_A_MARK == 0:
            position = await sender.mark(at)
            progress(at, sender.sent)
    position = await sender.mark(recording.outage.ends_at)
    progress(recording.outage.ends_at, sender.sent)
    return position
