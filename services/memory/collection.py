"""What is searched: documents in immutable parts, new ones in small parts that are merged behind.

A `Collection` never changes: a search holds one and sees it whole, however long it takes, and no search waits for a
write. `with_changes` makes the next one; parts that stay are shared between the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from services.memory import lexical
from services.memory.embedding import Vectors
from services.memory.entries import Entry, Forgotten, Remembered
from services.memory.failure_modes import Counts
from services.memory.index import FLAT_UP_TO, PassageIndex
from services.memory.lexical import Mask, Postings

MOST_GONE = 0.2
"""Share of a graph's rows that may be gone before it is rebuilt; a search still walks through them."""

GROWS_BY = 0.1
"""Share of all passages that may be outside of the graph, compared exactly, before it is built anew."""

MOST_PARTS = 6
"""Parts beyond the large ones; one more and the smallest are merged. Each costs a search about 50 µs."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some documents with their postings, and the vectors of their passages. Rows are documents, in `entries`."""

    entries: tuple[Entry, ...]
    postings: Postings
    modes: Counts
    """Of which failures each document speaks, shape (documents, modes)."""
    index: PassageIndex
    first_passage: NDArray[np.int64]
    """Shape (documents + 1,): passages of row r are first_passage[r] to first_passage[r + 1]."""
    row_of_passage: NDArray[np.int32]
    kinds: NDArray[np.int8]
    severities: NDArray[np.int8]
    occurred: NDArray[np.float64]
    """Seconds since 1970; NaN where nobody said."""
    streams: NDArray[np.str_]
    with_service: Mapping[str, NDArray[np.int32]] = field(repr=False)
    with_tag: Mapping[str, NDArray[np.int32]] = field(repr=False)
    with_alert: Mapping[str, NDArray[np.int32]] = field(repr=False)
    with_address: Mapping[str, NDArray[np.int32]] = field(repr=False)
    """By what `same_address` makes of their url; runbooks and post-mortems alike."""
    with_source: Mapping[str, NDArray[np.int32]] = field(repr=False)
    sum_of_vectors: NDArray[np.float64] = field(repr=False)


def part(
    entries: Sequence[Entry],
    postings: Postings,
    modes: Counts,
    vectors: Vectors,
    sizes: Sequence[int],
    *,
    flat_up_to: int = FLAT_UP_TO,
    index: PassageIndex | None = None,
) -> Part:
    """A part of `entries`. sizes: passages of each; vectors: of all their passages in order; index: over just those."""
    first = np.zeros(len(entries) + 1, dtype=np.int64)
    np.cumsum(sizes, out=first[1:])
    return Part(
        tuple(entries),
        postings,
        modes,
        index or PassageIndex(vectors, flat_up_to=flat_up_to),
        first,
        np.repeat(np.arange(len(entries), dtype=np.int32), sizes),
        np.array([each.kind for each in entries], dtype=np.int8),
        np.array([each.severity for each in entries], dtype=np.int8),
        np.array([each.occurred_at.timestamp() if each.occurred_at else np.nan for each in entries], dtype=np.float64),
        np.array([each.stream for each in entries], dtype=np.str_),
        _rows_with([each.services for each in entries]),
        _rows_with([each.tags for each in entries]),
        _rows_with([tuple(name.lower() for name in each.alert_names) for each in entries]),
        _rows_with([(same_address(each.url),) if each.url else () for each in entries]),
        _rows_with([(each.source_id,) if each.source_id else () for each in entries]),
        vectors.sum(axis=0, dtype=np.float64),
    )


def same_address(url: str) -> str:
    """`url` without what does not tell two pages apart: scheme, www., a slash at the end, and the fragment."""
    address = url.strip().split("#", 1)[0].rstrip("/")
    for prefix in ("https://", "http://"):
        address = address.removeprefix(prefix)
    host, slash, path = address.removeprefix("www.").partition("/")
    return host.lower() + slash + path


def _rows_with(values: Sequence[Sequence[str]]) -> dict[str, NDArray[np.int32]]:
    """Of each value the rows that have it, ascending."""
    found: dict[str, list[int]] = {}
    for row, each in enumerate(values):
        for value in each:
            found.setdefault(value, []).append(row)
    return {value: np.array(rows, dtype=np.int32) for value, rows in found.items()}


