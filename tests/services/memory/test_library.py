"""The runbook library over gRPC."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DOCUMENT_KIND_RUNBOOK
from afteraction.v1.runbook_pb2 import Runbook
from shared.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from tests.services.memory.conftest import Running

MARKDOWN = "# Checkout down\n\n## Summary\n\nThe connection pool was exhausted.\n"
BROUGHT = "# DiskAlmostFull\n\n## Diagnosis\n\nLook.\n\n## Mitigation\n\nGrow the volume.\n"


async def learn(memory: Running, number: int = 1, **facts: Any) -> Runbook:
    stored = await memory.remember(f"Checkout down {number}", MARKDOWN, source_id=f"postmortems/{number}")
    values: dict[str, Any] = {
        "document": stored.document.name,
        "postmortem": f"postmortems/{number}",
        "service": "checkout-api",
        "category": "resource_exhaustion",
        "triggers": ["requests wait for a connection"],
        "mitigation_steps": ["Roll back the last release"],
        "verified_at": Timestamp(seconds=1_780_000_000),
    }
    runbook: Runbook = await memory.stub.LearnRunbook(pb.LearnRunbookRequest(**(values | facts)))
    return runbook


async def test_lesson_makes_a_runbook_that_search_finds(memory: Running) -> None:
    runbook = await learn(memory)

    position = (await memory.remember("Other", "# Other\n\nSomething else.\n")).position
    found = await memory.search(
        "requests wait for a connection", position, filter=pb.Filter(kinds=[DOCUMENT_KIND_RUNBOOK])
    )

    assert [result.runbook for result in found.results] == [runbook.name]
    assert runbook.revision == 1
    assert not runbook.is_edited


async def test_second_incident_of_the_same_failure_mode_revises_the_runbook(memory: Running) -> None:
    first = await learn(memory, 1)

    second = await learn(memory, 2, mitigation_steps=["Raise the limit of the pool"])

    assert second.name == first.name
    assert second.revision == 2
    assert list(second.postmortems) == ["postmortems/1", "postmortems/2"]
    revisions = (await memory.stub.ListRunbookRevisions(pb.ListRunbookRevisionsRequest(name=first.name))).revisions
    assert [revision.number for revision in revisions] == [1, 2]
    assert revisions[0].markdown == first.markdown


async def test_lesson_that_names_a_runbook_revises_or_proposes_to_that_one(memory: Running) -> None:
    first = await learn(memory, 1)
    await memory.remember("DiskAlmostFull", BROUGHT, kind=DOCUMENT_KIND_RUNBOOK, source_id="disk.md")
    brought = next(
        each
        for each in (await memory.stub.ListRunbooks(pb.ListRunbooksRequest())).runbooks
        if each.title == "DiskAlmostFull"
    )

    revised = await learn(memory, 2, service="storefront", mitigation_steps=["Drain it"], runbook=first.name)
    proposed = await learn(memory, 3, service="db", mitigation_steps=["Delete old logs"], runbook=brought.name)

    assert (revised.name, revised.revision, revised.title) == (first.name, 2, first.title)
    assert proposed.markdown == brought.markdown and "+- Delete old logs" in proposed.proposals[0].diff
    with pytest.raises(NotFound):
        await learn(memory, 4, runbook="runbooks/gone")


async def test_same_lesson_again_makes_no_revision(memory: Running) -> None:
    await learn(memory)

    assert (await learn(memory)).revision == 1


async def test_edit_of_a_person_is_never_overwritten(memory: Running) -> None:
    learnt = await learn(memory)
    mine = await memory.stub.UpdateRunbook(
        pb.UpdateRunbookRequest(
            name=learnt.name, markdown="# Mine\n\n## Mitigation\n\n- Call payments.\n", author="kim", etag=learnt.etag
        )
    )

    after = await learn(memory, 2, mitigation_steps=["Raise the limit"])

    assert after.markdown == mine.markdown
    assert after.revision == mine.revision
    assert "+- Raise the limit" in after.proposals[0].diff
    assert after.proposals[0].postmortem == "postmortems/2"


async def test_accepted_proposal_becomes_the_text_and_a_rejected_one_goes(memory: Running) -> None:
    learnt = await learn(memory)
    await memory.stub.UpdateRunbook(
        pb.UpdateRunbookRequest(name=learnt.name, markdown="# Mine\n", author="kim", etag=learnt.etag)
    )
    first = (await learn(memory, 2, mitigation_steps=["Raise the limit"])).proposals[0]
    accepted = await memory.stub.AcceptRunbookProposal(
        pb.AcceptRunbookProposalRequest(name=learnt.name, proposal=first.id, author="kim")
    )
    second = (await learn(memory, 3, mitigation_steps=["Drain the node"])).proposals[0]
    rejected = await memory.stub.RejectRunbookProposal(
        pb.RejectRunbookProposalRequest(name=learnt.name, proposal=second.id, author="kim")
    )

    assert "Raise the limit" in accepted.markdown
    assert not rejected.proposals
    assert "Drain the node" not in rejected.markdown
    with pytest.raises(FailedPrecondition):
        await memory.stub.AcceptRunbookProposal(
            pb.AcceptRunbookProposalRequest(name=learnt.name, proposal=second.id, author="kim")
        )


async def test_edit_of_an_older_state_is_refused(memory: Running) -> None:
    learnt = await learn(memory)
    await learn(memory, 2, mitigation_steps=["Raise the limit"])

    with pytest.raises(Aborted):
        await memory.stub.UpdateRunbook(
            pb.UpdateRunbookRequest(name=learnt.name, markdown="# Mine\n", author="kim", etag=learnt.etag)
        )


async def test_brought_runbook_has_the_same_life(memory: Running) -> None:
    stored = await memory.remember("DiskAlmostFull", BROUGHT, kind=DOCUMENT_KIND_RUNBOOK, source_id="disk.md")
    runbook = (await memory.stub.ListRunbooks(pb.ListRunbooksRequest())).runbooks[0]

    edited = await memory.stub.UpdateRunbook(
        pb.UpdateRunbookRequest(
            name=runbook.name, markdown="# DiskAlmostFull\n\nAsk the storage team.\n", author="kim", etag=runbook.etag
        )
    )

    document = await memory.stub.GetDocument(pb.GetDocumentRequest(name=stored.document.name))
    assert runbook.is_edited
    assert edited.document == stored.document.name
    assert document.markdown == edited.markdown


async def test_use_is_counted_once_for_an_incident(memory: Running) -> None:
    name = (await learn(memory)).name
    at = Timestamp(seconds=1_790_000_000)

    for helped in (False, True):
        request = pb.RecordRunbookUseRequest(name=name, incident="incidents/a", used_at=at, helped=helped)
        runbook = await memory.stub.RecordRunbookUse(request)

    assert runbook.times_used == 1
    assert runbook.last_verified_at == at


async def test_lesson_without_a_failure_mode_or_a_document_is_refused(memory: Running) -> None:
    with pytest.raises(InvalidArgument):
        await learn(memory, category="")
    with pytest.raises(NotFound):
        await learn(memory, document="documents/unknown")


async def test_file_that_a_person_edited_here_is_not_brought_over_the_edit(memory: Running) -> None:
    stored = await memory.remember("DiskAlmostFull", BROUGHT, kind=DOCUMENT_KIND_RUNBOOK, source_id="disk.md")
    runbook = (await memory.stub.ListRunbooks(pb.ListRunbooksRequest())).runbooks[0]
    mine = "# DiskAlmostFull\n\n## Mitigation\n\nAsk the storage team.\n"
    await memory.stub.UpdateRunbook(
        pb.UpdateRunbookRequest(name=runbook.name, markdown=mine, author="ada", etag=runbook.etag)
    )

    same = await memory.remember("DiskAlmostFull", BROUGHT, kind=DOCUMENT_KIND_RUNBOOK, source_id="disk.md")
    changed = BROUGHT + "\n## Escalation\n\nCall storage.\n"
    for _ in range(2):
        await memory.remember("DiskAlmostFull", changed, kind=DOCUMENT_KIND_RUNBOOK, source_id="disk.md")
    waiting = await memory.stub.GetRunbook(pb.GetRunbookRequest(name=runbook.name))
    accepted = await memory.stub.AcceptRunbookProposal(
        pb.AcceptRunbookProposalRequest(name=runbook.name, proposal=waiting.proposals[0].id, author="ada")
    )

    assert same.is_unchanged
    assert same.document.name == stored.document.name
    assert waiting.markdown == mine
    assert [proposal.markdown for proposal in waiting.proposals] == [changed]
    assert "+Call storage." in waiting.proposals[0].diff
    assert accepted.markdown == changed
    assert not accepted.proposals


async def test_saving_the_same_text_makes_no_revision(memory: Running) -> None:
    learnt = await learn(memory)

    edits, tag = list[Runbook](), learnt.etag
    for _ in range(2):
        request = pb.UpdateRunbookRequest(name=learnt.name, markdown="# Mine\n", author="kim", etag=tag)
        edits.append(await memory.stub.UpdateRunbook(request))
        tag = edits[-1].etag

    assert [edit.revision for edit in edits] == [2, 2]
