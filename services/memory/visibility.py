"""What one asker may know of, and the statistics of just that.

A replay sees `live` and its own documents, nothing at or after its `as_of`; and what another stream holds must not move
a score of his by a hair, so rarity, mean length and mean vector are taken over the visible documents alone. That costs
a pass over the collection, once for each (collection, stream, as_of): `Views` keeps the last few.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from services.memory import lexical
from services.memory.collection import Collection, Part
from services.memory.documents import LIVE
from services.memory.entries import Entry
from services.memory.failure_modes import MODES
from services.memory.lexical import Columns, Mask, Statistics

FEW_PASSAGES = 50
"""Taking the mean of the vectors away leaves what tells texts apart, once there are enough of them: the mean of few is
themselves. As many more are taken to have the mean zero."""

KEPT_VIEWS = 8


@dataclass(frozen=True, slots=True)
class View:
    """A collection as one asker sees it."""

    collection: Collection
    visible: tuple[Mask, ...]
    statistics: Statistics
    mean: NDArray[np.float32]
    """Mean vector of the visible passages, shape (dimension,), drawn towards zero when they are few."""
    mode_rarities: NDArray[np.float32]
    """How rare each failure mode is among the visible documents, shape (modes,)."""
    mode_length: float
    """How often the visible documents speak of any, on average."""
    rarities: dict[str, float] = field(default_factory=dict, repr=False)
    """Those already asked for: the same few thousand terms are asked for again and again."""
    titles: dict[str, float] = field(default_factory=dict, repr=False)
    columns: tuple[Columns, ...] = field(default=(), repr=False)
    """For each part, what its frequent terms give, those already asked for."""

    def rarity(self, term: str) -> float:
        """How rare `term` is among the visible documents."""
        if (known := self.rarities.get(term)) is None:
            parts = [part.postings for part in self.collection.parts]
            known = self.rarities[term] = lexical.rarity(term, parts, self.visible, self.statistics)
        return known

    def title_rarity(self, entry: Entry) -> float:
        """How rare the terms of a document's title are, together."""
        if (known := self.titles.get(entry.name)) is None:
            known = self.titles[entry.name] = sum(map(self.rarity, entry.title_terms))
        return known


def view(collection: Collection, stream: str, as_of: datetime | None) -> View:
    """What an asker of `stream` may know of at `as_of`."""
    visible = tuple(
        _visible(part, present, stream, as_of)
        for part, present in zip(collection.parts, collection.present, strict=True)
    )
    total, count = np.zeros(collection.dimension), 0
    for part, mask in zip(collection.parts, visible, strict=True):
        passages = mask[part.row_of_passage]
        count += int(passages.sum())
        # The smaller side is summed up; most searches see nearly everything.
        if passages.mean() > 0.5:
            total += part.sum_of_vectors - part.index.vectors[~passages].sum(axis=0, dtype=np.float64)
        else:
            total += part.index.vectors[passages].sum(axis=0, dtype=np.float64)
    mean = (total / (count + FEW_PASSAGES)).astype(np.float32)
    known = lexical.statistics([part.postings for part in collection.parts], visible)
    having, said = np.zeros(len(MODES), dtype=np.float32), 0
    for part, mask in zip(collection.parts, visible, strict=True):
        modes = part.modes[mask]
        having += np.count_nonzero(modes, axis=0).astype(np.float32)
        said += int(modes.sum(dtype=np.int64))
    rare = np.asarray(lexical.inverse_frequency(having, known.documents + lexical.UNSEEN_DOCUMENTS), dtype=np.float32)
    columns: tuple[Columns, ...] = tuple({} for _ in collection.parts)
    return View(collection, visible, known, mean, rare, said / max(known.documents, 1), columns=columns)


def _visible(part: Part, present: Mask, stream: str, as_of: datetime | None) -> Mask:
    seen: Mask = present & ((part.streams == LIVE) | (part.streams == stream))
    if as_of is not None:
        # What has no time is older than anybody remembers.
        seen &= ~(part.occurred >= as_of.timestamp())
    return seen


class Views:
    """The views asked for last, so that a search does not count the collection anew."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, datetime | None], View] = OrderedDict()
        self._lock = Lock()

    def view(self, collection: Collection, stream: str, as_of: datetime | None) -> View:
        """`view`, kept until the collection is another. May be called from any thread."""
        key = (stream, as_of)
        with self._lock:
            known = self._kept.get(key)
            if known is not None and known.collection is collection:
                self._kept.move_to_end(key)
                return known
        fresh = view(collection, stream, as_of)
        with self._lock:
            self._kept[key] = fresh
            while len(self._kept) > KEPT_VIEWS:
                self._kept.popitem(last=False)
        return fresh
