# mypy: disable-error-code="arg-type"
import html
import re

from afteraction.v1.action_item_pb2 import ActionItem
from afteraction.v1.postmortem_pb2 import Finding, PostmortemState, Question
from tests.services.dashboard.behind import Behind, postmortem
from tests.services.dashboard.conftest import Open, csrf


def draft(behind: Behind) -> None:
    """Two questions, a finding, an item that lacks its owner: what a fresh draft looks like."""
    behind.postmortems = [
        postmortem(
            questions=[
                Question(id="q1", section=4, text="Was it load-tested?"),
                Question(id="q2", section=8, text="Who watched?"),
            ],
            findings=[Finding(id="f1", rule="counterfactual", text="should have tested", line=3, column=1)],
        )
    ]
    behind.action_items = [
        ActionItem(
            name="actionItems/a1",
            postmortem="postmortems/pm1",
            title="Assert the query count",
            due_date="2026-07-19",
            priority=1,
            state=1,
        )
    ]


async def test_review_page_says_what_stands_in_the_way(open_dashboard: Open, behind: Behind) -> None:
    draft(behind)
    browser = await open_dashboard()

    page = await browser.get("/postmortems/pm1/review")

    assert "2 questions unanswered, 1 blameless finding, 1 action item incomplete" in page.text


async def test_fresh_draft_is_published_with_one_submission(open_dashboard: Open, behind: Behind) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")

    submissions = 1
    answer = await browser.post(
        "/postmortems/pm1/review",
        data={
            "csrf": csrf(page.text),
            "author": "ines",
            "action": "publish",
            "question.q1": "Not known.",
            "question.q2": "Nobody.",
            "waiver.f1": "a quotation of the vendor",
            "item.a1.owner": "team-checkout",
            "item.a1.priority": "P1",
            "item.a1.due_date": "2026-07-19",
            "item.a1.title": "Assert the query count",
        },
    )

    assert answer.status_code == 303 and answer.headers["location"] == "/postmortems/pm1?done=Published"
    assert behind.postmortems[0].state == PostmortemState.POSTMORTEM_STATE_PUBLISHED
    assert behind.action_items[0].owner == "team-checkout"
    assert [each.answered_by for each in behind.postmortems[0].questions] == ["ines", "ines"]
    assert submissions < 10


async def test_refused_publication_says_every_reason_and_keeps_what_was_typed(
    open_dashboard: Open, behind: Behind
) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")

    answer = await browser.post(
        "/postmortems/pm1/review",
        data={
            "csrf": csrf(page.text),
            "author": "ines",
            "action": "publish",
            "question.q1": "",
            "question.q2": "",
            "item.a1.owner": "",
            "waiver.f1": "",
        },
    )

    assert answer.status_code == 409
    assert "questions/q1" in answer.text and "questions/q2" in answer.text
    assert behind.postmortems[0].state == PostmortemState.POSTMORTEM_STATE_DRAFT


async def test_only_what_changed_is_sent(open_dashboard: Open, behind: Behind) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")

    await browser.post(
        "/postmortems/pm1/review",
        data={
            "csrf": csrf(page.text),
            "author": "ines",
            "action": "save",
            "item.a1.owner": "team-checkout",
            "item.a1.priority": "P1",
            "item.a1.due_date": "2026-07-19",
            "item.a1.title": "Assert the query count",
        },
    )

    [settled] = behind.asked
    assert [list(each.update_mask.paths) for each in settled.action_items] == [["owner"]]  # type: ignore[attr-defined]


async def test_text_written_against_an_older_revision_comes_back_beside_the_present_one(
    open_dashboard: Open, behind: Behind
) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")
    behind.postmortems[0].etag = "e4"

    answer = await browser.post(
        "/postmortems/pm1/review",
        data={
            "csrf": csrf(page.text),
            "author": "ines",
            "action": "edit",
            "etag": "e3",
            "markdown": "# Mine\r\n\r\ntext",
        },
    )

    assert answer.status_code == 409
    assert "# Mine\n\ntext" in html.unescape(answer.text)
    assert "It was down" in answer.text
    assert behind.postmortems[0].markdown.startswith("# Checkout outage")


async def test_edit_is_sent_with_the_etag_that_was_read(open_dashboard: Open, behind: Behind) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")
    etag = re.search(r'name="etag" value="([^"]+)"', page.text)
    assert etag

    answer = await browser.post(
        "/postmortems/pm1/review",
        data={
            "csrf": csrf(page.text),
            "author": "ines",
            "action": "edit",
            "etag": etag.group(1),
            "markdown": "\n# Mine\r\n",
        },
    )

    assert answer.status_code == 303
    assert behind.postmortems[0].markdown == "\n# Mine\n"


async def test_name_is_remembered_for_the_next_form(open_dashboard: Open, behind: Behind) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")

    await browser.post(
        "/postmortems/pm1/review", data={"csrf": csrf(page.text), "author": "Inês “Q” <b>", "action": "save"}
    )
    again = await browser.get("/postmortems/pm1/review")

    assert 'name="author" value="Inês “Q” &lt;b&gt;"' in again.text


async def test_form_without_a_name_is_refused(open_dashboard: Open, behind: Behind) -> None:
    draft(behind)
    browser = await open_dashboard()
    page = await browser.get("/postmortems/pm1/review")

    answer = await browser.post("/postmortems/pm1/review", data={"csrf": csrf(page.text), "action": "publish"})

    assert answer.status_code == 400
    assert "your name is missing" in answer.text


async def test_action_item_is_done_from_the_list(open_dashboard: Open, behind: Behind) -> None:
    behind.action_items = [
        ActionItem(name="actionItems/a1", postmortem="postmortems/pm1", title="Assert", state=2, due_date="2026-07-01")
    ]
    browser = await open_dashboard()
    page = await browser.get("/action-items")

    await browser.post("/action-items/a1", data={"csrf": csrf(page.text), "author": "ines", "state": "done"})

    assert 'class="bad">2026-07-01' in page.text
    assert behind.action_items[0].state == 3
