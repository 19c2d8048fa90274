"""One search over what the asker sees: what both methods find, as one ranking.

Pure: a `View` of the collection, a query that was already embedded, a filter, and feedback come in as values.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.memory import candidates, evidence, failure_modes, fusion
from services.memory.candidates import Candidates, Scores
from services.memory.embedding import Vectors
from services.memory.entries import Entry
from services.memory.evidence import Names
from services.memory.identifiers import terms
from services.memory.lexical import Mask
from services.memory.query import Filter, Query
from services.memory.visibility import View

OFTEN = 2
"""Times that a query says a term from which once more counts less and less: a pasted log says `request` forty times."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that was found. `passage` is the ordinal of the one that fits best."""

    entry: Entry
    passage: int
    probability: float
    score: float
    lexical: float
    dense: float
    feedback: float
    is_exact: bool = False

    @property
    def is_weak(self) -> bool:
        return not self.is_exact and self.probability < fusion.WEAK_BELOW


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, best first, and how rare each term of the query is among what the asker may see."""

    hits: tuple[Hit, ...]
    rarities: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Scored:
    """Candidates of one part with what they come to."""

    found: Candidates
    scores: Scores
    feedback: Scores
    is_exact: Mask


def search(
    seen: View,
    query: Query,
    vector: Vectors,
    allowed: Filter,
    *,
    limit: int,
    method: str = "",
    feedback: Mapping[str, float] | None = None,
) -> Answer:
    """The best `limit` documents for `query`, best first; weak ones are among them, marked.

    vector: unit embedding of `query.for_model()`, shape (dimension,). method: `bm25` or `dense` alone, else both.
    feedback: what people said of documents after queries like this, by name, -1 to 1.
    """
    words = query.words()
    weights = Counter(terms(words))
    rarities = {term: seen.rarity(term) for term in weights}
    weighted = {term: _weight(term, count, rarities[term], seen) for term, count in weights.items()}
    asked = candidates.text(weighted, vector, failure_modes.modes(words), seen)
    named = evidence.names(query, rarities, feedback or {})
    places = [] if method else evidence.pointed_at(seen.collection, named)
    scored = list[_Scored]()
    for number, may in enumerate(_allowed(seen, allowed)):
        if may is None or may.any():
            rows = [row for at, row in places if at == number]
            found = candidates.candidates(number, may, asked, seen, rows)
            scored.append(_scored(found, named, seen, number, method))
    return Answer(tuple(_best(scored, limit)), rarities)


def _weight(term: str, count: int, rarity: float, seen: View) -> float:
    """What a term that a query says `count` times counts for, less and less from twice on.

    What no document holds counts, too, since it was asked for, but for a number, an address or an id of that hour.
    """
    if rarity >= seen.rarity("") and not term.isalpha() and any(character.isdigit() for character in term):
        return 0.0
    return rarity * (count if count <= OFTEN else OFTEN * (1 + math.log(count / OFTEN)))


def _allowed(seen: View, wanted: Filter) -> list[Mask | None]:
    """Of each part the rows that may be found; None: all."""
    masks = [
        candidates.allowed(part, visible, wanted)
        for part, visible in zip(seen.collection.parts, seen.visible, strict=True)
    ]
    for name in wanted.exclude:
        if (place := seen.collection.places.get(name)) is not None:
            masks[place[0]][place[1]] = False
    return [None if mask.all() else mask for mask in masks]


def _scored(found: Candidates, named: Names, seen: View, number: int, method: str) -> _Scored:
    said = evidence.feedback(found, named, seen, number)
    is_exact = np.zeros(len(found.rows), dtype=np.bool_)
    match method:
        case "bm25":
            scores = found.lexical
        case "dense":
            scores = found.dense
        case _:
            scores = fusion.fused(found.lexical, found.dense, found.modes)
            scores += evidence.bonus(found, named, seen, said)
            is_exact = evidence.is_linked(found, named)
    return _Scored(found, scores, said, is_exact)


def _best(scored: Sequence[_Scored], limit: int) -> list[Hit]:
    if not scored:
        return []
    scores = np.concatenate([each.scores + 1e6 * each.is_exact for each in scored])
    # Of equal ones at the end, whose names decide, all are looked at.
    least = np.partition(scores, -limit)[-limit] if len(scores) > limit else -np.inf
    hits = [_hit(each, int(at)) for each in scored for at in np.flatnonzero(each.scores + 1e6 * each.is_exact >= least)]
    hits.sort(key=lambda hit: (not hit.is_exact, -hit.score, hit.entry.name))
    return hits[:limit]


def _hit(scored: _Scored, at: int) -> Hit:
    found, score, is_exact = scored.found, float(scored.scores[at]), bool(scored.is_exact[at])
    return Hit(
        found.part.entries[int(found.rows[at])],
        int(found.passages[at]),
        1.0 if is_exact else fusion.probability(score),
        score,
        float(found.lexical[at]),
        float(found.dense[at]),
        float(scored.feedback[at]),
        is_exact,
    )
