"""The recipe for everything that carries a post-mortem: its two services, and what follows a publication."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.drafting.publishing.publisher import Publisher, Task
from services.drafting.publishing.refreshing import Refreshing
from services.drafting.publishing.remembering import Remembering
from services.drafting.publishing.ticketing import Ticketing
from services.drafting.repository.keeping import Repository
from services.drafting.review.watch import Changes
from services.drafting.service.action_items import ActionItemService
from services.drafting.service.postmortems import PostmortemService
from services.drafting.settings import Settings
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.cards import CardStore
from services.drafting.store.postmortem_parts import CHANNEL
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.publications import PublicationStore
from services.drafting.trackers.following import Following
from shared.clock import Clock
from shared.lifecycle import Background
from shared.offload import Offload
from shared.postgres.pool import Pool

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Reviewing:
    """What the composition of drafting registers and starts."""

    postmortems: PostmortemService
    action_items: ActionItemService
    store: PostmortemStore
    items: ActionItemStore
    changes: Changes
    publisher: Publisher
    following: Following | None
    repository: Repository | None

    def start(self, background: Background) -> None:
        """Begins what runs beside the server."""
        background.start(self.changes.run(), name="post-mortem changes")
        background.start(self.publisher.run(), name="publisher")
        if self.following is not None:
            background.start(self.following.run(), name="tracker")
        if self.repository is not None:
            background.start(self.repository.run(), name="repository")


def reviewing(
    *,
    pool: Pool,
    clock: Clock,
    offload: Offload,
    memory: "MemoryServiceAsyncStub",
    incidents: "IncidentServiceAsyncStub",
    following: Following | None,
    repository: Repository | None,
    settings: Settings,
    draft: Callable[[str], Awaitable[None]],
) -> Reviewing:
    """draft: makes the card of `incidents/{id}`, and its post-mortem when it is over, and stores them."""
    store, items, changes = PostmortemStore(pool), ActionItemStore(pool), Changes(pool, CHANNEL)
    tasks: dict[str, Task] = {
        "remember": Remembering(
            memory=memory, postmortems=store, cards=CardStore(pool), clock=clock, offload=offload
        ),
        "tickets": Ticketing(
            incidents=incidents,
            postmortems=store,
            following=following,
            clock=clock,
            dashboard_url=settings.dashboard_url,
        ),
        "refresh": Refreshing(incidents=incidents, refresh=draft),
    }
    if repository is not None:
        tasks["git"] = repository
    publisher = Publisher(postmortems=store, publications=PublicationStore(pool), tasks=tasks, clock=clock)
    postmortems = PostmortemService(
        store=store, clock=clock, offload=offload, draft=draft, changes=changes, published=publisher.wake
    )
    action_items = ActionItemService(
        postmortems=store,
        items=items,
        clock=clock,
        offload=offload,
        tracker=settings.tracker,
        told=following.told if following else None,
    )
    return Reviewing(postmortems, action_items, store, items, changes, publisher, following, repository)
