"""The life of a post-mortem over its RPCs, on a real PostgreSQL."""

from collections.abc import AsyncIterator

import pytest

from afteraction.v1 import card_service_pb2, postmortem_pb2
from afteraction.v1 import postmortem_service_pb2 as pb
from shared.clock import SetClock
from shared.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from shared.offload import Offload
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import ITEM, TEXT, Review, drafted, serve_review


@pytest.fixture
async def review(serve: Serve, pool_for: PoolFor, set_clock: SetClock) -> AsyncIterator[Review]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(2) as offload:
        yield await serve_review(serve, pool, set_clock, offload)


async def test_draft_has_eight_sections_items_evidence_and_factors(review: Review) -> None:
    found = await review.draft()

    assert found.name == "postmortems/outage"
    assert [section.kind for section in found.sections] == list(range(1, 9))
    assert found.title == "Checkout fails: HTTP 500 from checkout-api"
    assert found.markdown == TEXT
    (item,) = found.action_items
    assert (item.title, item.owner, item.due_date) == ("Document the pool limit", "checkout-team", "2026-07-12")
    assert [each.id for each in found.evidence] == ["E1", "E2", "E3"]
    assert found.factors[0].category == "configuration"


async def test_postmortem_is_found_by_its_incident(review: Review) -> None:
    await review.draft()

    assert (await review.get("incidents/outage")).name == "postmortems/outage"


async def test_missing_postmortem_is_not_found(review: Review) -> None:
    with pytest.raises(NotFound, match="incidents/other has no post-mortem yet"):
        await review.get("incidents/other")


async def test_same_draft_again_changes_nothing(review: Review) -> None:
    first = await review.draft()

    assert await review.draft() == first


async def test_later_draft_becomes_a_revision_until_a_person_has_edited(review: Review) -> None:
    await review.draft()
    second = await review.draft(drafted(text=TEXT.replace("23 minutes", "24 minutes")))
    edited = await review.edit(second, "It was checkout.", postmortem_pb2.SECTION_KIND_SUMMARY)
    third = await review.draft(drafted(text=TEXT.replace("23 minutes", "25 minutes")))

    assert second.revision == 2
    assert "24 minutes" in second.markdown
    assert third.markdown == edited.markdown
    audit = await review.postmortems.ListAuditEntries(pb.ListAuditEntriesRequest(name=third.name))
    assert [entry.action for entry in audit.entries] == ["drafted", "drafted again", "edited", "kept out a later draft"]


async def test_edit_of_a_section_touches_no_other_character(review: Review) -> None:
    before = await review.draft()

    after = await review.edit(before, "The pool ran out.\n", postmortem_pb2.SECTION_KIND_SUMMARY)

    assert after.markdown == TEXT.replace("Checkout failed for 23 minutes. [^E1]", "The pool ran out.\n")
    assert after.sections[1].markdown == "The pool ran out.\n"
    assert after.revision == 2


async def test_edit_with_a_stale_etag_is_refused_and_stores_nothing(review: Review) -> None:
    read = await review.draft()
    await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY, "ada")

    with pytest.raises(Aborted, match="changed after you read it"):
        await review.edit(read, "Yours.", postmortem_pb2.SECTION_KIND_SUMMARY, "bob")

    assert "Mine." in (await review.get(read.name)).markdown


async def test_same_edit_sent_twice_is_one_revision(review: Review) -> None:
    read = await review.draft()

    first = await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY, request_id="r1")
    second = await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY, request_id="r1")

    assert second == first
    assert second.revision == 2


async def test_request_id_of_another_edit_is_refused(review: Review) -> None:
    read = await review.draft()
    await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY, request_id="r1")

    with pytest.raises(InvalidArgument, match="used before"):
        await review.edit(read, "Other.", postmortem_pb2.SECTION_KIND_SUMMARY, request_id="r1")


async def test_comment_does_not_spoil_an_edit_under_way(review: Review) -> None:
    read = await review.draft()
    await review.postmortems.AddComment(pb.AddCommentRequest(name=read.name, author="bob", text="Nice."))

    assert (await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY)).revision == 2


