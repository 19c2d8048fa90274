"""The other services as the dashboard sees them: a stub each, over one connection per process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceStub
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from afteraction.v1.insight_service_pb2_grpc import InsightServiceStub
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from shared.rpc.client import Channel
from shared.settings import Common

if TYPE_CHECKING:
    from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceAsyncStub
    from afteraction.v1.card_service_pb2_grpc import CardServiceAsyncStub
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub
    from afteraction.v1.insight_service_pb2_grpc import InsightServiceAsyncStub
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub

# A page waits this long for a part of it; then it says what is missing.
DEADLINE_S = 10.0


@dataclass(frozen=True, slots=True)
class Clients:
    """What the pages ask."""

    incidents: "IncidentServiceAsyncStub"
    cards: "CardServiceAsyncStub"
    postmortems: "PostmortemServiceAsyncStub"
    action_items: "ActionItemServiceAsyncStub"
    insights: "InsightServiceAsyncStub"
    memory: "MemoryServiceAsyncStub"


@asynccontextmanager
async def connected(common: Common) -> AsyncIterator[Clients]:
    """Clients of detection, drafting and memory at the addresses of `common`."""
    async with (
        Channel(common.detection_address, common, deadline_s=DEADLINE_S) as detection,
        Channel(common.drafting_address, common, deadline_s=DEADLINE_S) as drafting,
        Channel(common.memory_address, common, deadline_s=DEADLINE_S) as memory,
    ):
        yield clients(detection, drafting, memory)


def clients(detection: Channel, drafting: Channel, memory: Channel) -> Clients:
    """Clients over the connections to the three services."""
    return Clients(
        incidents=detection.stub(IncidentServiceStub),
        cards=drafting.stub(CardServiceStub),
        postmortems=drafting.stub(PostmortemServiceStub),
        action_items=drafting.stub(ActionItemServiceStub),
        insights=drafting.stub(InsightServiceStub),
        memory=memory.stub(MemoryServiceStub),
    )
