"""What a whole search costs beside the encoder and FAISS, stage by stage, over documents of Zipf's words.

    python -m tests.bench.memory_search [SIZE]

Part of `make bench-memory`. CPU time of the searching thread, so that other work on the machine shows less.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.memory import candidates, evidence, failure_modes, lexical, snapshot
from services.memory.collection import Collection, part
from services.memory.documents import LIVE, Document, Kind, Passage, Role
from services.memory.embedding import Vectors
from services.memory.entries import Entry
from services.memory.failure_modes import MODES
from services.memory.identifiers import terms
from services.memory.query import Filter, Query
from services.memory.reasons import asked, reasons
from services.memory.search import search
from services.memory.visibility import Views

DIMENSION = 384
PASSAGES_PER_DOCUMENT = 8
VOCABULARY = [f"word{number}" for number in range(40_000)]
TOP = 10


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole search without the encoder, in milliseconds of one thread; the index file in seconds."""

    size: int
    total_p50: float
    index_p50: float
    own_p50: float
    own_p99: float
    own_cpu_p50: float
    saved_s: float
    loaded_s: float
    stages: dict[str, float]
    """Milliseconds of CPU time, p50."""


def collection(vectors: Vectors) -> Collection:
    """Documents of eight passages and 900 words, as often as Zipf says."""
    random = np.random.default_rng(3)
    size = len(vectors) // PASSAGES_PER_DOCUMENT
    counts, entries = [], []
    for number in range(size):
        said = random.choice(len(VOCABULARY), 900, p=_often())
        counts.append({VOCABULARY[at]: count for at, count in Counter(said.tolist()).items()})
        title = frozenset(VOCABULARY[at] for at in said[:6])
        name, service = f"documents/{number}", f"s{number % 50}"
        entries.append(Entry(name, 1 + number % 2, LIVE, "", "", 0, None, (service,), (), (), title, number))
    used = vectors[: size * PASSAGES_PER_DOCUMENT]
    modes = random.poisson(0.2, (size, len(MODES))).astype(np.uint8)
    one = part(entries, lexical.postings(counts), modes, used, [PASSAGES_PER_DOCUMENT] * size)
    places = {entry.name: (0, row) for row, entry in enumerate(entries)}
    return Collection("bench", DIMENSION, size, (one,), (np.ones(size, np.bool_),), places)


def queries(count: int) -> list[Query]:
    """Of 25 words each."""
    random = np.random.default_rng(5)
    return [
        Query(" ".join(VOCABULARY[at] for at in random.choice(len(VOCABULARY), 25, p=_often())), services=("s7",))
        for _ in range(count)
    ]


def _often() -> Any:
    often = 1 / np.arange(1, len(VOCABULARY) + 1)
    return often / often.sum()


def whole(vectors: Vectors, embedded: Vectors) -> Whole:
    """Searches with each of `embedded`, and the reasons of their results."""
    known, asking, views = collection(vectors), queries(len(embedded)), Views()
    graph = known.parts[0].index
    stages = _Stages()
    total, index = list[float](), list[float]()
    for is_warm in (False, True):
        stages.spent.clear()
        total, index = [], []
        for query, vector in zip(asking, embedded, strict=True):
            began = time.perf_counter()
            answer = stages.timed(
                "search as a whole, with FAISS",
                lambda query=query, vector=vector: search(  # type: ignore[misc]
                    views.view(known, LIVE, None), query, vector, Filter(), limit=TOP
                ),
            )
            stages.timed("reasons of ten", lambda query=query, answer=answer: _explained(query, answer))  # type: ignore[misc]
            total.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            stages.timed("of it FAISS", lambda vector=vector: graph.nearest(vector, candidates.CANDIDATE_PASSAGES))  # type: ignore[misc]
            index.append((time.perf_counter() - began) * 1000)
            if is_warm:
                _taken_apart(stages, known, views, query, vector)
    own = np.array(total) - np.array(index)
    median = stages.medians()
    own_cpu = median["search as a whole, with FAISS"] + median["reasons of ten"] - median["of it FAISS"]
    saved, loaded = _index_file(known)
    return Whole(
        len(vectors), float(np.median(total)), float(np.median(index)), float(np.median(own)),
        float(np.quantile(own, 0.99)), own_cpu, saved, loaded, median,
    )  # fmt: skip


