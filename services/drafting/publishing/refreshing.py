"""What was just learnt reaches those who are in the middle of an incident: their cards are made again."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from afteraction.v1.incident_pb2 import INCIDENT_STATE_ACKNOWLEDGED, INCIDENT_STATE_OPEN
from afteraction.v1.incident_service_pb2 import ListIncidentsRequest
from services.drafting.review.life import Postmortem
from shared.errors import NotFound

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

# The newest ones; a card that would say the same is not stored again.
_MOST_OPEN = 50


class Refreshing:
    """A task of the publisher, after memory has remembered. Which open incidents are like the published one is memory's
    to say: all of them ask it anew."""

    def __init__(self, *, incidents: "IncidentServiceAsyncStub", refresh: Callable[[str], Awaitable[None]]) -> None:
        """refresh: makes the card of `incidents/{id}` again."""
        self._incidents = incidents
        self._refresh = refresh

    async def __call__(self, value: Postmortem) -> None:
        under_way = await self._incidents.ListIncidents(
            ListIncidentsRequest(
                stream=value.stream,
                states=[INCIDENT_STATE_OPEN, INCIDENT_STATE_ACKNOWLEDGED],
                page_size=_MOST_OPEN,
            )
        )
        for incident in under_way.incidents:
            try:
                await self._refresh(incident.name)
            except NotFound:
                continue
