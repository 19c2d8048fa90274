"""Brings together the facts of a stream: incidents from detection, post-mortems and action items from our tables."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from afteraction.v1.card_pb2 import Card
from afteraction.v1.incident_pb2 import IncidentState
from afteraction.v1.incident_service_pb2 import ListIncidentsRequest
from afteraction.v1.memory_service_pb2 import ListRunbooksRequest
from services.drafting.action_items import Item
from services.drafting.cards.messages import resembled
from services.drafting.insights import messages
from services.drafting.insights.facts import Facts, IncidentFacts, PostmortemFacts, RunbookFacts
from services.drafting.insights.survival import SectionSurvival, survival
from services.drafting.review.life import DRAFTER, Postmortem
from services.drafting.store import action_items as items_table
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.cards import CardStore
from services.drafting.store.postmortems import PostmortemStore, Search
from shared.errors import DeadlineExceeded, Unavailable, Unimplemented
from shared.offload import Offload

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub

EVERY_STREAM = "-"
_PAGE = 500
# A published revision never changes, so neither does its survival.
_MOST_KEPT = 2000


class Gathering:
    """Asks for what the insights need."""

    def __init__(self, *, incidents: "IncidentServiceAsyncStub", memory: "MemoryServiceAsyncStub",
                 postmortems: PostmortemStore, items: ActionItemStore, cards: CardStore, offload: Offload) -> None:
        self._incidents = incidents
        self._memory = memory
        self._postmortems = postmortems
        self._items = items
        self._cards = cards
        self._offload = offload
        self._survivals: OrderedDict[tuple[str, int], tuple[SectionSurvival, ...]] = OrderedDict()

    async def facts(self, stream: str) -> Facts:
        """Everything of `stream` (`-`: of all). Raises Unavailable when detection is away."""
        return Facts(await self._all_incidents(stream), await self.postmortems(stream), await self._all_items(stream))

    async def postmortems(self, stream: str) -> tuple[PostmortemFacts, ...]:
        """The post-mortems of `stream`, the newest first."""
        found: list[Postmortem] = []
        after: tuple[datetime, str] | None = None
        while True:
            page = await self._postmortems.find(Search(stream=_restriction(stream), after=after), _PAGE)
            found += page
            if len(page) < _PAGE:
                break
            after = (page[-1].created_at, page[-1].name)
        cards = await self._cards.newest([each.incident for each in found])
        resembled = await self._offload.run(_resembled, cards)
        return tuple([await self._one(each, resembled.get(each.incident, ())) for each in found])

    async def postmortem(self, name: str) -> PostmortemFacts:
        """One of them. Raises NotFound."""
        found = await self._postmortems.get(name)
        cards = await self._cards.newest([found.incident])
        return await self._one(found, _resembled(cards).get(found.incident, ()))

    async def runbooks(self, stream: str) -> Sequence[RunbookFacts] | None:
        """The runbook library; None when memory is away."""
        found: list[RunbookFacts] = []
        token = ""
        try:
            while True:
                page = await self._memory.ListRunbooks(
                    ListRunbooksRequest(stream=stream, page_size=_PAGE, page_token=token))
                found += [messages.runbook_facts(each) for each in page.runbooks]
                token = page.next_page_token
                if not token:
                    return found
        except (Unavailable, DeadlineExceeded, Unimplemented):
            return None

    async def _one(self, postmortem: Postmortem, resembles: Sequence[str]) -> PostmortemFacts:
        audit = await self._postmortems.audit(postmortem.name)
        return messages.postmortem_facts(postmortem, audit, await self._survival(postmortem), resembles)

    async def _survival(self, postmortem: Postmortem) -> tuple[SectionSurvival, ...]:
        if not postmortem.published_revision:
            return ()
        key = (postmortem.name, postmortem.published_revision)
        if key not in self._survivals:
            revisions = await self._postmortems.revisions(postmortem.name, 0, postmortem.published_revision)
            drafts = [each for each in revisions if each.author in (DRAFTER, "")]
            published = next(each for each in revisions if each.number == postmortem.published_revision)
            # The last text that no person had touched is what the reviewers got.
            drafted = drafts[-1].markdown if drafts else ""
            self._survivals[key] = await self._offload.run(survival, drafted, published.markdown)
            if len(self._survivals) > _MOST_KEPT:
                self._survivals.popitem(last=False)
        return self._survivals[key]

    async def _all_incidents(self, stream: str) -> tuple[IncidentFacts, ...]:
        found: list[IncidentFacts] = []
        token = ""
        while True:
            page = await self._incidents.ListIncidents(
                ListIncidentsRequest(stream=stream, page_size=_PAGE, page_token=token))
            found += [messages.incident_facts(each) for each in page.incidents
                      if each.state != IncidentState.INCIDENT_STATE_MERGED]
            token = page.next_page_token
            if not token:
                return tuple(found)

    async def _all_items(self, stream: str) -> tuple[Item, ...]:
        found: list[Item] = []
        after: items_table.SortKey | None = None
        while True:
            page = await self._items.find(items_table.Search(stream=_restriction(stream), after=after), _PAGE)
            found += page
            if len(page) < _PAGE:
                return tuple(found)
            after = items_table.sort_key(page[-1])


def _restriction(stream: str) -> str:
    """What the stores' searches take: empty for every stream, where the contract says `-`."""
    return "" if stream == EVERY_STREAM else stream or "live"


def _resembled(cards: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """The post-mortems that each incident's card holds to be about the same."""
    return {incident: resembled(Card.FromString(message)) for incident, message in cards.items()}
