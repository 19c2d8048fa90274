"""BM25 over documents that come and go: postings in arrays, statistics of exactly what the asker may see.

bm25s, the library that we measure this against, builds its scores once; it can neither add nor remove a document, nor
leave some out of the statistics. Here a part of the collection is an immutable `Postings`, several of them are searched
as one, and how rare a term is gets counted over the documents that a search may see, so that a replay's documents
change nothing in `live`. The formula is bm25s' "lucene" one, and a test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]

K1 = 1.2  # how soon more of the same term stops counting
B = 0.75  # how much a long document is held back

FREQUENT = 0.1
"""Share of the documents from which a term is added to all of them, a whole column at once: for each document that is
more than ten times as fast as adding to one here and one there (0.5 against 15 ns)."""

MOST_COLUMNS = 256
"""Columns kept for a part: with eight passages a document, 8 % of what its vectors take."""

Columns = MutableMapping[str, "Floats"]
"""What a frequent term gives each document, before it is weighted: shape (documents,). For one mean length."""


@dataclass(frozen=True, slots=True)
class Postings:
    """Which documents of one part of the collection hold which term, how often; documents are rows from 0."""

    rows_of: Mapping[str, int]
    starts: NDArray[np.int64]
    """Shape (terms + 1,): the postings of term t are documents[starts[t]:starts[t + 1]]."""
    documents: Numbers
    counts: Floats
    lengths: Floats
    """Terms in each document, shape (documents,)."""

    def of(self, term: str) -> tuple[Numbers, Floats]:
        """The documents that hold `term`, ascending, and how often each does."""
        at = self.rows_of.get(term)
        if at is None:
            return self.documents[:0], self.counts[:0]
        cut = slice(int(self.starts[at]), int(self.starts[at + 1]))
        return self.documents[cut], self.counts[cut]


def postings(documents: Sequence[Mapping[str, int]]) -> Postings:
    """The postings of documents given as terms with their counts."""
    rows_of: dict[str, int] = {}
    size = sum(map(len, documents))
    term_of = np.empty(size, dtype=np.int64)
    document_of = np.empty(size, dtype=np.int32)
    counts = np.empty(size, dtype=np.float32)
    at = 0
    for row, document in enumerate(documents):
        end = at + len(document)
        term_of[at:end] = [rows_of.setdefault(term, len(rows_of)) for term in document]
        document_of[at:end] = row
        counts[at:end] = list(document.values())
        at = end
    lengths = np.array([sum(document.values()) for document in documents], dtype=np.float32)
    return _sorted(rows_of, term_of, document_of, counts, lengths)


def merged(parts: Sequence[Postings], keep: Sequence[Mask]) -> Postings:
    """Several postings as one, in order, without the documents that `keep` leaves out."""
    rows_of: dict[str, int] = {}
    terms: list[NDArray[np.int64]] = []
    documents: list[Numbers] = []
    counts: list[Floats] = []
    lengths: list[Floats] = []
    base = 0
    for part, kept in zip(parts, keep, strict=True):
        translate = np.fromiter(
            (rows_of.setdefault(term, len(rows_of)) for term in part.rows_of), np.int64, len(part.rows_of)
        )
        term_of = np.repeat(translate, np.diff(part.starts))
        row_of = np.cumsum(kept) - 1 + base
        stays = kept[part.documents]
        terms.append(term_of[stays])
        documents.append(row_of[part.documents[stays]].astype(np.int32))
        counts.append(part.counts[stays])
        lengths.append(part.lengths[kept])
        base += int(kept.sum())
    return _sorted(
        rows_of, np.concatenate(terms), np.concatenate(documents), np.concatenate(counts), np.concatenate(lengths)
    )


def _sorted(
    rows_of: dict[str, int], term_of: NDArray[np.int64], document_of: Numbers, counts: Floats, lengths: Floats
) -> Postings:
    order = np.lexsort((document_of, term_of))
    starts = np.zeros(len(rows_of) + 1, dtype=np.int64)
    np.cumsum(np.bincount(term_of, minlength=len(rows_of)), out=starts[1:])
    return Postings(rows_of, starts, document_of[order], counts[order], lengths)


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many documents a search may see, and how long they are on average."""

    documents: int
    mean_length: float


