"""The incident's ticket shows its post-mortem, and the post-mortem its ticket; action items become issues."""

from typing import TYPE_CHECKING

from afteraction.v1.incident_service_pb2 import GetIncidentRequest
from services.drafting.review.life import Postmortem
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.trackers.following import Following
from shared.clock import Clock
from shared.errors import FailedPrecondition, NotFound, Unauthenticated
from shared.telemetry.logs import logger

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

log = logger(__name__)


class Ticketing:
    """A task of the publisher."""

    def __init__(
        self,
        *,
        incidents: "IncidentServiceAsyncStub",
        postmortems: PostmortemStore,
        following: Following | None,
        clock: Clock,
        dashboard_url: str,
    ) -> None:
        self._incidents = incidents
        self._postmortems = postmortems
        self._following = following
        self._clock = clock
        self._dashboard_url = dashboard_url.rstrip("/")

    async def __call__(self, value: Postmortem) -> None:
        url = await self._ticket(value)
        if url != value.ticket_url:
            await self._postmortems.set_ticket(value.name, url, self._clock.now())
        if self._following is None:
            return
        self._following.wake()
        if url and self._dashboard_url:
            try:
                await self._following.link(url, value.title, f"{self._dashboard_url}/{value.name}")
            except (FailedPrecondition, Unauthenticated) as error:
                # The tracker will not take it however often it is asked; the ticket is still named here.
                log.warning("ticket not linked", postmortem=value.name, reason=error.reason)

    async def _ticket(self, value: Postmortem) -> str:
        """What the incident says now; somebody may have opened a ticket after the draft."""
        try:
            incident = await self._incidents.GetIncident(GetIncidentRequest(name=value.incident))
        except NotFound:
            return value.ticket_url
        return incident.ticket_url or value.ticket_url
