"""A search from question to answer: embed it, wait for the position, search, fetch the texts, say why."""

from __future__ import annotations

import time
from dataclasses import dataclass

from services.memory.collection import Collection
from services.memory.documents import Document, Passage
from services.memory.embedding import Vectors
from services.memory.follower import Follower
from services.memory.models import Models
from services.memory.reasons import asked, reasons
from services.memory.search import Answer, Filter, Hit, Query, search
from services.memory.store import documents as store
from services.memory.store import runbooks as runbook_store
from services.memory.visibility import Views
from shared.errors import InvalidArgument
from shared.offload import Offload
from shared.postgres.pool import Pool


@dataclass(frozen=True, slots=True)
class Result:
    """One document that was found, with the passage that fits best."""

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
        hits = [hit for hit in answer.hits if include_weak or method or not hit.is_weak]
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
        names = [hit.entry.name for hit in hits]
        documents = await store.get_many(self._pool, names)
        texts = await store.passages_of(self._pool, [(hit.entry.name, hit.passage) for hit in hits])
        runbooks = await runbook_store.names_of_documents(self._pool, names)
        said = asked(query, answer.rarities)
        return tuple(
            Result(
                documents[name],
                texts[name, hit.passage],
                hit,
                reasons(said, hit, documents[name], texts[name, hit.passage]),
                runbooks.get(name, ""),
            )
            for hit in hits
            # A document that was forgotten since the collection was read is not shown.
            if (name := hit.entry.name) in documents and (name, hit.passage) in texts
        )