def statistics(parts: Sequence[Postings], visible: Sequence[Mask]) -> Statistics:
    """Of the documents of `parts` that `visible` lets through."""
    count = sum(int(mask.sum()) for mask in visible)
    total = sum(float(part.lengths[mask].sum()) for part, mask in zip(parts, visible, strict=True))
    return Statistics(count, total / count if count else 1.0)


UNSEEN_DOCUMENTS = 10
"""As many more documents, without the term, are taken to exist: a team's first post-mortem holds every term of all
documents, and is about something nevertheless. With hundreds of documents it makes no difference."""


def rarity(
    term: str, parts: Sequence[Postings], visible: Sequence[Mask], known: Statistics, *, unseen: int = UNSEEN_DOCUMENTS
) -> float:
    """The inverse document frequency of `term` among the visible documents; a term nobody has is the rarest."""
    having = sum(int(mask[part.of(term)[0]].sum()) for part, mask in zip(parts, visible, strict=True))
    return float(inverse_frequency(having, known.documents + unseen))


def inverse_frequency(having: float | Floats, documents: int) -> float | Floats:
    """How rare it is that `having` of `documents` hold something; several at once as an array."""
    rare: float | Floats = np.log1p((documents - having + 0.5) / (having + 0.5))
    return rare


def scores(part: Postings, weights: Mapping[str, float], mean_length: float, columns: Columns | None = None) -> Floats:
    """BM25 of each document of `part`, shape (documents,); `weights` are rarity times how often the query has it.

    columns: kept by the caller from search to search, for this part and mean length.
    """
    columns = {} if columns is None else columns
    hold_back = np.float32(K1 * (1 - B)) + np.float32(K1 * B / mean_length) * part.lengths
    summed = np.zeros(len(part.lengths), dtype=np.float32)
    rare = list[tuple[Numbers, Floats, float]]()
    for term, weight in weights.items():
        if (column := columns.get(term)) is not None:
            summed += np.float32(weight) * column
        elif len((found := part.of(term))[0]) <= FREQUENT * len(summed):
            rare.append((*found, weight))
        else:
            column = _column(found, hold_back)
            summed += np.float32(weight) * column
            if len(columns) < MOST_COLUMNS:
                columns[term] = column
    return summed + _scattered(rare, hold_back) if any(len(documents) for documents, _, _ in rare) else summed


def _column(found: tuple[Numbers, Floats], hold_back: Floats) -> Floats:
    documents, counts = found
    column = np.zeros(len(hold_back), dtype=np.float32)
    column[documents] = counts / (counts + hold_back[documents])
    return column


def _scattered(rare: Sequence[tuple[Numbers, Floats, float]], hold_back: Floats) -> Floats:
    """All rare terms in one pass: a search has dozens, most of them in few documents."""
    documents = np.concatenate([documents for documents, _, _ in rare], dtype=np.intp)
    counts = np.concatenate([counts for _, counts, _ in rare])
    sizes = [len(counts) for _, counts, _ in rare]
    weight = np.repeat(np.array([weight for _, _, weight in rare], dtype=np.float32), sizes)
    gained = weight * counts / (counts + hold_back[documents])
    return np.bincount(documents, gained, minlength=len(hold_back)).astype(np.float32)


def best_possible(weights: Mapping[str, float]) -> float:
    """About what a document of average length gets that holds every term of the query once or twice.

    Scores divided by it tell how much of what was asked for is there, in the same unit for any query and collection.
    """
    return sum(weights.values()) / (1 + 0.5 * K1)
