"""Requests that repeat: the same series in the same order, with other times and values.

A sender exports its series again and again, and all that changes in the bytes is what has a fixed width: time, start
time and value of each point. So the bytes of a resource's metrics are remembered with those places masked out. When
they come again, the masked bytes are compared with numpy, and the columns are read off the places; nothing is parsed.
What differs in any other byte is read the long way, and remembered when its length and resource were seen before.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ingestion.columns import Ids

_MOST_BYTES = 64 * 1024 * 1024
_MOST_SEEN = 10_000
# Of one length and resource, such as exports of several meters.
_MOST_ALIKE = 8
# Fields of ResourceMetrics, ScopeMetrics, Metric, and Gauge or Sum that lead to a data point.
_SCOPES, _METRICS, _GAUGE, _SUM, _POINTS = 2, 2, 5, 7, 1
_LENGTH_DELIMITED = 2
_FIXED = {1: 8, 5: 4}

_Key = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Places:
    """Points of one layout: where each begins, and the id of its series."""

    layout: "np.dtype[Any]"
    begins: NDArray[np.int64]
    ids: Ids


@dataclass(frozen=True, slots=True)
class Shape:
    """The bytes of a resource's metrics, but for times and values. service: whose they are."""

    service: str
    mask: NDArray[np.uint8]
    masked: NDArray[np.uint8]
    places: tuple[Places, ...]

    def fits(self, body: NDArray[np.uint8]) -> bool:
        return np.array_equal(body & self.mask, self.masked)

    def heads(self, body: NDArray[np.uint8]) -> Iterator[tuple[Places, NDArray[Any]]]:
        """The heads of the points of each layout, by their fields."""
        for each in self.places:
            yield each, body[each.begins[:, None] + np.arange(each.layout.itemsize)].view(each.layout)[:, 0]


class Shapes:
    """What is remembered, the least recently used going first beyond 64 MiB."""

    def __init__(self) -> None:
        # Of each length and resource, the latest used first.
        self._shapes: OrderedDict[_Key, list[Shape]] = OrderedDict()
        self._bytes = 0
        self._seen: OrderedDict[_Key, None] = OrderedDict()

    def find(self, body: bytes) -> Shape | None:
        """The shape that these bytes have, when it is known."""
        key = _key(body)
        alike = self._shapes.get(key)
        if alike is None:
            return None
        array = np.frombuffer(body, np.uint8)
        for place, shape in enumerate(alike):
            if shape.fits(array):
                if place:
                    alike.insert(0, alike.pop(place))
                self._shapes.move_to_end(key)
                return shape
        return None

    def is_repeated(self, body: bytes) -> bool:
        """Whether one of this length and resource was asked for before: then its shape is worth keeping."""
        key = _key(body)
        if key in self._seen:
            return True
        self._seen[key] = None
        if len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
        return False

    def keep(self, body: bytes, service: str, places: Sequence[Places]) -> None:
        """Remembers where times and values stand in this body."""
        mask = np.full(len(body), 0xFF, np.uint8)
        for each in places:
            for kind, offset, *_ in (each.layout.fields or {}).values():
                if kind.itemsize == 8:
                    mask[each.begins[:, None] + (offset + np.arange(8))] = 0
        alike = self._shapes.setdefault(_key(body), [])
        alike.insert(0, Shape(service, mask, np.frombuffer(body, np.uint8) & mask, tuple(places)))
        self._bytes += 2 * len(body)
        if len(alike) > _MOST_ALIKE:
            self._bytes -= 2 * len(alike.pop().mask)
        while self._bytes > _MOST_BYTES and len(self._shapes) > 1:
            _, gone = self._shapes.popitem(last=False)
            self._bytes -= sum(2 * len(shape.mask) for shape in gone)

    def __len__(self) -> int:
        return sum(map(len, self._shapes.values()))


def _key(body: bytes) -> _Key:
    """Length and beginning; the first field is the resource, in what everybody sends."""
    try:
        length, begin = _varint(body, 1, len(body))
    except ValueError:
        return len(body), b""
    return len(body), body[:begin + length]


def points(body: bytes) -> Iterator[tuple[int, int]]:
    """Begin and end of each gauge or sum data point in an encoded ResourceMetrics.

    Raises ValueError when it is none.
    """
    for scope in _within(body, 0, len(body), (_SCOPES,)):
        for metric in _within(body, *scope, (_METRICS,)):
            for data in _within(body, *metric, (_GAUGE, _SUM)):
                yield from _within(body, *data, (_POINTS,))


def _within(body: bytes, at: int, end: int, wanted: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Where the contents of the length-delimited fields `wanted` stand within a message."""
    while at < end:
        tag, at = _varint(body, at, end)
        wire = tag & 7
        if wire == _LENGTH_DELIMITED:
            length, at = _varint(body, at, end)
            if at + length > end:
                raise ValueError("a field is longer than its message")
            if tag >> 3 in wanted:
                yield at, at + length
            at += length
        elif wire == 0:
            _, at = _varint(body, at, end)
        elif wire in _FIXED:
            at += _FIXED[wire]
        else:
            raise ValueError(f"wire type {wire} is not in use")


def _varint(body: bytes, at: int, end: int) -> tuple[int, int]:
    value, shift = 0, 0
    while at < end and shift < 64:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise ValueError("a varint is cut off")
