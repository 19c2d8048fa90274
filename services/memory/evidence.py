"""What a query names besides its text, and which candidates have it: services, alerts, tags, titles, links, votes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.memory import fusion
from services.memory.candidates import CANDIDATE_DOCUMENTS, Candidates, Rows, Scores
from services.memory.collection import Collection, same_address
from services.memory.documents import Kind
from services.memory.fusion import Evidence
from services.memory.identifiers import alert_like
from services.memory.lexical import Mask
from services.memory.query import Query
from services.memory.visibility import View


@dataclass(frozen=True, slots=True)
class Names:
    """What a query says besides its text, ready to be compared. feedback: what people said, by document."""

    services: frozenset[str]
    alerts: frozenset[str]
    tags: frozenset[str]
    addresses: frozenset[str]
    rarities: Mapping[str, float]
    """Of the terms of the query."""
    feedback: Mapping[str, float]


def names(query: Query, rarities: Mapping[str, float], feedback: Mapping[str, float]) -> Names:
    """What `query` names; an alert's name in its text counts as one."""
    return Names(
        frozenset(name.lower() for name in query.services),
        frozenset((*(name.lower() for name in query.alert_names), *alert_like(query.words()))),
        frozenset(tag.lower() for tag in query.tags),
        frozenset(same_address(url) for url in query.runbook_urls),
        rarities,
        feedback,
    )


def pointed_at(collection: Collection, named: Names) -> list[tuple[int, int]]:
    """Documents, as part and row, that a query points at whatever their words: by alert, by address, by feedback."""
    found = [collection.places[name] for name, said in named.feedback.items() if said > 0 and name in collection.places]
    for number, part in enumerate(collection.parts):
        for alert in named.alerts:
            found += [(number, int(row)) for row in part.with_alert.get(alert, ())[:CANDIDATE_DOCUMENTS]]
        for address in named.addresses:
            found += [(number, int(row)) for row in part.with_address.get(address, ())]
    return found


def bonus(found: Candidates, named: Names, seen: View, said: Scores) -> Scores:
    """What all that speaks for each candidate besides its text adds to its score. said: feedback for each."""
    part, rows = found.part, found.rows
    return fusion.bonus(
        Evidence(
            _having(rows, part.with_service, named.services),
            _having(rows, part.with_alert, named.alerts),
            _having(rows, part.with_tag, named.tags),
            _titles(found, named, seen),
            said,
        )
    )


def is_linked(found: Candidates, named: Names) -> Mask:
    """Which candidates are what an alert of the query links to."""
    return _having(found.rows, found.part.with_address, named.addresses) > 0


def feedback(found: Candidates, named: Names, seen: View, number: int) -> Scores:
    """What people said of each candidate after queries like this, -1 to 1. number: of their part."""
    said = np.zeros(len(found.rows), dtype=np.float32)
    for name, value in named.feedback.items():
        part, row = seen.collection.places.get(name, (-1, 0))
        if part == number:
            said[found.rows == row] = value
    return said


def _having(rows: Rows, rows_with: Mapping[str, NDArray[np.int32]], values: Iterable[str]) -> Scores:
    """How many of `values` each of `rows` has."""
    counts = np.zeros(len(rows), dtype=np.float32)
    for value in values:
        if (having := rows_with.get(value)) is not None:
            counts += _are_in(rows, having)
    return counts


def _titles(found: Candidates, named: Names, seen: View) -> Scores:
    """Share of a runbook's title that the query says, each term as it is rare, 0 to 1; of a post-mortem's none."""
    part, asked = found.part, frozenset(named.rarities)
    shares = np.zeros(len(found.rows), dtype=np.float32)
    are_runbooks = np.flatnonzero(part.kinds[found.rows] == Kind.RUNBOOK)
    for at, row in zip(are_runbooks.tolist(), found.rows[are_runbooks].tolist(), strict=True):
        entry = part.entries[row]
        if said := asked & entry.title_terms:
            shares[at] = sum(map(named.rarities.__getitem__, said)) / seen.title_rarity(entry)
    return shares


def _are_in(rows: Rows, having: NDArray[np.int32]) -> Mask:
    """Which of `rows` are among `having`, both ascending."""
    at = np.searchsorted(having, rows)
    at[at == len(having)] = 0
    found: Mask = having[at] == rows
    return found
