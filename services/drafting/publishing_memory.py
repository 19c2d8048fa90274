"""Memory hears of a published post-mortem: it remembers the text, and learns a runbook for the failure mode."""

from typing import TYPE_CHECKING

from afteraction.v1 import memory_service_pb2
from services.drafting.publishing_lessons import document, lesson
from services.drafting.review import Postmortem
from services.drafting.review_messages import postmortem as message_of
from services.drafting.store.postmortems import PostmortemStore
from shared.clock import Clock
from shared.names import deterministic_id
from shared.offload import Offload
from shared.timestamps import to_proto

if TYPE_CHECKING:
    from afteraction.v1 import memory_service_pb2_grpc as rpc

_DEADLINE_S = 30.0


class Remembering:
    """A task of the publisher."""

    def __init__(
        self, *, memory: "rpc.MemoryServiceAsyncStub", postmortems: PostmortemStore, clock: Clock, offload: Offload
    ) -> None:
        self._memory = memory
        self._postmortems = postmortems
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
                ),
                timeout=_DEADLINE_S,
            )
        # Last, so that who sees the document's name can rely on the runbook being there, too.
        await self._postmortems.set_document(value.name, remembered.document.name, self._clock.now())