async def test_publishing_is_refused_with_every_reason_at_once(review: Review) -> None:
    text = (
        TEXT.replace("| checkout-team | 2026-07-12 | P1 |", "| ? | | |")
        .replace("Detection took 12 minutes. [^E1]", "")
        .replace("340 requests failed. [^E1]", "> **Question Q1:** Was it load-tested?")
        .replace("The limit of the pool is not documented. [^E2]", "The on-call engineer forgot to check the pool.")
    )
    read = await review.draft(drafted(text=text))

    with pytest.raises(FailedPrecondition) as refused:
        await review.publish(read.name)

    subjects = [violation.subject.split("/") for violation in refused.value.violations]
    assert ["sections", "lessons"] in subjects
    assert ["questions", "Q1"] in subjects
    assert sorted(subject[2] for subject in subjects if subject[0] == "actionItems") == [
        "due_date",
        "owner",
        "priority",
    ]
    assert sum(subject[0] == "findings" for subject in subjects) >= 1
    assert (await review.get(read.name)).state == postmortem_pb2.POSTMORTEM_STATE_DRAFT


async def test_answered_questions_and_waived_findings_let_it_be_published(review: Review) -> None:
    text = TEXT.replace("340 requests failed. [^E1]", "> **Question Q1:** Was it load-tested?").replace(
        "The limit of the pool is not documented. [^E2]", "The on-call engineer forgot to check the pool."
    )
    read = await review.draft(drafted(text=text))
    await review.postmortems.AnswerQuestion(
        pb.AnswerQuestionRequest(name=read.name, question="Q1", answer="It was not load-tested.", author="ada")
    )
    for finding in read.findings:
        await review.postmortems.WaiveFinding(
            pb.WaiveFindingRequest(name=read.name, finding=finding.id, reason="quoted on purpose", author="ada")
        )

    published = await review.publish(read.name)

    assert published.state == postmortem_pb2.POSTMORTEM_STATE_PUBLISHED
    assert "It was not load-tested." in published.markdown
    assert "Question Q1" not in published.markdown
    assert published.questions[0].answer == "It was not load-tested."
    assert published.findings[0].waiver_reason == "quoted on purpose"


async def test_publishing_opens_the_action_items(review: Review) -> None:
    read = await review.draft()

    published = await review.publish(read.name)

    assert [item.state for item in published.action_items] == [2]
    assert published.HasField("published_at")


async def test_published_text_is_changed_by_amendments_only(review: Review) -> None:
    read = await review.publish((await review.draft()).name)

    with pytest.raises(FailedPrecondition, match="amend it"):
        await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY)
    amended = await review.postmortems.AmendPostmortem(
        pb.AmendPostmortemRequest(name=read.name, author="ada", markdown=TEXT.replace("340", "342"), base_revision=1)
    )

    assert amended.state == postmortem_pb2.POSTMORTEM_STATE_AMENDED
    assert "342 requests" in amended.markdown
    assert (await review.publish(read.name)).state == postmortem_pb2.POSTMORTEM_STATE_PUBLISHED


async def test_amendment_against_an_older_revision_is_merged_and_asks_where_both_changed(review: Review) -> None:
    read = await review.publish((await review.draft()).name)
    await review.postmortems.AmendPostmortem(
        pb.AmendPostmortemRequest(
            name=read.name, author="ada", markdown=TEXT.replace("340 requests", "342 requests"), base_revision=1
        )
    )

    other = TEXT.replace("340 requests", "350 requests").replace("12 minutes", "13 minutes")
    merged = await review.postmortems.AmendPostmortem(
        pb.AmendPostmortemRequest(name=read.name, author="bob", markdown=other, base_revision=1)
    )

    assert "342 requests" in merged.markdown
    assert "350 requests" in merged.markdown
    assert "13 minutes" in merged.markdown
    assert [question.id for question in merged.questions] == ["Q1"]
    with pytest.raises(FailedPrecondition, match="Q1 is unanswered"):
        await review.publish(read.name)


