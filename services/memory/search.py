"""One search over what the asker sees: what both methods find, as one ranking.

Pure: a `View` of the collection, a query that was already embedded, a filter, and feedback come in as values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from services.memory import failure_modes, fusion, lexical
from services.memory.collection import Collection, Entry, Part, same_address
from services.memory.documents import LIVE, Kind
from services.memory.embedding import Vectors
from services.memory.failure_modes import Counts
from services.memory.identifiers import alert_like, terms
from services.memory.lexical import Mask
from services.memory.visibility import View

CANDIDATE_PASSAGES = 100
CANDIDATE_DOCUMENTS = 50
CLOSELY_READ = 40
"""Of the candidates of a part, those whose services, alerts, tags and titles are compared too."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: words, what is known of an incident, or both."""

    text: str = ""
    services: tuple[str, ...] = ()
    alert_names: tuple[str, ...] = ()
    symptoms: tuple[str, ...] = ()
    log_patterns: tuple[str, ...] = ()
    error_messages: tuple[str, ...] = ()
    probable_causes: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    runbook_urls: tuple[str, ...] = ()

    def words(self) -> str:
        """All that may be found word for word."""
        return "\n".join(part for part in (self.for_model(), *self.services, *self.tags) if part)

    def for_model(self) -> str:
        """What the model reads, the telling parts first, since it reads 256 word pieces at most."""
        parts = (self.text, *self.alert_names, *self.symptoms, *self.error_messages, *self.probable_causes,
                 *self.log_patterns)  # fmt: skip
        return "\n".join(dict.fromkeys(part.strip() for part in parts if part.strip()))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which documents may be found; empty parts let everything through."""

    kinds: frozenset[Kind] = frozenset()
    services: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    severities: frozenset[int] = frozenset()
    occurred_after: datetime | None = None
    occurred_before: datetime | None = None
    exclude: frozenset[str] = frozenset()
    stream: str = LIVE
    as_of: datetime | None = None


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
class _Found:
    """The candidates of one part, as rows, with what each method says."""

    part: Part
    rows: NDArray[np.int64]
    lexical: fusion.Scores
    dense: fusion.Scores
    modes: fusion.Scores
    passages: NDArray[np.int64]
    is_named: Mask


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a query says besides its text, ready to be compared."""

    modes: Counts
    services: frozenset[str]
    alerts: frozenset[str]
    tags: frozenset[str]
    addresses: frozenset[str]
    rarities: Mapping[str, float]
    seen: View


@dataclass(frozen=True, slots=True)
class Answer:
    """Hits, best first, and how rare each term of the query is among what the asker may see."""

    hits: tuple[Hit, ...]
    rarities: Mapping[str, float]


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
    collection = seen.collection
    may = [_allowed(part, mask, allowed) for part, mask in zip(collection.parts, seen.visible, strict=True)]
    words = query.words()
    weights = Counter(terms(words))
    rare = {term: seen.rarity(term) for term in weights}
    asked = _Asked(
        failure_modes.modes(words),
        frozenset(name.lower() for name in query.services),
        frozenset((*(name.lower() for name in query.alert_names), *alert_like(words))),
        frozenset(tag.lower() for tag in query.tags),
        frozenset(same_address(url) for url in query.runbook_urls),
        rare,
        seen,
    )
    weighted = {term: count * rare[term] for term, count in weights.items()}
    said = feedback or {}
    named = [] if method else _named(collection, asked, said)
    found = [
        _in_part(part, mask, weighted, asked, vector, [row for at, row in named if at == number])
        for number, (part, mask) in enumerate(zip(collection.parts, may, strict=True))
        if mask.any()
    ]
    hits = [hit for each in found for hit in _hits(each, asked, said, method)]
    hits.sort(key=lambda hit: (not hit.is_exact, -hit.score, hit.entry.name))
    return Answer(tuple(hits[:limit]), rare)


def _allowed(part: Part, visible: Mask, allowed: Filter) -> Mask:
    mask = visible.copy()
    if allowed.kinds:
        mask &= np.isin(part.kinds, [int(kind) for kind in allowed.kinds])
    if allowed.severities:
        mask &= np.isin(part.severities, list(allowed.severities))
    if allowed.services:
        mask &= _having(part, part.with_service, allowed.services)
    if allowed.tags:
        mask &= _having(part, part.with_tag, allowed.tags)
    if allowed.occurred_after is not None:
        mask &= part.occurred >= allowed.occurred_after.timestamp()
    if allowed.occurred_before is not None:
        mask &= part.occurred < allowed.occurred_before.timestamp()
    if allowed.exclude:
        for row in np.flatnonzero(mask):
            each = part.entries[row]
            if each.name in allowed.exclude or each.source_id in allowed.exclude:
                mask[row] = False
    return mask


def _having(part: Part, rows_with: Mapping[str, NDArray[np.int32]], values: frozenset[str]) -> Mask:
    mask = np.zeros(len(part.entries), dtype=np.bool_)
    for value in values:
        if (rows := rows_with.get(value.lower())) is not None:
            mask[rows] = True
    return mask