@dataclass(frozen=True, slots=True)
class Collection:
    """Everything that can be found, as of `position`."""

    model: str
    dimension: int
    position: int = 0
    parts: tuple[Part, ...] = ()
    present: tuple[Mask, ...] = ()
    """For each part, which of its rows were neither replaced nor forgotten."""
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict, repr=False)
    """Part and row of each present document, by name."""
    flat_up_to: int = FLAT_UP_TO
    held: int = 0
    """Leading parts from which a new one is being built, and which are therefore not merged meanwhile."""

    @property
    def documents(self) -> int:
        return sum(int(mask.sum()) for mask in self.present)

    @property
    def passages(self) -> int:
        return sum(
            int(mask[each.row_of_passage].sum()) for each, mask in zip(self.parts, self.present, strict=True)
        )

    def with_changes(self, changes: Sequence[Remembered | Forgotten], position: int) -> Collection:
        """This collection after `changes`, in their order; the last change of a document is the one that stays."""
        last = {change.entry.name if isinstance(change, Remembered) else change.name: change for change in changes}
        present = [mask.copy() for mask in self.present]
        places = dict(self.places)
        for name in last:
            if (place := places.pop(name, None)) is not None:
                present[place[0]][place[1]] = False
        parts = list(self.parts)
        new = [change for change in last.values() if isinstance(change, Remembered)]
        if new:
            vectors = np.concatenate([change.vectors for change in new]).astype(np.float32)
            parts.append(
                part(
                    [change.entry for change in new],
                    lexical.postings([change.counts for change in new]),
                    np.stack([change.modes for change in new]),
                    vectors,
                    [len(change.vectors) for change in new],
                    # Whatever came is searchable at once; a graph of it is built behind.
                    flat_up_to=max(self.flat_up_to, len(vectors)),
                )
            )
            present.append(np.ones(len(new), dtype=np.bool_))
            places.update({change.entry.name: (len(parts) - 1, row) for row, change in enumerate(new)})
        changed = replace(self, position=position, parts=tuple(parts), present=tuple(present), places=places)
        return changed.tidied()

    def tidied(self) -> Collection:
        """With as few parts as needed: a part no larger than twice what follows it is merged with that, as are the
        last ones when there are too many. Each document is so copied a few times in its life, whatever the size.

        Only what can be compared exactly is merged here, in milliseconds; `rebuilt` makes a graph of more.
        """
        sizes = [len(each.index) for each in self.parts]
        start = len(sizes)
        while start - 1 >= self.held and self._is_merged_with_next(start - 1, sizes):
            start -= 1
        if start >= len(sizes) - 1:
            return self
        together = _merged(self.parts[start:], self.present[start:], self.flat_up_to)
        return self.with_part(together, start, len(self.parts))

    def _is_merged_with_next(self, at: int, sizes: Sequence[int]) -> bool:
        after = sum(sizes[at + 1 :])
        is_small = sizes[at] <= 2 * after or at + 1 > self.held + MOST_PARTS
        return at == len(sizes) - 1 or (is_small and sizes[at] + after <= self.flat_up_to)

    @property
    def wants_rebuilding(self) -> bool:
        """Whether a graph of everything would answer faster, or the present one holds too much that is gone."""
        if self.held:
            return False
        exact = sum(len(each.index) for each in self.parts if each.index.type == "flat")
        size = sum(len(each.index) for each in self.parts)
        # A graph grows by a share of itself, so that a passage is built into few of them, however many come.
        is_large = exact > max(self.flat_up_to, GROWS_BY * size)
        return is_large or (size > self.flat_up_to and self.passages < (1 - MOST_GONE) * size)

    def holding(self) -> Collection:
        """With its present parts held as they are while one is built from them."""
        return replace(self, held=len(self.parts))

    def rebuilt(self) -> Part:
        """One part of everything that is present. With a graph this takes seconds to minutes."""
        return _merged(self.parts, self.present, self.flat_up_to)

    def with_part(self, together: Part, start: int, end: int) -> Collection:
        """With `together` in place of the parts from `start` to `end`, less what was replaced or forgotten since."""
        shift = end - start - 1
        places = {
            name: (at - shift, row) if at >= end else (at, row)
            for name, (at, row) in self.places.items()
            if not start <= at < end
        }
        stays = np.array(
            [start <= self.places.get(each.name, (-1, 0))[0] < end for each in together.entries], dtype=np.bool_
        )
        places.update({each.name: (start, row) for row, each in enumerate(together.entries) if stays[row]})
        return replace(
            self,
            parts=(*self.parts[:start], together, *self.parts[end:]),
            present=(*self.present[:start], stays, *self.present[end:]),
            places=places,
            held=0 if start < self.held else self.held,
        )


def _merged(parts: Sequence[Part], present: Sequence[Mask], flat_up_to: int) -> Part:
    entries = [
        one
        for each, mask in zip(parts, present, strict=True)
        for one, is_kept in zip(each.entries, mask, strict=True)
        if is_kept
    ]
    sizes = np.concatenate([np.diff(each.first_passage)[mask] for each, mask in zip(parts, present, strict=True)])
    vectors = np.concatenate(
        [each.index.vectors[mask[each.row_of_passage]] for each, mask in zip(parts, present, strict=True)]
    )
    together = lexical.merged([each.postings for each in parts], present)
    modes = np.concatenate([each.modes[mask] for each, mask in zip(parts, present, strict=True)])
    return part(entries, together, modes, vectors, sizes.tolist(), flat_up_to=flat_up_to)
