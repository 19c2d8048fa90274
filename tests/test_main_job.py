"""The main job end to end, as `afteraction demo` does it: services as processes, everything through public doors."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import asyncpg
import pytest

from afteraction.v1.card_service_pb2 import FORMAT_MARKDOWN, GetCardRequest
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from afteraction.v1.incident_pb2 import INCIDENT_STATE_RESOLVED, SEVERITY_P1
from afteraction.v1.memory_service_pb2 import Query, SearchSimilarRequest
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from afteraction.v1.postmortem_pb2 import POSTMORTEM_STATE_PUBLISHED, Postmortem, SectionKind
from afteraction.v1.postmortem_service_pb2 import ListEvidenceRequest
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from services.cli.connection import Connection
from services.cli.demo.command import STREAM, Stack, running
from services.cli.demo.outages import checkout_outage, wishlist_outage
from services.cli.demo.recording import Recording
from services.cli.demo.simulator import Ledger
from services.cli.demo.story import Told, Watching, drafted, published, settled_card, tell
from services.cli.replay import incidents_of
from services.cli.serve import SERVICES
from tests.eval.causes_truth import untrue_in_card, untrue_in_draft

if TYPE_CHECKING:
    from afteraction.v1.card_service_pb2_grpc import CardServiceAsyncStub
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub


@dataclass(frozen=True, slots=True)
class Job:
    """The main job, done once for all tests of this module."""

    stack: Stack
    told: Told
    ledger: Ledger
    draft: Postmortem
    published: Postmortem
    again: Told


def at(hour: int, minute: int) -> datetime:
    return datetime(2026, 7, 5, hour, minute, tzinfo=UTC)


@asynccontextmanager
async def done(directory: Path) -> AsyncIterator[Job]:
    recording, following = Recording(checkout_outage()), Recording(wishlist_outage())
    async with running(directory) as stack, Connection(stack.common) as connection:
        told = await tell(connection, recording, STREAM, Watching(), is_last=False)
        draft = await drafted(connection, told.incident)
        reviewed = await published(connection, draft, "reviewer")
        again = await tell(connection, following, STREAM, Watching(), is_last=True)
        yield Job(stack, told, recording.ledger, draft, reviewed.postmortem, again)


async def test_main_job(tmp_path: Path) -> None:
    """One run, many facts: it takes half a minute, so they are asked of the same one."""
    async with done(tmp_path) as job:
        incident_is_the_outage(job)
        draft_names_release_and_pool(job)
        draft_has_its_parts(job)
        failures_are_those_of_the_simulator(job)
        await every_number_has_evidence(job)
        await cards_and_drafts_say_only_what_evidence_holds(job)
        next_card_knows_the_first(job)
        await memory_finds_it(job)
        await everything_survives_kill_of_each_service(job)


def incident_is_the_outage(job: Job) -> None:
    assert len(job.told.incidents) == 1
    incident = job.told.incident
    assert incident.service == "checkout-api"
    assert incident.severity == SEVERITY_P1
    assert incident.state == INCIDENT_STATE_RESOLVED
    assert abs(incident.onset_at.ToDatetime(UTC) - at(3, 47)) <= timedelta(minutes=1)
    assert at(3, 47) <= incident.detected_at.ToDatetime(UTC) <= at(3, 49)
    assert abs(incident.recovered_at.ToDatetime(UTC) - at(4, 10)) <= timedelta(minutes=1)
    duration = incident.recovered_at.ToDatetime(UTC) - incident.onset_at.ToDatetime(UTC)
    assert abs(duration - timedelta(minutes=23)) <= timedelta(minutes=1)
    deploys = [each.event for each in incident.changes if each.event.WhichOneof("kind") == "deploy"]
    assert "v2.4.2" in [each.deploy.version for each in deploys]


def draft_names_release_and_pool(job: Job) -> None:
    cause = next(each for each in job.draft.sections if each.kind == SectionKind.SECTION_KIND_ROOT_CAUSE)
    assert "v2.4.2" in cause.markdown
    assert "pool" in cause.markdown.lower()
    first = max(job.draft.hypotheses, key=lambda each: each.probability)
    assert first.service == "checkout-api"
    assert first.kind == "deployment"
    assert first.evidence_for


def draft_has_its_parts(job: Job) -> None:
    wanted = [kind for kind in SectionKind.values() if kind != SectionKind.SECTION_KIND_UNSPECIFIED]
    assert [each.kind for each in job.draft.sections] == wanted
    assert job.draft.questions, "what no data holds is asked of the reviewer"
    assert job.draft.action_items
    assert abs(job.draft.impact.duration_s - 23 * 60) <= 60
    assert job.published.state == POSTMORTEM_STATE_PUBLISHED


def failures_are_those_of_the_simulator(job: Job) -> None:
    begins, ends = at(3, 47).timestamp(), at(4, 10).timestamp()
    orders = job.ledger.excess_failures("checkout", begins, ends)
    failed = job.ledger.excess_failures("cart", begins, ends) + orders
    assert job.draft.impact.failed_requests == pytest.approx(failed, rel=0.05)
    assert job.draft.impact.cost == pytest.approx(50 * orders, rel=0.05)


async def every_number_has_evidence(job: Job) -> None:
    async with Connection(job.stack.common) as connection:
        stub: PostmortemServiceAsyncStub = connection.stub(PostmortemServiceStub)
        evidence = (await stub.ListEvidence(ListEvidenceRequest(name=job.draft.name))).evidence
    known = {each.id for each in evidence}
    statements = [each for section in job.draft.sections for each in section.statements]
    assert statements
    for statement in statements:
        assert statement.evidence_ids, statement.text
        assert set(statement.evidence_ids) <= known, statement.text


async def cards_and_drafts_say_only_what_evidence_holds(job: Job) -> None:
    async with Connection(job.stack.common) as connection:
        stub: CardServiceAsyncStub = connection.stub(CardServiceStub)
        for told in (job.told, job.again):
            answer = await stub.GetCard(GetCardRequest(incident=told.incident.name, format=FORMAT_MARKDOWN))
            assert not untrue_in_card(answer.card, answer.rendered)
        again = await drafted(connection, job.again.incident)
    assert not untrue_in_draft(job.draft)
    assert not untrue_in_draft(again)


def next_card_knows_the_first(job: Job) -> None:
    assert job.again.incident.service == "storefront"
    assert job.again.card.similar
    assert job.again.card.similar[0].document == job.published.document
    assert job.again.card.runbooks
    assert not job.again.card.missing


async def memory_finds_it(job: Job) -> None:
    async with Connection(job.stack.common) as connection:
        stub: MemoryServiceAsyncStub = connection.stub(MemoryServiceStub)
        found = await stub.SearchSimilar(SearchSimilarRequest(
            query=Query(text="requests wait for a database connection after a release"), stream=STREAM))
    assert job.published.document in [each.document.name for each in found.results]


async def everything_survives_kill_of_each_service(job: Job) -> None:
    before = await contents(job)
    for service in SERVICES:
        child = job.stack.supervisor.children[service]
        os.kill(child.process.pid, signal.SIGKILL)
        successor = await child.successor
        await successor.ready.wait()
        assert await contents(job) == before, f"after kill -9 of {service}"
    async with Connection(job.stack.common) as connection:
        after = await incidents_of(connection, STREAM)
        assert sorted(each.name for each in after) == sorted(
            each.name for each in (*job.told.incidents, *job.again.incidents))
        card = await settled_card(connection, job.again.incident, 30.0)
    assert card.card.similar[0].document == job.published.document


async def contents(job: Job) -> dict[str, int]:
    """Rows of what must neither go nor double."""
    connection = await asyncpg.connect(job.stack.environment["AFTERACTION_DATABASE_URL"])
    try:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in (
            "ingestion.chunks", "ingestion.events", "detection.incidents", "drafting.postmortems", "memory.documents",
            "memory.runbooks")}
    finally:
        await connection.close()

