"""A thousand edits at once: each one that was accepted is in a revision, and in every later one."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.drafting.review.life import Postmortem
from shared.clock import SetClock
from shared.errors import Aborted
from shared.offload import Offload
from tests.conftest import PoolFor, Serve
from tests.services.drafting.review_factory import Review, drafted, serve_review

CLIENTS, EDITS, DOCUMENTS = 50, 20, 20
TEXT = "# Checkout fails\n\n## Summary\n\nIt failed.\n\n## Lessons learned\n\nNone yet.\n"


@pytest.fixture
async def review(pool_for: PoolFor, serve: Serve, set_clock: SetClock) -> AsyncIterator[Review]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(2) as offload:
        yield await serve_review(serve, pool, set_clock, offload)


async def test_no_accepted_edit_of_a_thousand_is_lost(review: Review) -> None:
    # given twenty drafts
    names = [(await review.draft(drafted(f"incidents/{number}", TEXT))).name for number in range(DOCUMENTS)]
    accepted: dict[str, list[tuple[int, str]]] = {name: [] for name in names}

    # when fifty people add a line each to one after the other, all at once
    async def person(number: int) -> int:
        refused = 0
        for turn in range(EDITS):
            name, line = names[(number + turn) % DOCUMENTS], f"line {number}.{turn} of its author"
            read = await review.get(name)
            try:
                after = await review.edit(read, f"{read.markdown}{line}\n\n", author=f"person {number}")
            except Aborted:
                refused += 1
            else:
                accepted[name].append((after.revision, line))
        return refused

    refused = sum(await asyncio.gather(*(person(number) for number in range(CLIENTS))))

    # then every edit was accepted or refused, and each revision has its line and all the earlier ones
    assert sum(map(len, accepted.values())) + refused == CLIENTS * EDITS
    assert refused and sum(map(len, accepted.values())) > DOCUMENTS
    for name, edits in accepted.items():
        revisions = await review.store.revisions(name, 0, 2000)
        assert [each.number for each in revisions] == list(range(1, len(edits) + 2))
        lines: list[str] = []
        written = dict(edits)
        for revision in revisions[1:]:
            lines.append(written[revision.number])
            assert revision.markdown == TEXT + "".join(f"{line}\n\n" for line in lines)
        now: Postmortem = await review.store.get(name)
        assert now.markdown == revisions[-1].markdown
        assert [entry.action for entry in await review.store.audit(name)].count("edited") == len(edits)
