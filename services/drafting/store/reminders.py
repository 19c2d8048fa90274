"""Which reminders were delivered."""

from collections.abc import Sequence
from datetime import datetime

from services.drafting.reminders.due import Reminder
from shared.postgres.pool import Pool


class ReminderStore:
    """All SQL about reminders."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def unsent(self, reminders: Sequence[Reminder]) -> list[Reminder]:
        """Those of `reminders` that were not delivered yet, in order."""
        ids = [each.id for each in reminders]
        rows = await self._pool.fetch("SELECT id FROM reminders_sent WHERE id = ANY($1)", ids)
        sent = {row["id"] for row in rows}
        return [each for each in reminders if each.id not in sent]

    async def sent(self, reminder: Reminder, at: datetime) -> None:
        """Notes a delivery; twice is once."""
        await self._pool.execute("INSERT INTO reminders_sent (id, subject, sent_at) VALUES ($1, $2, $3) "
                                 "ON CONFLICT DO NOTHING", reminder.id, reminder.subject, at)
