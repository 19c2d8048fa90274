"""Memory hears of a published post-mortem: it remembers the text, and learns a runbook for the failure mode."""

from typing import TYPE_CHECKING

from afteraction.v1 import memory_service_pb2
from afteraction.v1.card_pb2 import Card
from afteraction.v1.runbook_pb2 import Runbook
from services.drafting.cards.messages import ALIKE, resembled
from services.drafting.publishing.lessons import Lesson, document, lesson
from services.drafting.review.life import Postmortem
from services.drafting.review.messages import postmortem as message_of
from services.drafting.store.cards import CardStore
from services.drafting.store.postmortems import PostmortemStore
from shared.clock import Clock
from shared.errors import NotFound
from shared.names import deterministic_id
from shared.offload import Offload
from shared.timestamps import to_proto

if TYPE_CHECKING:
    from afteraction.v1 import memory_service_pb2_grpc as rpc

_DEADLINE_S = 30.0


class Remembering:
    """A task of the publisher."""

    def __init__(
        self,
        *,
        memory: "rpc.MemoryServiceAsyncStub",
        postmortems: PostmortemStore,
        cards: CardStore,
        clock: Clock,
        offload: Offload,
    ) -> None:
        self._memory = memory
        self._postmortems = postmortems
        self._cards = cards
        self._clock = clock
        self._offload = offload

    async def __call__(self, value: Postmortem) -> None:
        whole = await self._offload.run(message_of, value, ())
        unique = deterministic_id("publish", value.name, str(value.published_revision))
        remembered = await self._memory.Remember(
            memory_service_pb2.RememberRequest(document=document(whole), request_id=unique), timeout=_DEADLINE_S
        )
        learnt = lesson(whole)
        if learnt.mitigation_steps or learnt.diagnosis_steps:
            recommended = await self._recommended(value, learnt)
            await self._memory.LearnRunbook(
                memory_service_pb2.LearnRunbookRequest(
                    document=remembered.document.name,
                    postmortem=value.name,
                    service=learnt.service,
                    category=learnt.category,
                    triggers=learnt.triggers,
                    diagnosis_steps=learnt.diagnosis_steps,
                    mitigation_steps=learnt.mitigation_steps,
                    alert_names=learnt.alert_names,
                    verified_at=to_proto(value.resolved_at),
                    stream=value.stream,
                    request_id=unique,
                    title=learnt.title,
                    runbook=recommended.name if recommended is not None else "",
                ),
                timeout=_DEADLINE_S,
            )
            if recommended is not None and set(recommended.postmortems) != {value.name}:
                await self._used(recommended, value, learnt)
        # Last, so that who sees the document's name can rely on the runbook being there, too.
        await self._postmortems.set_document(value.name, remembered.document.name, self._clock.now())

    async def _recommended(self, value: Postmortem, learnt: Lesson) -> Runbook | None:
        """The runbook that the incident's card gave, where it is of the failure mode that the post-mortem describes."""
        cards = await self._cards.newest([value.incident])
        if value.incident not in cards:
            return None
        card = Card.FromString(cards[value.incident])
        best = next((each for each in card.runbooks if each.runbook.startswith("runbooks/")), None)
        if best is None:
            return None
        try:
            runbook = await self._memory.GetRunbook(
                memory_service_pb2.GetRunbookRequest(name=best.runbook), timeout=_DEADLINE_S
            )
        except NotFound:
            return None
        is_alike = best.score >= ALIKE or not set(runbook.postmortems).isdisjoint(resembled(card))
        return runbook if is_alike or runbook.category == learnt.category else None

    async def _used(self, runbook: Runbook, value: Postmortem, learnt: Lesson) -> None:
        """It helped where what ended the incident is a step of it."""
        ended_by = {_gist(each) for each in learnt.mitigation_steps}
        await self._memory.RecordRunbookUse(
            memory_service_pb2.RecordRunbookUseRequest(
                name=runbook.name,
                incident=value.incident,
                used_at=to_proto(value.resolved_at),
                helped=not ended_by.isdisjoint(map(_gist, runbook.mitigation_steps)),
                request_id=deterministic_id("use", runbook.name, value.incident),
            ),
            timeout=_DEADLINE_S,
        )


def _gist(step: str) -> str:
    """A step without the example at its end."""
    return step.partition(" (")[0].casefold()
