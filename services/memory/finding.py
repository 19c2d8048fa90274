"""A search from question to answer: embed it, wait for the position, search, fetch the texts, say why."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from services.memory import fusion
from services.memory.collection import Collection
from services.memory.documents import Document, Passage
from services.memory.embedding import Vectors
from services.memory.follower import Follower
from services.memory.models import Models
from services.memory.query import Filter, Query
from services.memory.reasons import asked, reasons
from services.memory.search import Answer, Hit, search
from services.memory.store import documents as store
from services.memory.visibility import Views
from shared.errors import InvalidArgument
from shared.offload import Offload
from shared.postgres.pool import Pool


@dataclass(frozen=True, slots=True)
class Result:
    """One document that was found, without its text but for the passage that fits best."""

    document: Document
    passage: Passage
    hit: Hit
    reasons: tuple[str, ...]
    runbook: str


@dataclass(frozen=True, slots=True)
class Results:
    """What a search returns: best first, as of a position. Times in seconds."""

    results: tuple[Result, ...]
    position: int
    model: str
    encoding_s: float = 0.0
    searching_s: float = 0.0


class Finding:
    """Answers searches."""

    def __init__(self, *, pool: Pool, models: Models, offload: Offload, follower: Follower) -> None:
        self._pool = pool
        self._models = models
        self._offload = offload
        self._follower = follower
        self._views = Views()

    async def similar(
        self,
        query: Query,
        allowed: Filter,
        *,
        limit: int,
        min_position: int = 0,
        include_weak: bool = False,
        method: str = "",
    ) -> Results:
        """The documents that fit `query`, of what `allowed` lets through, covering at least `min_position`.

        Raises InvalidArgument for an empty query, Unavailable for a position that nobody reached.
        """
        if not query.words().strip() and not query.runbook_urls:
            raise InvalidArgument("query is empty: give it text, or what is known of the incident",
                                  reason="EMPTY_QUERY", field="query")  # fmt: skip
        await self._follower.wait_for(min_position)
        began = time.perf_counter()
        model = self._models.active
        vector = (await model.batches.encode([query.for_model() or " "], is_urgent=True))[0]
        encoded = time.perf_counter()
        collection = self._follower.collection
        answer = await self._offload.run(
            self._searched, collection, query, vector, allowed, limit=limit, method=method
        )
        searched = time.perf_counter()
        hits = list(answer.hits) if include_weak or method else _telling(answer.hits)
        results = await self._with_texts(hits, query, answer)
        return Results(results, collection.position, collection.model, encoded - began, searched - encoded)

    def _searched(
        self, collection: Collection, query: Query, vector: Vectors, allowed: Filter, *, limit: int, method: str
    ) -> Answer:
        seen = self._views.view(collection, allowed.stream, allowed.as_of)
        said = self._follower.voices.about(vector)
        return search(seen, query, vector, allowed, limit=limit, method=method, feedback=said)

    async def _with_texts(self, hits: list[Hit], query: Query, answer: Answer) -> tuple[Result, ...]:
        if not hits:
            return ()
        found = await store.shown(self._pool, [(hit.entry.name, hit.passage) for hit in hits])
        said = asked(query, answer.rarities)
        return tuple(
            Result(one.document, one.passage, hit, reasons(said, hit, one.document, one.passage), one.runbook)
            for hit in hits
            # A document that was forgotten since the collection was read is not shown.
            if (one := found.get(hit.entry.name)) is not None
        )


def _telling(hits: Sequence[Hit]) -> list[Hit]:
    """Without what is weak by itself, or beside the best."""
    least = fusion.OF_THE_BEST * hits[0].probability if hits else 0.0
    return [hit for hit in hits if not hit.is_weak and hit.probability >= least]
