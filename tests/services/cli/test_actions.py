"""What leaves as CSV leaves as JSON, too, and a spreadsheet runs none of it."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.clock import SetClock
from shared.offload import Offload
from tests.conftest import PoolFor, Serve
from tests.services.cli.test_review import run
from tests.services.drafting.review_factory import TEXT, Review, drafted, serve_review


@pytest.fixture
async def review(pool_for: PoolFor, serve: Serve) -> AsyncIterator[Review]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    with Offload(1) as offload:
        yield await serve_review(serve, pool, SetClock(datetime(2026, 7, 6, tzinfo=UTC)), offload)


async def test_export_has_the_same_fields_as_csv_and_as_json(review: Review, tmp_path: Path) -> None:
    # given
    await review.draft(drafted(text=TEXT.replace("Document the pool limit", "=HYPERLINK(1)")))

    # when
    _, as_csv = await run(review, tmp_path, "actions", "export", "--all")
    status, as_json = await run(review, tmp_path, "actions", "export", "--all", "--json")

    # then
    [item] = json.loads(as_json)
    [row] = csv.DictReader(io.StringIO(as_csv))
    assert status == 0
    assert item["title"] == "=HYPERLINK(1)" and row["title"] == "'=HYPERLINK(1)"
    assert row | {"title": item["title"]} == item
    assert item["priority"] == "P1" and item["state"] == "suggested"
