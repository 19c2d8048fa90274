"""A review in one go: one revision, or nothing of it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.action_item_pb2 import ACTION_ITEM_STATE_DONE, ActionItem
from afteraction.v1.action_item_service_pb2 import ListActionItemsRequest, UpdateActionItemRequest
from afteraction.v1.postmortem_pb2 import Postmortem
from shared.clock import SetClock
from shared.errors import Aborted, InvalidArgument, NotFound
from shared.offload import Offload
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import ITEM, RESOLVED, TEXT, Review, drafted, serve_review

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


async def test_due_dates_that_are_over_count_from_the_publication_and_no_later_one_moves(review: Review) -> None:
    later = "| Test the pool under load | checkout-team | 2027-01-15 | P2 | process | untested [^E2] |"
    read = await review.draft(drafted(text=TEXT.replace(ITEM, f"{ITEM}\n{later}")))
    review.clock.set(RESOLVED + timedelta(days=30))

    published = await review.publish(read.name)
    review.clock.set(RESOLVED + timedelta(days=300))
    amended = await review.postmortems.AmendPostmortem(pb.AmendPostmortemRequest(name=read.name, author="ada"))
    again = await review.publish(amended.name)

    # one week after the resolution has become one week after the publication, in the text and of the item
    expected = ["2026-08-11", "2027-01-15"]
    assert [each.due_date for each in published.action_items] == expected
    assert "| 2026-08-11 | P1 |" in published.markdown
    assert [each.due_date for each in again.action_items] == expected


async def test_list_of_items_has_what_is_due_first_on_top_over_pages_too(review: Review) -> None:
    rows = [
        "| Second | ada | 2027-02-01 | P1 | process | why [^E2] |",
        "| Fourth | ada | 2027-03-01 | P3 | process | why [^E2] |",
        "| First | ada | 2027-01-01 | P3 | process | why [^E2] |",
        "| Third | ada | 2027-03-01 | P2 | process | why [^E2] |",
        "| Done | ada | 2026-12-01 | P1 | process | why [^E2] |",
    ]
    published = await review.publish((await review.draft(drafted(text=TEXT.replace(ITEM, "\n".join(rows))))).name)
    done = next(each for each in published.action_items if each.title == "Done")
    done.state = ACTION_ITEM_STATE_DONE
    await review.items.UpdateActionItem(
        UpdateActionItemRequest(action_item=done, update_mask=FieldMask(paths=["state"]), author="ada")
    )

    titles: list[str] = []
    token = ""
    while True:
        page = await review.items.ListActionItems(ListActionItemsRequest(page_size=2, page_token=token))
        titles += [each.title for each in page.action_items]
        token = page.next_page_token
        if not token:
            break

    assert titles == ["First", "Second", "Third", "Fourth", "Done"]
