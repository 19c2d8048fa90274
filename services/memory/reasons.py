"""Why a document was found, in words that convince the person on call: the most telling reason first.

Exact things come before likeness: the alert's own link, its name, a line of the log, the service, the kind of failure,
then words that few documents hold. What any incident text says (`p95`, `baseline`, `rate`), what was already said as a
service or an alert, and single letters explain nothing and are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from services.memory import failure_modes, fusion
from services.memory.documents import Document, Passage, Role
from services.memory.failure_modes import Counts
from services.memory.identifiers import alert_like, terms
from services.memory.query import Query
from services.memory.search import Hit

RARE = 1.0
"""Rarity from which a shared word explains something: a third of the documents or fewer hold it, of many."""

MOST_WORDS = 4
MOST_PATTERNS = 2
MOST_MODES = 2

ALIKE_PATTERNS = 0.6
"""Share of their words that two log patterns have in common from which they are one line, cut differently."""

# What measures are called, and what every text about an incident says: true of all, so telling of none.
_SAID_BY_ALL = frozenset(
    term
    for word in """
    p50 p75 p90 p95 p99 p999 mean median average rate ratio share count counts total sum max maximum min minimum
    percent percentage baseline normal spread value values level metric metrics series signal signals measure
    duration seconds second minutes minute hours hour day days ms latency traffic errors error saturation
    request requests response responses client server operation operations call calls http rpc grpc
    incident incidents severity onset detected detection recovered recovery resolved resolution started ended
    summary timeline impact cause root contributing factors action items lessons symptoms alert alerts
    service services reached against before after while during utc version time times
    increased decreased rose fell above below left affected
    """.split()  # noqa: SIM905 - to be read
    for term in terms(word)
)
_WORDS = re.compile(r"[^\s()\[\]{}\"'`,;|<>]+")
_METRIC = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+){2,}|[a-z][a-z0-9]*(?:_[a-z0-9]+){2,}")
_PLACEHOLDER = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Asked:
    """A query, taken apart once for all its results."""

    query: Query
    rarities: Mapping[str, float]
    modes: Counts
    alerts: tuple[str, ...]
    patterns: tuple[frozenset[str], ...]
    terms: frozenset[str]
    """Those that may explain something."""


def asked(query: Query, rarities: Mapping[str, float]) -> Asked:
    """`query`, of whose terms `rarities` tells how rare each is."""
    words = query.words()
    services = {term for name in query.services for term in terms(name)}
    return Asked(
        query,
        rarities,
        failure_modes.modes(words),
        (*query.alert_names, *alert_like(words)),
        tuple(_fixed_words(pattern) for pattern in query.log_patterns),
        frozenset(
            term
            for word in _WORDS.findall(words)
            for term in _terms(word)
            if term not in _SAID_BY_ALL
            and term not in services
            and len(term) > 2
            and not term.isdigit()
            and rarities.get(term, 0.0) >= RARE
        ),
    )


def reasons(asked: Asked, hit: Hit, document: Document, passage: Passage) -> tuple[str, ...]:
    """Why `document` answers what was `asked`, its best `passage` at hand."""
    text = f"{document.title}\n{passage.text}"
    alerts = _both(asked.alerts, hit.entry.alert_names)
    said = list[str]()
    if hit.is_exact:
        said.append("the alert links to this runbook")
    said += [f"same alert {name}" for name in alerts]
    said += [f"same log line: {pattern}" for pattern in _patterns(asked, document.log_patterns)[:MOST_PATTERNS]]
    said += [f"same service {name}" for name in _both(asked.query.services, document.services)]
    if kinds := _modes(asked, text):
        said.append(f"same kind of failure: {', '.join(kinds)}")
    if tags := _both(asked.query.tags, document.tags):
        said.append(f"same tags {', '.join(tags)}")
    known = frozenset(term for name in (*alerts, *document.services) for term in terms(name))
    if words := telling_words(asked, text, besides=known):
        said.append(f"both say {', '.join(words)}")
    if hit.feedback > 0:
        said.append("was found helpful for a similar incident")
    elif hit.feedback < 0:
        said.append("was found not helpful for a similar incident")
    part = passage.role.name.lower().replace("_", " ") if passage.role is not Role.OTHER else "text"
    if hit.dense >= fusion.ALIKE_FROM:
        said.append(f"its {part} means about the same")
    elif not said:
        said.append(f"its {part} is the nearest in meaning" if hit.dense > 0 else "both use some common words")
    return tuple(said)


def telling_words(
    asked: Asked, text: str, *, besides: frozenset[str] = frozenset(), most: int = MOST_WORDS
) -> list[str]:
    """The words that the query and `text` share and few other documents hold, as the text writes them.

    An identifier (`PoolTimeoutError`, `max_connections`) tells more than a word and comes first, then the rarest. The
    name of a metric tells that something was measured, and is left out with all its parts.
    """
    written: dict[str, str] = {}
    for word in _WORDS.findall(text):
        for term in _terms(word)[:1]:
            if term in asked.terms and term not in besides:
                written.setdefault(term, word.strip(".,:;!?"))
    order = sorted(written, key=lambda term: (not _is_identifier(written[term]), -asked.rarities[term], term))
    return [written[term] for term in order[:most]]


@lru_cache(maxsize=65536)
def _terms(word: str) -> tuple[str, ...]:
    return tuple(terms(_METRIC.sub(" ", word)))


def _is_identifier(word: str) -> bool:
    return bool(re.search(r"[a-z][A-Z]|\w_\w|[A-Za-z]\d|\w\.[A-Za-z]", word))


def _modes(asked: Asked, text: str) -> list[str]:
    """The failures that both speak of, those that they speak of most first."""
    held = failure_modes.modes(text)
    both: list[int] = np.flatnonzero(np.minimum(asked.modes, held)).tolist()
    best = sorted(both, key=lambda mode: (-int(asked.modes[mode]) * int(held[mode]), mode))
    return [failure_modes.MODES[mode] for mode in best[:MOST_MODES]]


def _patterns(asked: Asked, held: Iterable[str]) -> list[str]:
    """The log patterns of the document that a pattern of the query is about equal to."""
    return [
        _PLACEHOLDER.sub("…", pattern)[:120]
        for pattern in held
        if (words := _fixed_words(pattern)) and any(_alike(words, other) for other in asked.patterns)
    ]


def _fixed_words(pattern: str) -> frozenset[str]:
    return frozenset(terms(_PLACEHOLDER.sub(" ", pattern)))


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= ALIKE_PATTERNS * len(one | other) and len(one & other) >= min(2, len(one))


def _both(asked: Iterable[str], held: Iterable[str]) -> list[str]:
    wanted = {name.lower() for name in asked}
    return [name for name in dict.fromkeys(held) if name.lower() in wanted]