def _named(collection: Collection, asked: _Asked, said: Mapping[str, float]) -> list[tuple[int, int]]:
    """Documents, as part and row, that the query points at, whatever their words: by alert, by address, by feedback."""
    found = [collection.places[name] for name, voice in said.items() if voice > 0 and name in collection.places]
    for number, part in enumerate(collection.parts):
        for alert in asked.alerts:
            found += [(number, int(row)) for row in part.with_alert.get(alert, ())[:CANDIDATE_DOCUMENTS]]
        for address in asked.addresses:
            found += [(number, int(row)) for row in part.with_address.get(address, ())]
    return found


def _in_part(
    part: Part, may: Mask, weighted: Mapping[str, float], asked: _Asked, vector: Vectors, named: Sequence[int]
) -> _Found:
    """The candidates of both methods, each with both scores: what one method missed is not zero for the other."""
    seen = asked.seen
    words = lexical.scores(part.postings, weighted, seen.statistics.mean_length)
    words /= max(lexical.best_possible(weighted), 1e-6)
    words[~may] = 0.0
    best = np.argpartition(-words, min(CANDIDATE_DOCUMENTS, len(words) - 1))[:CANDIDATE_DOCUMENTS]
    best = best[words[best] > 0]
    centred = vector - seen.mean
    centred /= max(float(np.linalg.norm(centred)), 1e-6)
    near, _ = part.index.nearest(centred, CANDIDATE_PASSAGES, may[part.row_of_passage])
    # Of a document that was found by words alone, every passage is compared; of the others those that were near.
    pointed_at = np.array([row for row in named if may[row]], dtype=np.int64)
    others = np.setdiff1d(np.concatenate([best, pointed_at]), part.row_of_passage[near])
    spans = [np.arange(part.first_passage[row], part.first_passage[row + 1]) for row in others]
    passages = np.concatenate([near, *spans])
    owners = part.row_of_passage[passages]
    order = np.argsort(owners, kind="stable")
    cosines = _centred_cosines(part.index.vectors[passages], centred, seen.mean)
    order = order[np.lexsort((-cosines[order], owners[order]))]
    rows, first = np.unique(owners[order], return_index=True)
    chosen = order[first]
    ordinals = passages[chosen] - part.first_passage[rows]
    modes = failure_modes.shared(asked.modes, part.modes[rows], seen.mode_rarities, seen.mode_length)
    is_named = np.isin(rows, pointed_at)
    return _Found(part, rows.astype(np.int64), words[rows], cosines[chosen], modes, ordinals, is_named)


def _centred_cosines(vectors: Vectors, centred: Vectors, mean: Vectors) -> fusion.Scores:
    """Cosines of `centred` with unit `vectors` less `mean`, from products alone: no copy of the vectors is made."""
    products = vectors @ np.stack([centred, mean], axis=1)
    lengths = np.sqrt(np.maximum(1.0 - 2.0 * products[:, 1] + float(mean @ mean), 1e-6))
    cosines: fusion.Scores = ((products[:, 0] - float(mean @ centred)) / lengths).astype(np.float32)
    return cosines


def _hits(found: _Found, asked: _Asked, feedback: Mapping[str, float], method: str) -> list[Hit]:
    match method:
        case "bm25":
            scores = found.lexical
        case "dense":
            scores = found.dense
        case _:
            scores = fusion.fused(found.lexical, found.dense, found.modes)
    # What the query points at is always read closely; one is more than any score of words.
    best = np.argsort(-scores - 10.0 * found.is_named, kind="stable")[: CLOSELY_READ + int(found.is_named.sum())]
    return [_hit(found, int(at), float(scores[at]), asked, feedback, method) for at in best]


def _hit(
    found: _Found, at: int, score: float, asked: _Asked, feedback: Mapping[str, float], method: str
) -> Hit:
    each = found.part.entries[int(found.rows[at])]
    evidence = _evidence(each, asked, feedback.get(each.name, 0.0))
    score += 0.0 if method else fusion.bonus(evidence)
    is_exact = not method and bool(each.url) and same_address(each.url) in asked.addresses
    return Hit(
        each,
        int(found.passages[at]),
        1.0 if is_exact else fusion.probability(score),
        score,
        float(found.lexical[at]),
        float(found.dense[at]),
        evidence.feedback,
        is_exact,
    )


def _evidence(entry: Entry, asked: _Asked, feedback: float) -> fusion.Evidence:
    """What else speaks for a document."""
    return fusion.Evidence(
        len(asked.services.intersection(entry.services)),
        sum(name.lower() in asked.alerts for name in entry.alert_names),
        len(asked.tags.intersection(entry.tags)),
        _title_found(entry, asked) if entry.kind == Kind.RUNBOOK else 0.0,
        feedback,
    )


def _title_found(entry: Entry, asked: _Asked) -> float:
    """Share of the title that the query says, each term as it is rare: 0 to 1."""
    said = sum(asked.rarities[term] for term in entry.title_terms if term in asked.rarities)
    return said / sum(asked.seen.rarity(term) for term in entry.title_terms) if said else 0.0