async def test_dropped_row_of_an_amendment_drops_the_open_item_when_it_is_published(review: Review) -> None:
    read = await review.publish((await review.draft()).name)
    without = TEXT.replace(ITEM, "| Size the pool by traffic | db-team | 2026-08-01 | P2 | capacity | it ran out |")

    amended = await review.postmortems.AmendPostmortem(
        pb.AmendPostmortemRequest(name=read.name, author="ada", markdown=without)
    )
    assert [(item.title, item.state) for item in amended.action_items] == [
        ("Document the pool limit", 2),
        ("Size the pool by traffic", 1),
    ]
    published = await review.publish(read.name)

    assert [(item.title, item.state) for item in published.action_items] == [
        ("Document the pool limit", 4),
        ("Size the pool by traffic", 2),
    ]


async def test_every_revision_is_kept_with_its_author_and_a_difference_in_words(review: Review) -> None:
    read = await review.draft()
    await review.edit(read, "Checkout failed for 25 minutes. [^E1]", postmortem_pb2.SECTION_KIND_SUMMARY, "bob")

    revisions = await review.postmortems.ListRevisions(pb.ListRevisionsRequest(name=read.name))
    request = pb.DiffRevisionsRequest(name=read.name, to=2)
    setattr(request, "from", 1)
    difference = await review.postmortems.DiffRevisions(request)

    assert [(each.number, each.author) for each in revisions.revisions] == [(1, "afteraction"), (2, "bob")]
    changed = [(part.change, part.text) for part in difference.parts if part.change != pb.DiffPart.CHANGE_EQUAL]
    assert changed == [(pb.DiffPart.CHANGE_REMOVED, "23"), (pb.DiffPart.CHANGE_ADDED, "25")]


async def test_list_is_searched_by_words_and_filtered_and_paged(review: Review) -> None:
    for number in range(3):
        await review.draft(drafted(f"incidents/i{number}", TEXT.replace("pool", f"pool{number}")))
        review.clock.advance(60)

    by_words = await review.postmortems.ListPostmortems(pb.ListPostmortemsRequest(query="pool1 connections"))
    first = await review.postmortems.ListPostmortems(pb.ListPostmortemsRequest(page_size=2))
    second = await review.postmortems.ListPostmortems(
        pb.ListPostmortemsRequest(page_size=2, page_token=first.next_page_token)
    )
    of_other = await review.postmortems.ListPostmortems(pb.ListPostmortemsRequest(service="payments"))

    assert [each.name for each in by_words.postmortems] == ["postmortems/i1"]
    assert [each.name for each in (*first.postmortems, *second.postmortems)] == [
        "postmortems/i2",
        "postmortems/i1",
        "postmortems/i0",
    ]
    assert not second.next_page_token
    assert not of_other.postmortems


async def test_watch_begins_with_what_was_and_follows(review: Review) -> None:
    read = await review.draft()
    watch = aiter(review.postmortems.WatchPostmortems(pb.WatchPostmortemsRequest()))

    first = await anext(watch)
    await review.edit(read, "Mine.", postmortem_pb2.SECTION_KIND_SUMMARY)
    second = await anext(watch)

    assert (first.postmortem.revision, second.postmortem.revision) == (1, 2)
    assert second.position > first.position


async def test_evidence_is_listed_by_incident(review: Review) -> None:
    await review.draft()

    found = await review.postmortems.ListEvidence(pb.ListEvidenceRequest(name="incidents/outage"))

    assert [each.id for each in found.evidence] == ["E1", "E2", "E3"]


async def test_exports_are_the_text_a_page_and_json(review: Review) -> None:
    read = await review.draft()

    async def export(form: int) -> pb.ExportPostmortemResponse:
        return await review.postmortems.ExportPostmortem(pb.ExportPostmortemRequest(name=read.name, format=form))  # type: ignore[arg-type]

    assert (await export(card_service_pb2.FORMAT_MARKDOWN)).content == TEXT
    page = (await export(card_service_pb2.FORMAT_HTML)).content
    assert "<table>" in page
    assert "<script" not in page
    assert '"name": "postmortems/outage"' in (await export(card_service_pb2.FORMAT_JSON)).content
    with pytest.raises(InvalidArgument, match="Markdown, HTML or JSON"):
        await export(card_service_pb2.FORMAT_SLACK)


async def test_lint_finds_what_blames(review: Review) -> None:
    found = await review.postmortems.LintText(pb.LintTextRequest(text="The engineer forgot to run the migration."))

    assert found.findings[0].line == 1
    assert found.findings[0].rewrite
