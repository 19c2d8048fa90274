"""Tells what is due, again and again: gathers, decides, delivers, notes.

Delivered first and noted after: a crash in between delivers a second time, under the same id, by which a receiver of
Standard Webhooks knows it again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from services.drafting.insights.gathering import Gathering
from services.drafting.reminders import due as reminders
from services.drafting.reminders.due import Reminder
from services.drafting.store.reminders import ReminderStore
from shared.clock import Clock
from shared.errors import AfteractionError
from shared.telemetry.logs import logger

log = logger(__name__)

INTERVAL_S = 3600.0
_STREAM = "live"
# Delivers one reminder; returns when the receiver has it, raises an AfteractionError when it has not.
Deliver = Callable[[Reminder], Awaitable[None]]


class ReminderRounds:
    """Reminds of the incidents and action items of the live stream, once an hour."""

    def __init__(self, *, gathering: Gathering, store: ReminderStore, deliver: Deliver, clock: Clock) -> None:
        self._gathering = gathering
        self._store = store
        self._deliver = deliver
        self._clock = clock

    async def run(self) -> None:
        """Until it is cancelled. A round that fails is made up for by the next one."""
        while True:
            try:
                await self.round()
            except (AfteractionError, OSError) as error:
                log.warning("reminders delayed", error=str(error))
            await asyncio.sleep(INTERVAL_S)

    async def round(self) -> int:
        """Delivers what is due and was not delivered; how many. Raises what the delivery raised."""
        now = self._clock.now()
        waiting = await self._store.unsent(reminders.due(await self._gathering.facts(_STREAM), now))
        for reminder in waiting:
            await self._deliver(reminder)
            await self._store.sent(reminder, now)
            log.info("reminder sent", kind=reminder.kind.value, subject=reminder.subject)
        return len(waiting)


def payload(reminder: Reminder, dashboard_url: str = "") -> dict[str, object]:
    """What a webhook's receiver gets; `text` is all that a Slack-compatible one reads."""
    link = f"{dashboard_url.rstrip('/')}/{reminder.subject}" if dashboard_url else ""
    owner = f" — {reminder.owner}" if reminder.owner else ""
    return {"type": reminder.kind.value, "id": reminder.id, "subject": reminder.subject, "owner": reminder.owner,
            "text": f"{reminder.text}{owner}" + (f" {link}" if link else ""), "link": link}
