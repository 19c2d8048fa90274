"""Which streams there are, and which one a page shows that was not told."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from afteraction.v1.incident_service_pb2 import ListIncidentsRequest
from shared.clock import Clock
from shared.errors import DeadlineExceeded, Unavailable, Unimplemented

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

LIVE = "live"
EVERY_STREAM = "-"
# How many incidents are looked at to know which streams there are.
_MOST_INCIDENTS = 500
# A new stream may be listed this much later.
_KEPT = timedelta(seconds=5)


class Streams:
    """The streams that have incidents, newest incident first."""

    def __init__(self, incidents: "IncidentServiceAsyncStub", clock: Clock) -> None:
        self._incidents = incidents
        self._clock = clock
        self._names: tuple[str, ...] = ()
        self._read_at: datetime | None = None

    async def known(self) -> tuple[str, ...]:
        """Those that were known last while detection is away."""
        now = self._clock.now()
        if self._read_at is None or not self._read_at <= now < self._read_at + _KEPT:
            self._read_at = now
            try:
                found = await self._incidents.ListIncidents(
                    ListIncidentsRequest(stream=EVERY_STREAM, page_size=_MOST_INCIDENTS))
            except (Unavailable, DeadlineExceeded, Unimplemented):
                return self._names
            self._names = tuple(dict.fromkeys(each.stream or LIVE for each in found.incidents))
        return self._names


def listed(known: Sequence[str], shown: str) -> list[str]:
    """For a choice: `live` first, and what is shown among them."""
    return [LIVE, *sorted({*known, shown} - {LIVE, EVERY_STREAM, ""})]


def default(known: Sequence[str]) -> str:
    """`live`; another only where that one has nothing at all to show, as after a replay into a fresh installation."""
    return LIVE if LIVE in known or not known else known[0]
