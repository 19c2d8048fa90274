"""How many forms a reviewer sends from a fresh draft to its publication, at a real drafting service: one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import httpx2 as httpx
import pytest

from afteraction.v1.postmortem_pb2 import POSTMORTEM_STATE_AMENDED, POSTMORTEM_STATE_PUBLISHED
from afteraction.v1.postmortem_service_pb2 import AddCommentRequest
from services.dashboard.app import application
from services.dashboard.clients import clients
from services.dashboard.desk import Desk
from services.dashboard.forms import with_line_ends
from services.dashboard.rendering import environment
from services.dashboard.security import guard
from services.dashboard.settings import Settings
from services.dashboard.streams import Streams
from shared.clock import SetClock
from shared.offload import Offload
from shared.rpc.client import Channel
from shared.settings import Common
from tests.conftest import PoolFor, Serve
from tests.services.cli.test_review import DRAFT
from tests.services.drafting.review_factory import Review, drafted, serve_review

PATH = "/postmortems/outage/review"


class Forms(HTMLParser):
    """The forms of a page, each with the fields that a browser would send, as they stand there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str]] = []
        self._area = ""
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and self.forms and given.get("type") != "checkbox" and "name" in given:
            self.forms[-1][given["name"]] = given.get("value", "")
        elif tag == "textarea" and "name" in given:
            self._area = given["name"]
            self.forms[-1][self._area] = ""
        elif tag == "select":
            self._select = given.get("name", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1][self._area] += data.removeprefix("\n")

    def holding(self, prefix: str) -> dict[str, str]:
        return next(form for form in self.forms if any(name.startswith(prefix) for name in form))


@pytest.fixture
async def desk(pool_for: PoolFor, serve: Serve) -> AsyncIterator[tuple[httpx.AsyncClient, Review]]:
    clock = SetClock(datetime(2026, 7, 6, tzinfo=UTC))
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(2) as offload:
        review = await serve_review(serve, pool, clock, offload)
        async with Channel(review.address, Common()) as channel:
            made = Desk(
                clients=(served := clients(channel, channel, channel)),
                streams=Streams(served.incidents, clock),
                templates=environment(),
                settings=Settings(),
                clock=clock,
                offload=offload,
                guard=guard(
                    "",
                    clock=clock,
                    lifetime=timedelta(hours=1),
                    address="127.0.0.1:7400",
                    hosts=(),
                    is_secure=False,
                ),
            )
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(application(made, asyncio.Event())),
                base_url="http://127.0.0.1",
                headers={"accept": "text/html"},
            ) as browser:
                yield browser, review


async def test_fresh_draft_is_published_with_one_form(desk: tuple[httpx.AsyncClient, Review]) -> None:
    # given a draft with three questions, a finding and an incomplete action item, as a page
    browser, review = desk
    draft = await review.draft(drafted(text=DRAFT))
    form = Forms((await browser.get(PATH)).text).holding("question.")

    # when the reviewer fills in what is empty, and sends it
    typed = {name: "Known by now." for name in form if name.startswith(("question.", "waiver."))}
    [key] = [name.removesuffix(".owner") for name in form if name.startswith("item.") and name.endswith(".owner")]
    typed |= {f"{key}.owner": "checkout-team", f"{key}.due_date": "2026-07-19", f"{key}.priority": "P2"}
    answer = await browser.post(PATH, data=form | typed | {"author": "ada", "action": "publish"})

    # then it is published: one submission
    assert answer.status_code == 303, answer.text
    assert (await review.get(draft.name)).state == POSTMORTEM_STATE_PUBLISHED


async def test_refused_publication_shows_every_reason_at_its_place(desk: tuple[httpx.AsyncClient, Review]) -> None:
    browser, review = desk
    draft = await review.draft(drafted(text=DRAFT))
    await review.postmortems.AddComment(AddCommentRequest(name=draft.name, author="bob", text="Is 340 right?"))
    page = await browser.get(PATH)
    form = Forms(page.text).holding("question.")
    assert "1 question of a comment" in page.text

    answer = await browser.post(PATH, data=form | {"author": "ada", "action": "publish"})

    assert answer.status_code == 409
    for reason in ("Q1", "Q2", "Q3", "has no owner", "has no due date", "has no priority", "Is 340 right?"):
        assert reason in answer.text