class _Stages:
    """CPU time of this thread by what it was spent on."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def timed(self, stage: str, work: Callable[[], Any]) -> Any:
        began = time.thread_time()
        result = work()
        self.spent.setdefault(stage, []).append((time.thread_time() - began) * 1000)
        return result

    def medians(self) -> dict[str, float]:
        return {stage: float(np.median(spent)) for stage, spent in self.spent.items()}


def _taken_apart(stages: _Stages, known: Collection, views: Views, query: Query, vector: Vectors) -> None:
    """The steps of a search one by one, in its order."""
    seen, one = views.view(known, LIVE, None), known.parts[0]
    words = query.words()
    counted = stages.timed("of it terms", lambda: Counter(terms(words)))
    rarities = {term: seen.rarity(term) for term in counted}
    weights = {term: count * rarities[term] for term, count in counted.items()}
    modes = stages.timed("of it failure modes", lambda: failure_modes.modes(words))
    said = candidates.text(weights, vector, modes, seen)
    held = stages.timed("of it BM25", lambda: candidates.by_words(0, said, seen))
    best = stages.timed("of it the best of BM25", lambda: candidates.best_by_words(held))
    near = candidates.nearest_passages(one, None, said)
    stages.timed("of it cosines of candidates", lambda: candidates.compared(one, near, best, said, seen))
    found = candidates.candidates(0, None, said, seen, [])
    named = evidence.names(query, rarities, {})
    none = np.zeros(len(found.rows), np.float32)
    stages.timed("of it services, alerts, tags, titles", lambda: evidence.bonus(found, named, seen, none))


def _explained(query: Query, answer: Any) -> Sequence[Any]:
    """As `Finding` does: over a document's title and its passage, of 150 words here."""
    said = asked(query, answer.rarities)
    return [reasons(said, hit, _document(hit.entry.name), _passage(hit.entry.name)) for hit in answer.hits]


def _document(name: str) -> Document:
    return Document(Kind.POSTMORTEM, name, "", name=name)


def _passage(name: str) -> Passage:
    start = int(name.rsplit("/", 1)[1]) % 30_000
    return Passage(0, Role.SUMMARY, "Summary", " ".join(VOCABULARY[start : start + 150]))


def _index_file(known: Collection) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "index"
        began = time.perf_counter()
        snapshot.save(known, path, database="bench")
        between = time.perf_counter()
        snapshot.load(path, database="bench", model="bench", dimension=DIMENSION, newest=known.position)
        return between - began, time.perf_counter() - between


def whole_table(rows: Sequence[Whole]) -> str:
    """What a search costs as a whole, as Markdown."""
    written = [
        "| passages | search p50 ms | of it FAISS | own p50 | own p99 | own CPU p50 | index file written s | read s |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    written += [
        f"| {r.size:,} | {r.total_p50:.2f} | {r.index_p50:.2f} | {r.own_p50:.2f} | {r.own_p99:.2f} "
        f"| {r.own_cpu_p50:.2f} | {r.saved_s:.2f} | {r.loaded_s:.2f} |"
        for r in rows
    ]
    return "\n".join(written)


def stage_table(row: Whole) -> str:
    """Where the CPU time of a search goes, as Markdown."""
    written = [f"| CPU time at {row.size:,} passages | p50 ms |", "|---|---:|"]
    written += [f"| {stage} | {spent:.2f} |" for stage, spent in row.stages.items()]
    return "\n".join(written)


if __name__ == "__main__":
    from tests.bench.memory import passages

    measured = whole(*passages(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
    print(whole_table([measured]), stage_table(measured), sep="\n\n")
