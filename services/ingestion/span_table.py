"""All spans of a window, joined with their parents: arrays, since a window may hold a million of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ingestion.span_columns import LAYOUT, Rows, Texts, joined

Indexes = NDArray[np.int64]
Floats = NDArray[np.float64]
# Odd and without a pattern (the golden ratio's, and two of MurmurHash's finaliser): what differs in any bit differs in
# the upper ones after a multiplication.
_GOLDEN, _FIRST, _SECOND = (np.uint64(each) for each in (
    0x9E3779B97F4A7C15, 0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53))
_HALF = np.uint64(32)
# Beside the columns of a span: its service, a place in `services`; the chunk that has its details, and where in it.
_TABLE = np.dtype([*LAYOUT.descr, ("service", "<u4"), ("position", "<i8"), ("place", "<i8")])


@dataclass(frozen=True, slots=True)
class Sent:
    """The spans of one block or chunk, as they are stored, and which chunks brought how many of them, in order; None
    where it was one."""

    service: str
    raw: bytes
    positions: Sequence[int]
    lengths: Sequence[int] | None


@dataclass(slots=True)
class SpanTable:
    """Each span once, however often it was sent.

    parents: the row of each one's parent, -1 where it is not among them.
    """

    services: list[str]
    texts: list[str]
    rows: Rows
    parents: Indexes
    _self_s: Floats | None = field(default=None)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def durations_s(self) -> Floats:
        found: Floats = (self.rows["ended"] - self.rows["started"]) / 1e9
        return found

    @property
    def self_s(self) -> Floats:
        """Duration less the time that direct children cover; children at once count once."""
        if self._self_s is None:
            self._self_s = np.maximum(self.durations_s - _covered(self.rows, self.parents) / 1e9, 0.0)
        return self._self_s


def table(sent: Sequence[Sent], most: int) -> SpanTable:
    """The spans of some services; of more than `most` about so many, by whole traces, of every service the same."""
    services = Texts()
    columns, counts = joined([each.raw for each in sent])
    rows = np.empty(len(columns.rows), _TABLE)
    for name in LAYOUT.names or ():
        rows[name] = columns.rows[name]
    rows["service"] = np.repeat(np.array([services.place(each.service) for each in sent], "<u4"), counts)
    positions = np.array([position for each in sent for position in each.positions], "<i8")
    lengths = np.array([length for each, count in zip(sent, counts, strict=True)
                        for length in each.lengths or (count,)], "<i8")
    rows["position"] = np.repeat(positions, lengths)
    rows["place"] = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    if len(rows) > most:
        rows = rows[(rows["trace_low"] * _GOLDEN) >> _HALF < np.uint64(int(most / len(rows) * 2**32))]
    keys, first = np.unique(_key(rows, "span"), return_index=True)
    rows = rows[first]
    return SpanTable(list(services.places), list(columns.texts), rows, _parents(rows, keys))


def _key(rows: Rows, span: str) -> NDArray[np.uint64]:
    """Trace and span in 64 bits: of a million spans two are taken for one once in 40 million windows."""
    mixed: NDArray[np.uint64] = (rows["trace_high"] * _GOLDEN) ^ (rows["trace_low"] * _FIRST)
    mixed ^= mixed >> _HALF
    mixed = (mixed ^ rows[span]) * _SECOND
    return mixed ^ (mixed >> _HALF)


def _parents(rows: Rows, keys: NDArray[np.uint64]) -> Indexes:
    """keys: of the rows, in order."""
    if not len(rows):
        return np.empty(0, np.int64)
    wanted = _key(rows, "parent")
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    is_there = (keys[place] == wanted) & (rows["parent"] != 0) & (place != np.arange(len(rows)))
    return np.where(is_there, place, -1)


def _covered(rows: Rows, parents: Indexes) -> NDArray[Any]:
    """Nanoseconds of each span that its direct children cover."""
    children = np.flatnonzero(parents >= 0)
    above = parents[children]
    origin = rows["started"][above]
    begin = np.maximum(rows["started"][children] - origin, 0)
    end = np.minimum(rows["ended"][children], rows["ended"][above]) - origin
    inside = end > begin
    above, begin, end = above[inside], begin[inside], end[inside]
    if not len(above):
        return np.zeros(len(rows))
    order = np.lexsort((begin, above))
    above, begin, end = above[order], begin[order], end[order]
    is_first = np.ones(len(above), bool)
    is_first[1:] = above[1:] != above[:-1]
    # The furthest end so far among the children of one parent: each parent gets a stretch of numbers of its own, in
    # which a day's worth of nanoseconds of a million parents would not fit; then the unit is a longer one.
    group = np.cumsum(is_first) - 1
    longest, groups = int(end.max()) + 1, int(group[-1]) + 1
    unit = max(1, -(-longest * groups >> 62))
    stretch = group * (longest // unit + 1)
    reached = (np.maximum.accumulate(end // unit + stretch) - stretch) * unit
    before = np.where(is_first, 0, np.roll(reached, 1))
    new = np.maximum(end - np.maximum(begin, before), 0)
    return np.bincount(above, new, len(rows))
