"""Which issue is which action item's: written down before the tracker is asked to make it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.drafting.trackers.creation import Creation
from services.drafting.trackers.issue import State
from shared.postgres.pool import Pool

_COLUMNS = "item, marker, tries, next_at, first_tried_at, tried_at, id, url, there"

_QUALIFIED = ", ".join(f"t.{name}" for name in _COLUMNS.split(", "))
_WAITING = (
    "tracker_issues t JOIN action_items a ON a.name = t.item "
    "WHERE t.tracker = $1 AND t.id = '' AND (a.state = 2 OR t.tried_at IS NOT NULL)"
)


class TrackerIssueStore:
    """All SQL about one tracker's issues."""

    def __init__(self, pool: Pool, tracker: str) -> None:
        self._pool = pool
        self._tracker = tracker

    async def unwanted(self, stream: str, limit: int = 500) -> list[str]:
        """Names of open items of the stream for which no issue is wanted yet, the oldest first."""
        rows = await self._pool.fetch(
            "SELECT a.name FROM action_items a WHERE a.stream = $1 AND a.state = 2 AND NOT EXISTS "
            "(SELECT 1 FROM tracker_issues t WHERE t.item = a.name AND t.tracker = $2) "
            "ORDER BY a.created_at, a.name LIMIT $3",
            stream,
            self._tracker,
            limit,
        )
        return [row["name"] for row in rows]

    async def want(self, item: str, marker: str, at: datetime) -> None:
        """An issue is wanted for the item; twice is once, with the first marker."""
        await self._pool.execute(
            "INSERT INTO tracker_issues (tracker, item, marker, next_at) VALUES ($1, $2, $3, $4) "
            "ON CONFLICT DO NOTHING",
            self._tracker,
            item,
            marker,
            at,
        )

    async def due(self, at: datetime, limit: int = 500) -> list[Creation]:
        """Wanted ones that have no issue and whose time has come, the oldest first. An item that is not open any more
        needs none, unless a try for it may have come about."""
        rows = await self._pool.fetch(
            f"SELECT {_QUALIFIED} FROM {_WAITING} AND t.next_at <= $2 "  # noqa: S608  constants of this module
            "ORDER BY t.next_at, a.created_at, t.item LIMIT $3",
            self._tracker,
            at,
            limit,
        )
        return [_creation(row) for row in rows]

    async def next_due(self) -> datetime | None:
        """When the next of them is due; None where nothing waits."""
        due: datetime | None = await self._pool.fetchval(
            f"SELECT min(t.next_at) FROM {_WAITING}",  # noqa: S608  constants of this module
            self._tracker,
        )
        return due

    async def begin(self, creation: Creation, at: datetime, settled_at: datetime) -> bool:
        """Writes a try down before it is made; False where another process has begun one. Committed when it returns:
        whatever happens now, who comes next looks before he tries again, and not before `settled_at`."""
        row = await self._pool.fetchval(
            "UPDATE tracker_issues SET tries = tries + 1, tried_at = $4, "
            "first_tried_at = coalesce(first_tried_at, $4), next_at = $5 "
            "WHERE tracker = $1 AND item = $2 AND tries = $3 AND id = '' RETURNING item",
            self._tracker,
            creation.item,
            creation.tries,
            at,
            settled_at,
        )
        return row is not None

    async def undone(self, item: str, next_at: datetime, error: str) -> None:
        """The try certainly did not come about; it may be repeated from `next_at` on."""
        await self._pool.execute(
            "UPDATE tracker_issues SET tried_at = NULL, next_at = $3, last_error = $4 "
            "WHERE tracker = $1 AND item = $2 AND id = ''",
            self._tracker,
            item,
            next_at,
            error[:500],
        )

    async def postpone(self, item: str, next_at: datetime, error: str) -> None:
        """Whether it came about is still not known; looked at again at `next_at`."""
        await self._pool.execute(
            "UPDATE tracker_issues SET next_at = $3, last_error = $4 WHERE tracker = $1 AND item = $2 AND id = ''",
            self._tracker,
            item,
            next_at,
            error[:500],
        )

    async def made(self, item: str, identifier: str, url: str, there: State) -> bool:
        """It has its issue; False where it had one already."""
        row = await self._pool.fetchval(
            "UPDATE tracker_issues SET id = $3, url = $4, there = $5, last_error = '' "
            "WHERE tracker = $1 AND item = $2 AND id = '' RETURNING item",
            self._tracker,
            item,
            identifier,
            url,
            int(there),
        )
        return row is not None

    async def saw(self, item: str, there: State) -> None:
        """What we know of its state over there."""
        await self._pool.execute(
            "UPDATE tracker_issues SET there = $3 WHERE tracker = $1 AND item = $2", self._tracker, item, int(there)
        )

    async def with_markers(self, markers: Sequence[str]) -> list[Creation]:
        """Those that the markers belong to."""
        rows = await self._pool.fetch(
            f"SELECT {_COLUMNS} FROM tracker_issues WHERE tracker = $1 AND marker = ANY($2)",  # noqa: S608
            self._tracker,
            list(markers),
        )
        return [_creation(row) for row in rows]

    async def out_of_step(self, limit: int = 100) -> list[Creation]:
        """Those whose item has another state here than the issue is known to have there."""
        rows = await self._pool.fetch(
            f"SELECT {_QUALIFIED} FROM tracker_issues t JOIN action_items a ON a.name = t.item "  # noqa: S608
            "WHERE t.tracker = $1 AND t.id <> '' AND t.there <> 0 AND a.state = ANY('{2,3,4}') "
            "AND t.there <> a.state - 1 ORDER BY t.item LIMIT $2",
            self._tracker,
            limit,
        )
        return [_creation(row) for row in rows]

    async def polled_at(self) -> datetime | None:
        """Up to when changes over there were read; None at the first time."""
        at: datetime | None = await self._pool.fetchval(
            "SELECT polled_at FROM tracker_polls WHERE tracker = $1", self._tracker
        )
        return at

    async def polled(self, at: datetime) -> None:
        await self._pool.execute(
            "INSERT INTO tracker_polls (tracker, polled_at) VALUES ($1, $2) "
            "ON CONFLICT (tracker) DO UPDATE SET polled_at = $2",
            self._tracker,
            at,
        )

    async def earliest_try(self) -> datetime | None:
        """When the first try was made; None where none was."""
        at: datetime | None = await self._pool.fetchval(
            "SELECT min(first_tried_at) FROM tracker_issues WHERE tracker = $1", self._tracker
        )
        return at


def _creation(row: Any) -> Creation:
    return Creation(
        item=row["item"],
        marker=row["marker"],
        tries=row["tries"],
        next_at=row["next_at"],
        first_tried_at=row["first_tried_at"],
        tried_at=row["tried_at"],
        id=row["id"],
        url=row["url"],
        there=State(row["there"]),
    )
