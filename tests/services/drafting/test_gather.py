"""What is asked of the others, and that nobody who is late or away keeps a card from being made."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import (
    document_pb2,
    event_pb2,
    evidence_pb2,
    ingestion_service_pb2,
    ingestion_service_pb2_grpc,
    memory_service_pb2,
    memory_service_pb2_grpc,
    runbook_pb2,
)
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.drafting import messages
from services.drafting.gather import Deadlines, Gatherer
from services.drafting.incident import EntryKind, Incident, State
from services.drafting.ownership import Catalogue
from shared.errors import Unavailable
from shared.offload import Offload
from shared.rpc.wrapping import Context
from tests.conftest import Serve
from tests.services.drafting import recorded


class Ingestion(ingestion_service_pb2_grpc.IngestionServiceServicer):
    """Answers in two parts; the second one when `second` is set."""

    def __init__(self) -> None:
        self.asked: list[ingestion_service_pb2.GetEvidenceRequest] = []
        self.is_away = False
        self.garbage: list[evidence_pb2.Observation] = []
        self.second = asyncio.Event()
        self.second.set()

    async def GetEvidence(
        self, request: ingestion_service_pb2.GetEvidenceRequest, context: Context
    ) -> AsyncIterator[ingestion_service_pb2.GetEvidenceResponse]:
        self.asked.append(request)
        if self.is_away:
            raise Unavailable("the log is being restored", reason="LOG_AWAY")
        for each in self.garbage:
            yield _response(each)
        yield _response(evidence_pb2.Observation(event=recorded.deploy()))
        await self.second.wait()
        yield _response(recorded.pattern())


class Memory(memory_service_pb2_grpc.MemoryServiceServicer):
    """Knows a post-mortem and a runbook, unless it is away."""

    def __init__(self) -> None:
        self.asked: list[memory_service_pb2.SearchSimilarRequest] = []
        self.is_away = False
        self.is_slow = False
        self.garbage: list[memory_service_pb2.SearchResult] = []

    async def SearchSimilar(
        self, request: memory_service_pb2.SearchSimilarRequest, context: Context
    ) -> memory_service_pb2.SearchSimilarResponse:
        self.asked.append(request)
        if self.is_away:
            raise Unavailable("the index is being built", reason="INDEX_AWAY")
        if self.is_slow:
            await asyncio.Event().wait()
        results = [*self.garbage, recorded.past(), recorded.found_runbook()]
        return memory_service_pb2.SearchSimilarResponse(results=results)

    async def GetRunbook(
        self, request: memory_service_pb2.GetRunbookRequest, context: Context
    ) -> runbook_pb2.Runbook:
        return recorded.runbook()


class Neighbours:
    """Both, and a gatherer that asks them."""

    def __init__(self, gatherer: Gatherer, ingestion: Ingestion, memory: Memory) -> None:
        self.gatherer = gatherer
        self.ingestion = ingestion
        self.memory = memory


@pytest.fixture
async def neighbours(serve: Serve) -> AsyncIterator[Neighbours]:
    ingestion, memory = Ingestion(), Memory()  # type: ignore[abstract]
    first = await serve(
        lambda server: ingestion_service_pb2_grpc.add_IngestionServiceServicer_to_server(ingestion, server))
    second = await serve(lambda server: memory_service_pb2_grpc.add_MemoryServiceServicer_to_server(memory, server))
    with Offload(1) as offload:
        yield Neighbours(
            Gatherer(ingestion=first.stub(IngestionServiceStub), memory=second.stub(MemoryServiceStub),
                     offload=offload, catalogue=Catalogue(), deadlines=Deadlines(evidence_s=5.0, memory_s=5.0)),
            ingestion, memory)


def incident() -> Incident:
    return messages.incident(recorded.incident())


def _response(observation: evidence_pb2.Observation) -> ingestion_service_pb2.GetEvidenceResponse:
    return ingestion_service_pb2.GetEvidenceResponse(observations=[observation])


async def test_everything_that_is_known_is_gathered(neighbours: Neighbours) -> None:
    found = await neighbours.gatherer.gather(incident())

    assert [one.key for one in found.observations.events] == ["event/deploy-5.1.0"]
    assert [one.pattern for one in found.observations.log_patterns] == ["p1"]
    assert [one.past.title for one in found.similar] == ["Billing ran out of connections"]
    assert [one.title for one in found.runbooks] == ["Empty pool"]
    assert found.missing == ()


async def test_memory_is_asked_in_the_words_of_the_evidence_as_of_the_onset(neighbours: Neighbours) -> None:
    await neighbours.gatherer.gather(incident())

    (asked,) = neighbours.memory.asked
    assert list(asked.query.log_patterns) == ["PoolTimeout: no free connection in pool after <*> ms"]
    assert asked.as_of.ToDatetime(recorded.ONSET.tzinfo) == recorded.ONSET


async def test_what_came_before_the_deadline_is_used_and_the_rest_named(neighbours: Neighbours) -> None:
    neighbours.ingestion.second.clear()

    found = await neighbours.gatherer.gather(incident(), Deadlines(evidence_s=0.3, memory_s=5.0))

    assert [one.key for one in found.observations.events] == ["event/deploy-5.1.0"]
    (missing,) = found.missing
    assert missing.startswith("telemetry incomplete: ")


async def test_a_memory_that_is_away_is_named(neighbours: Neighbours) -> None:
    neighbours.memory.is_away = True

    found = await neighbours.gatherer.gather(incident(), Deadlines(evidence_s=5.0, memory_s=0.3))

    assert found.observations.log_patterns
    (missing,) = found.missing
    assert missing.startswith("memory unavailable: ")


async def test_derived_series_and_times_of_the_baseline_are_not_asked_for(neighbours: Neighbours) -> None:
    await neighbours.gatherer.gather(incident())

    (asked,) = neighbours.ingestion.asked
    assert asked.only_metrics
    assert asked.skip_baseline_times


async def test_an_ingestion_that_is_away_is_named_and_memory_asked_all_the_same(neighbours: Neighbours) -> None:
    neighbours.ingestion.is_away = True

    found = await neighbours.gatherer.gather(incident(), Deadlines(evidence_s=0.3, memory_s=5.0))

    (missing,) = found.missing
    assert missing.startswith("telemetry unavailable: ")
    assert found.similar and found.runbooks


async def test_a_memory_that_is_slow_is_named(neighbours: Neighbours) -> None:
    neighbours.memory.is_slow = True

    found = await neighbours.gatherer.gather(incident(), Deadlines(evidence_s=5.0, memory_s=0.3))

    assert found.observations.log_patterns
    (missing,) = found.missing
    assert missing.startswith("memory unavailable: ")


async def test_observation_that_cannot_be_read_is_counted_and_the_others_used(neighbours: Neighbours) -> None:
    beyond = Timestamp(seconds=10**15)
    neighbours.ingestion.garbage = [
        evidence_pb2.Observation(event=event_pb2.Event(occurred_at=beyond)),
        evidence_pb2.Observation(log_pattern=evidence_pb2.LogPatternWindow(first_seen_at=beyond)),
        evidence_pb2.Observation(),
    ]

    found = await neighbours.gatherer.gather(incident())

    assert [one.pattern for one in found.observations.log_patterns] == ["p1"]
    assert found.missing == ("telemetry incomplete: 2 observations could not be read",)


async def test_an_answer_of_memory_that_cannot_be_read_is_named(neighbours: Neighbours) -> None:
    document = document_pb2.Document(name="documents/x", occurred_at=Timestamp(seconds=10**15))
    neighbours.memory.garbage = [memory_service_pb2.SearchResult(document=document)]

    found = await neighbours.gatherer.gather(incident())

    assert found.missing == ("memory unavailable: its answer could not be read",)
    assert found.observations.log_patterns


def test_states_and_transitions_of_a_newer_detection_are_lived_with() -> None:
    newer = recorded.incident()
    newer.timeline[0].kind = 99  # type: ignore[assignment]
    newer.state = 99  # type: ignore[assignment]

    known = messages.incident(newer)

    assert (known.state, known.entries[0].kind) == (State.OPEN, EntryKind.UNSPECIFIED)
