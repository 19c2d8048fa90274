"""The bundled model, and the queue before it."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from services.memory.embedding import BUNDLED, Batches, Encoder, Vectors
from shared.errors import InvalidArgument
from tests.services.memory.conftest import loaded


def test_bundled_model_is_the_published_one() -> None:
    vector = loaded(BUNDLED).encode(["This is an example sentence"])[0]

    np.testing.assert_allclose(vector[:3], [0.0677, 0.0635, 0.0487], atol=5e-5)
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-5)


def test_model_that_is_not_here_is_refused_without_asking_anybody(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Encoder("someone/some-model")

    assert refused.value.reason == "UNKNOWN_MODEL"


def test_word_pieces_are_counted_as_the_model_reads_them() -> None:
    assert loaded(BUNDLED).count(["pool", "KubePodNotReady", ""]) == [1, 6, 0]


def nothing(_: Sequence[str]) -> Vectors:
    """Never called: `Passes` answers in its place."""
    return np.zeros((0, 1), np.float32)


class Passes:
    """An encoder that waits until it is let go, and keeps what each pass had."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.go = asyncio.Event()

    async def run(self, _: object, texts: Sequence[str]) -> Vectors:
        self.seen.append(list(texts))
        await self.go.wait()
        if "bad" in texts:
            raise ValueError("bad")
        return np.array([[float(len(text))] for text in texts], dtype=np.float32)


async def _queued(tasks: int) -> None:
    for _ in range(3 * tasks):
        await asyncio.sleep(0)


async def test_what_waits_is_encoded_together_and_urgent_first() -> None:
    passes = Passes()
    async with Batches(nothing, passes.run, most_texts=4) as batches, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(batches.encode(["first"]))
        await _queued(1)
        tasks.create_task(batches.encode(["import one", "import two"]))
        await _queued(1)
        urgent = tasks.create_task(batches.encode(["search"], is_urgent=True))
        await _queued(1)
        passes.go.set()

    assert passes.seen == [["first"], ["search", "import one", "import two"]]
    assert first.result()[0, 0] == 5.0
    assert urgent.result()[0, 0] == 6.0


async def test_caller_who_gives_up_does_not_disturb_the_others() -> None:
    passes = Passes()
    async with Batches(nothing, passes.run) as batches:
        leaving = asyncio.create_task(batches.encode(["leaving"]))
        staying = asyncio.create_task(batches.encode(["staying"]))
        await _queued(2)
        leaving.cancel()
        passes.go.set()

        assert (await staying)[0, 0] == 7.0


async def test_failure_belongs_to_those_who_asked() -> None:
    passes = Passes()
    passes.go.set()
    async with Batches(nothing, passes.run) as batches:
        with pytest.raises(ValueError, match="bad"):
            await batches.encode(["bad"])

        assert (await batches.encode(["good"]))[0, 0] == 4.0


def test_counting_beside_an_encoding_disturbs_neither() -> None:
    encoder = loaded(BUNDLED)
    texts = ["short", "a text of quite some more words than the one before it " * 8] * 4
    alone, pieces = encoder.encode(texts), encoder.count(texts)

    with ThreadPoolExecutor(2) as threads:
        counted = [threads.submit(encoder.count, texts) for _ in range(200)]
        beside = [encoder.encode(texts) for _ in range(5)]

    assert all(each.result() == pieces for each in counted)
    assert all(np.allclose(each, alone, atol=1e-5) for each in beside)
