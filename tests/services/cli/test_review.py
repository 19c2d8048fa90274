"""One command takes a fresh draft, with all that it asks and lacks, to its publication."""

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from afteraction.v1.action_item_pb2 import ACTION_ITEM_STATE_OPEN, PRIORITY_P2
from afteraction.v1.postmortem_pb2 import POSTMORTEM_STATE_PUBLISHED
from shared.clock import SetClock
from shared.offload import Offload
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import ITEM, TEXT, Review, drafted, serve_review

# As a draft comes: three questions, words that blame somebody, an action item without owner, date and priority.
DRAFT = (
    TEXT.replace("Detection took 12 minutes.", "Ada forgot to raise the pool's limit.")
    .replace(ITEM, "| Document the pool limit | | | | configuration | nowhere written down [^E2] |")
    .replace(
        "## Root cause\n",
        "## Root cause\n\n> **Question Q1:** Was v2.4.2 load-tested?\n\n> **Question Q2:** Who was told?\n",
    )
    .replace("## Impact\n", "## Impact\n\n> **Question Q3:** How many customers gave up?\n")
)
ANSWERS = [
    "Not with carts of more than one item.",
    "Support, at 03:55 UTC.",
    "Not known.",
    "The limit was never raised.",
    "checkout-team",
    "2026-07-19",
    "high",  # refused in a sentence, and asked again
    "P2",
    "title=Document the limit of the pool",
    "",
    "y",
]


@pytest.fixture
async def review(pool_for: PoolFor, serve: Serve) -> AsyncIterator[Review]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(1) as offload:
        yield await serve_review(serve, pool, SetClock(datetime(2026, 7, 6, tzinfo=UTC)), offload)


async def run(review: Review, tmp_path: Path, *arguments: str, typed: str = "") -> tuple[int, str]:
    """The command as a person runs it, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.cli",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "PYTHONPATH": ":".join(sys.path),
            "AFTERACTION_DRAFTING_ADDRESS": review.address,
        },
    )
    output, _ = await process.communicate(typed.encode())
    return process.returncode or 0, output.decode()


async def test_one_walk_publishes_a_fresh_draft(review: Review, tmp_path: Path) -> None:
    # given
    draft = await review.draft(drafted(text=DRAFT))
    assert len(draft.questions) == 3 and draft.findings

    # when: one command
    code, output = await run(review, tmp_path, "review", "outage", "--by", "ada", typed="\n".join(ANSWERS) + "\n")

    # then
    assert code == 0, output
    published = await review.get(draft.name)
    assert published.state == POSTMORTEM_STATE_PUBLISHED
    assert "Support, at 03:55 UTC." in published.markdown and "Question Q" not in published.markdown
    [item] = published.action_items
    assert (item.owner, item.due_date, item.priority) == ("checkout-team", "2026-07-19", PRIORITY_P2)
    assert item.state == ACTION_ITEM_STATE_OPEN
    assert item.title == "Document the limit of the pool"
    assert "'high' is none of P1, P2, P3" in output


async def test_item_is_dropped_in_the_walk(review: Review, tmp_path: Path) -> None:
    draft = await review.draft(drafted(text=DRAFT))

    await run(review, tmp_path, "review", "outage", "--by", "ada", typed="\n" * 7 + "d\nn\n")

    assert not (await review.get(draft.name)).action_items


async def test_refusal_names_every_obstacle_with_its_id(review: Review, tmp_path: Path) -> None:
    draft = await review.draft(drafted(text=DRAFT))

    code, output = await run(review, tmp_path, "postmortem", "publish", "outage", "--by", "ada")

    assert code == 1
    for identifier in ("Q1", "Q2", "Q3", draft.findings[0].id):
        assert f"  {identifier:<8}  " in output


async def test_walk_that_leaves_something_out_says_what_and_publishes_nothing(review: Review, tmp_path: Path) -> None:
    draft = await review.draft(drafted(text=DRAFT))

    code, output = await run(review, tmp_path, "review", "outage", "--by", "ada", typed="\n" * 8 + "y\n")

    assert code == 1
    for what in ("Q1", "Q2", "Q3", "owner", "due date", "priority", "line"):
        assert what in output
    assert (await review.get(draft.name)).state != POSTMORTEM_STATE_PUBLISHED


async def test_review_asks_for_an_id_or_a_month(review: Review, tmp_path: Path) -> None:
    code, output = await run(review, tmp_path, "review")

    assert code == 2 and "--month" in output
