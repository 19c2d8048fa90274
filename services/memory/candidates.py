"""What one part of a collection offers for a query: documents that either method finds, with what both say of each.

Arrays throughout: a search looks at some hundred candidates, and a Python object for each would cost more than FAISS.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.memory import failure_modes, lexical
from services.memory.collection import Part
from services.memory.embedding import Vectors
from services.memory.failure_modes import Counts
from services.memory.lexical import Mask
from services.memory.query import Filter
from services.memory.visibility import View

Rows = NDArray[np.int64]
Scores = NDArray[np.float32]

CANDIDATE_PASSAGES = 100
CANDIDATE_DOCUMENTS = 50


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a query as both methods read it."""

    weights: Mapping[str, float]
    """Rarity of each term, times how often the query has it."""
    vector: Vectors
    """Unit embedding less what all visible texts have in common, of unit length again."""
    modes: Counts


@dataclass(frozen=True, slots=True)
class Candidates:
    """Documents of one part, by ascending row, and what each method says: arrays of shape (candidates,)."""

    part: Part
    rows: Rows
    lexical: Scores
    """Share of the query found, 0 to about 1."""
    dense: Scores
    """Centred cosine of the passage that fits best, -1 to 1."""
    modes: Scores
    """Share of the failure modes that the query speaks of, 0 to about 1."""
    passages: Rows
    """Ordinal of the passage that fits best."""


def text(weights: Mapping[str, float], vector: Vectors, modes: Counts, seen: View) -> Text:
    """A query for an asker who sees `seen`. vector: as the model gave it."""
    centred = vector - seen.mean
    centred /= max(float(np.linalg.norm(centred)), 1e-6)
    return Text(weights, centred, modes)


def candidates(number: int, may: Mask | None, asked: Text, seen: View, named: Sequence[int]) -> Candidates:
    """Those of both methods in part `number`, each with both scores: what one missed is not zero for the other.

    may: which rows may be found; None: all. named: rows to be among them, whatever the methods say.
    """
    part = seen.collection.parts[number]
    words = by_words(number, asked, seen)
    if may is not None:
        words[~may] = 0.0
    near = nearest_passages(part, may, asked)
    others = [*best_by_words(words), *(row for row in named if may is None or may[row])]
    rows, passages, cosines = compared(part, near, others, asked, seen)
    modes = failure_modes.shared(asked.modes, part.modes[rows], seen.mode_rarities, seen.mode_length)
    return Candidates(part, rows, words[rows], cosines, modes, passages)


def by_words(number: int, asked: Text, seen: View) -> Scores:
    """Which share of the query's words each document of part `number` holds, shape (documents,)."""
    postings = seen.collection.parts[number].postings
    words = lexical.scores(postings, asked.weights, seen.statistics.mean_length, seen.columns[number])
    words /= max(lexical.best_possible(asked.weights), 1e-6)
    return words


def nearest_passages(part: Part, may: Mask | None, asked: Text) -> Rows:
    """The passages nearest to the query."""
    return part.index.nearest(asked.vector, CANDIDATE_PASSAGES, None if may is None else may[part.row_of_passage])[0]


def best_by_words(words: Scores) -> list[int]:
    """The rows that hold most of the query."""
    best = np.argpartition(-words, min(CANDIDATE_DOCUMENTS, len(words) - 1))[:CANDIDATE_DOCUMENTS]
    found: list[int] = best[words[best] > 0].tolist()
    return found


def compared(part: Part, near: Rows, others: Sequence[int], asked: Text, seen: View) -> tuple[Rows, Rows, Scores]:
    """The documents of `near` passages and `others`, ascending; of each the ordinal of its best passage, its cosine.

    Of a document that was found by words alone every passage is compared; of the others those that were near.
    """
    have_near = frozenset(part.row_of_passage[near].tolist())
    rest = [row for row in dict.fromkeys(others) if row not in have_near]
    passages = np.concatenate([near, _passages_of(part, np.array(rest, dtype=np.int64))])
    owners = part.row_of_passage[passages]
    cosines = centred_cosines(np.take(part.index.vectors, passages, axis=0), asked.vector, seen.mean)
    order = np.lexsort((-cosines, owners))
    owners = owners[order]
    is_first = np.ones(len(owners), dtype=np.bool_)
    is_first[1:] = owners[1:] != owners[:-1]
    chosen = order[is_first]
    rows = owners[is_first].astype(np.int64)
    return rows, passages[chosen] - part.first_passage[rows], cosines[chosen]


def centred_cosines(vectors: Vectors, centred: Vectors, mean: Vectors) -> Scores:
    """Cosines of `centred` with unit `vectors` less `mean`, from products alone: no copy of the vectors is made."""
    products = vectors @ np.stack([centred, mean], axis=1)
    lengths = np.sqrt(np.maximum(1.0 - 2.0 * products[:, 1] + float(mean @ mean), 1e-6))
    cosines: Scores = ((products[:, 0] - float(mean @ centred)) / lengths).astype(np.float32)
    return cosines


def _passages_of(part: Part, rows: Rows) -> Rows:
    """All passages of the documents in `rows`, in their order."""
    sizes = part.first_passage[rows + 1] - part.first_passage[rows]
    ends = np.cumsum(sizes)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    passages: Rows = np.repeat(part.first_passage[rows], sizes) + within
    return passages


def allowed(part: Part, visible: Mask, wanted: Filter) -> Mask:
    """The rows of `part` that are visible and let through by `wanted`, names in its `exclude` aside."""
    mask = visible.copy()
    if wanted.kinds:
        mask &= np.isin(part.kinds, [int(kind) for kind in wanted.kinds])
    if wanted.severities:
        mask &= np.isin(part.severities, list(wanted.severities))
    if wanted.services:
        mask &= _having(part, part.with_service, wanted.services)
    if wanted.tags:
        mask &= _having(part, part.with_tag, wanted.tags)
    if wanted.occurred_after is not None:
        mask &= part.occurred >= wanted.occurred_after.timestamp()
    if wanted.occurred_before is not None:
        mask &= part.occurred < wanted.occurred_before.timestamp()
    for source in wanted.exclude:
        mask[part.with_source.get(source, _NONE)] = False
    return mask


def _having(part: Part, rows_with: Mapping[str, NDArray[np.int32]], values: frozenset[str]) -> Mask:
    mask = np.zeros(len(part.entries), dtype=np.bool_)
    for value in values:
        mask[rows_with.get(value.lower(), _NONE)] = True
    return mask


_NONE = np.zeros(0, dtype=np.int32)
