"""A review in one go: one revision, or nothing of it."""

from collections.abc import AsyncIterator

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.action_item_pb2 import ActionItem
from afteraction.v1.postmortem_pb2 import Postmortem
from shared.clock import SetClock
from shared.errors import Aborted, InvalidArgument, NotFound
from shared.offload import Offload
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import TEXT, Review, drafted, serve_review

ASKING = TEXT.replace("340 requests failed. [^E1]", "> **Question Q1:** Was it load-tested?").replace(
    "The limit of the pool is not documented. [^E2]",
    "The on-call engineer forgot to check the pool, a careless mistake. [^E2]",
)


@pytest.fixture
async def review(serve: Serve, pool_for: PoolFor, set_clock: SetClock) -> AsyncIterator[Review]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(2) as offload:
        yield await serve_review(serve, pool, set_clock, offload)


def asked(read: Postmortem) -> pb.SettlePostmortemRequest:
    return pb.SettlePostmortemRequest(name=read.name, author="ada", etag=read.etag)


async def test_everything_is_one_revision_and_one_entry_of_the_audit_log(review: Review) -> None:
    read = await review.draft(drafted(text=ASKING))
    request = asked(read)
    request.answers.add(question="Q1", answer="It was not.")
    request.rewordings.add(finding=read.findings[0].id, line="- **configuration**: Nothing showed the limit. [^E2]")
    request.action_items.add(
        action_item=ActionItem(name=read.action_items[0].name, owner="bob"), update_mask=FieldMask(paths=["owner"])
    )

    after = await review.postmortems.SettlePostmortem(request)

    assert not after.findings
    assert (after.revision, after.action_items[0].owner) == (2, "bob")
    assert "> *Asked:* Was it load-tested?\n\nIt was not." in after.markdown
    log = await review.postmortems.ListAuditEntries(pb.ListAuditEntriesRequest(name=read.name))
    assert [entry.action for entry in log.entries if entry.actor == "ada"] == ["reviewed"]


async def test_one_refused_part_leaves_all_of_it_undone(review: Review) -> None:
    read = await review.draft(drafted(text=ASKING))
    request = asked(read)
    request.answers.add(question="Q1", answer="It was not.")
    request.waivers.add(finding="F000000", reason="quoted")

    with pytest.raises(NotFound, match="no finding 'F000000'"):
        await review.postmortems.SettlePostmortem(request)

    assert (await review.get(read.name)).revision == 1


async def test_line_with_two_findings_has_one_text(review: Review) -> None:
    read = await review.draft(drafted(text=ASKING))
    first, second = read.findings[:2]
    assert first.line == second.line
    request = asked(read)
    request.rewordings.add(finding=first.id, line="One text.")
    request.rewordings.add(finding=second.id, line="Another text.")

    with pytest.raises(InvalidArgument, match="reworded twice"):
        await review.postmortems.SettlePostmortem(request)


async def test_what_was_read_before_another_edit_is_refused(review: Review) -> None:
    read = await review.draft(drafted(text=ASKING))
    await review.postmortems.AnswerQuestion(
        pb.AnswerQuestionRequest(name=read.name, question="Q1", answer="Known.", author="bob")
    )
    request = asked(read)
    request.waivers.add(finding=read.findings[0].id, reason="quoted")

    with pytest.raises(Aborted):
        await review.postmortems.SettlePostmortem(request)


@pytest.mark.parametrize("words", ["   ", "?", "…"])
async def test_answer_that_says_nothing_is_none(review: Review, words: str) -> None:
    read = await review.draft(drafted(text=ASKING))

    with pytest.raises(InvalidArgument, match="says nothing"):
        await review.postmortems.AnswerQuestion(
            pb.AnswerQuestionRequest(name=read.name, question="Q1", answer=words, author="ada")
        )


async def test_publication_accepts_what_was_suggested(review: Review) -> None:
    read = await review.draft(drafted(text=TEXT.replace("| checkout-team |", "| checkout-team (suggested) |")))

    published = await review.publish(read.name)

    assert "(suggested)" not in published.markdown and "| checkout-team |" in published.markdown
    assert published.action_items[0].owner == "checkout-team"
