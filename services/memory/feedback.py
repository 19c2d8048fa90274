"""What people found helpful, for queries like the one at hand.

A voice counts for its document as much as its query resembles the present one: that a runbook helped with a full disk
says nothing about an expired certificate. Voices add up but never drown the text: the sum is squeezed into -1 … 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from services.memory.embedding import Vectors

ALIKE_FROM = 0.5
"""Cosine of two queries from which they are about the same thing; unrelated incident texts lie below 0.4."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What one person said about one document after one query."""

    document: str
    author: str
    query_hash: bytes
    is_helpful: bool
    vector: Vectors
    """Unit embedding of the query, shape (dimension,)."""


class Voices:
    """All that was said, as arrays; immutable, so that searches can share it."""

    def __init__(self, voices: Iterable[Voice] = ()) -> None:
        self._voices = {(each.document, each.author, each.query_hash): each for each in voices}
        said = list(self._voices.values())
        self._vectors = np.stack([each.vector for each in said]) if said else None
        self._documents = [each.document for each in said]
        self._signs = np.array([1.0 if each.is_helpful else -1.0 for each in said])

    def __len__(self) -> int:
        return len(self._voices)

    def joined_by(self, voices: Iterable[Voice]) -> Voices:
        """With more voices; who spoke before about the same thing is replaced."""
        return Voices([*self._voices.values(), *voices])

    def without(self, documents: frozenset[str]) -> Voices:
        """Without what was said about documents that are gone."""
        if not documents.intersection(self._documents):
            return self
        return Voices(each for each in self._voices.values() if each.document not in documents)

    def about(self, query: Vectors) -> dict[str, float]:
        """For each document that queries like this were answered with, -1 (not helpful) to 1 (helpful)."""
        if self._vectors is None:
            return {}
        alike = np.clip((self._vectors @ query - ALIKE_FROM) / (1.0 - ALIKE_FROM), 0.0, 1.0)
        sums: dict[str, float] = {}
        for at in np.flatnonzero(alike > 0.0):
            document = self._documents[int(at)]
            sums[document] = sums.get(document, 0.0) + float(alike[at] * self._signs[at])
        return {document: float(np.tanh(value)) for document, value in sums.items()}