async def test_published_one_is_amended_and_published_again(desk: tuple[httpx.AsyncClient, Review]) -> None:
    browser, review = desk
    draft = await review.draft()
    await review.publish(draft.name)
    form = Forms((await browser.get(PATH)).text).holding("markdown")

    amended = form | {"markdown": form["markdown"].replace("340", "341"), "author": "ada", "action": "amend"}
    assert (await browser.post(PATH, data=amended)).status_code == 303
    now = await review.get(draft.name)
    assert now.state == POSTMORTEM_STATE_AMENDED and "341 requests" in now.markdown

    csrf = Forms((await browser.get(PATH)).text).holding("csrf")["csrf"]
    again = {"csrf": csrf, "author": "ada", "action": "publish"}
    assert (await browser.post(PATH, data=again)).status_code == 303
    assert (await review.get(draft.name)).state == POSTMORTEM_STATE_PUBLISHED


async def test_finding_is_reworded_in_the_same_form(desk: tuple[httpx.AsyncClient, Review]) -> None:
    browser, review = desk
    draft = await review.draft(drafted(text=DRAFT))
    form = Forms((await browser.get(PATH)).text).holding("question.")
    [field] = [name for name in form if name.startswith("reword.")]
    assert form[field].startswith("Ada forgot to raise")

    words = {field: "Nothing showed that the pool's limit was near. [^E1]", "author": "ada", "action": "save"}
    assert (await browser.post(PATH, data=form | words)).status_code == 303

    now = await review.get(draft.name)
    assert not now.findings
    assert "Nothing showed that the pool's limit was near. [^E1]\n" in now.markdown and "forgot" not in now.markdown


async def test_older_form_undoes_nothing_of_what_a_colleague_changed(desk: tuple[httpx.AsyncClient, Review]) -> None:
    # given two people with the same page
    browser, review = desk
    draft = await review.draft(drafted(text=DRAFT))
    alices = Forms((await browser.get(PATH)).text).holding("question.")
    bobs = dict(alices)
    [owner] = [name for name in alices if name.startswith("item.") and name.endswith(".owner")]
    due = owner.replace(".owner", ".due_date")

    # when Alice changes the owner and Bob, later, only the date
    alice = {owner: "alice", "author": "alice", "action": "save"}
    assert (await browser.post(PATH, data=alices | alice)).status_code == 303
    answer = await browser.post(PATH, data=bobs | {due: "2026-08-01", "author": "bob", "action": "save"})

    # then both changes stand
    assert answer.status_code == 303, answer.text
    [item] = (await review.get(draft.name)).action_items
    assert (item.owner, item.due_date) == ("alice", "2026-08-01")


async def test_two_who_change_one_field_are_told_and_nothing_is_half_saved(
    desk: tuple[httpx.AsyncClient, Review],
) -> None:
    browser, review = desk
    draft = await review.draft(drafted(text=DRAFT))
    form = Forms((await browser.get(PATH)).text).holding("question.")
    [owner] = [name for name in form if name.startswith("item.") and name.endswith(".owner")]
    await browser.post(PATH, data=form | {owner: "alice", "author": "alice", "action": "save"})

    bobs = {owner: "bob", "question.Q1": "Known by Bob.", "author": "bob", "action": "save"}
    answer = await browser.post(PATH, data=form | bobs)

    assert answer.status_code == 409
    assert "changed to &#39;alice&#39; in the meantime; yours was &#39;bob&#39;" in answer.text
    assert Forms(answer.text).holding("question.")["question.Q1"] == "Known by Bob."
    assert (await review.get(draft.name)).revision == 2


async def test_one_form_is_one_revision(desk: tuple[httpx.AsyncClient, Review]) -> None:
    browser, review = desk
    draft = await review.draft(drafted(text=DRAFT))
    form = Forms((await browser.get(PATH)).text).holding("question.")
    typed = {name: "Known by now." for name in form if name.startswith(("question.", "waiver."))}

    await browser.post(PATH, data=form | typed | {"author": "ada", "action": "save"})

    assert (await review.get(draft.name)).revision == 2


async def test_answer_that_came_in_between_is_no_error_page(desk: tuple[httpx.AsyncClient, Review]) -> None:
    browser, review = desk
    await review.draft(drafted(text=DRAFT))
    form = Forms((await browser.get(PATH)).text).holding("question.")
    await browser.post(PATH, data=form | {"question.Q1": "Known.", "author": "ana", "action": "save"})

    answer = await browser.post(PATH, data=form | {"question.Q1": "Unknown.", "author": "bob", "action": "save"})

    assert answer.status_code == 409
    assert "ana answered &#39;Known.&#39;; yours was &#39;Unknown.&#39;" in answer.text


def test_lines_that_nobody_touched_keep_their_ends() -> None:
    assert with_line_ends("a\nB\nc\n", "a\r\nb\r\nc\n") == "a\r\nB\r\nc\n"
    assert with_line_ends("a\nnew\nb", "a\nb") == "a\nnew\nb"
