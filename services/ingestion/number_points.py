"""The gauge and sum points of one resource in one request, read together.

Encoders write start time, time and value first, each with a fixed width, and the attributes after them. So the heads
of all points are read with numpy at once, and the tail of a point, as bytes, is the key under which the id of its
series is cached. Whatever is laid out in another way is handed back, to be parsed like any message.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.ingestion.columns import Floats, Ids, Times
from services.ingestion.rejections import Rejections
from services.ingestion.series import DROPPED
from services.ingestion.shapes import Places, Shape, points

LATEST = 2**63 - 1
NO_TIME = "time_unix_nano is missing or beyond 2262"
NOT_FINITE = "the value is not a finite number"
ATTRIBUTES_TAG = 0x3A
# The tag bytes of start_time_unix_nano, time_unix_nano, as_double, as_int.
_START, _TIME, _DOUBLE, _INT = 0x11, 0x19, 0x21, 0x31
_WITH_START = np.dtype([("start_tag", "u1"), ("start", "<u8"), ("time_tag", "u1"), ("time", "<u8"),
                        ("value_tag", "u1"), ("value", "<f8")])
_WITHOUT_START = np.dtype([("time_tag", "u1"), ("time", "<u8"), ("value_tag", "u1"), ("value", "<f8")])
_LAYOUTS = {_START: _WITH_START, _TIME: _WITHOUT_START}

# Ids, times, start times, values.
Columns = tuple[Ids, Times, Times, Floats]
# Reads one point, whatever its layout.
One = Callable[[bytes], None]
# The id of a series by the tail of its points; DROPPED where a limit turned it away, None where it is no such tail.
Learn = Callable[[bytes], int | None]


@dataclass(slots=True)
class _Rows:
    """Points of one layout. ids: None where the tail of the point holds more than attributes."""

    bodies: list[bytes] = field(default_factory=list)
    ids: list[int | None] = field(default_factory=list)
    # By the place of its first point, how each metric reads a point alone.
    metrics: list[tuple[int, One]] = field(default_factory=list)


class NumberPoints:
    """Collects the points of metrics, then reads them."""

    def __init__(self, rejections: Rejections, over_limit: str) -> None:
        self._rejections = rejections
        self._over_limit = over_limit
        self._rows: dict[int, _Rows] = {}
        self._has_unusual = False

    def add(self, bodies: Sequence[bytes], known: Mapping[bytes, int], learn: Learn, one: One) -> None:
        """The points of one metric. known: ids of its series by the tail of their points."""
        first = bodies[0][0] if bodies[0] else 0
        layout = _LAYOUTS.get(first)
        if layout is None:
            self._has_unusual = True
            for body in bodies:
                one(body)
            return
        rows = self._rows.get(first)
        if rows is None:
            rows = self._rows[first] = _Rows()
        width = layout.itemsize
        get = known.get
        found: list[int | None] = [get(body[width:]) for body in bodies]
        if None in found:
            found = [learn(body[width:]) if each is None else each for each, body in zip(found, bodies, strict=True)]
        rows.metrics.append((len(rows.bodies), one))
        rows.bodies += bodies
        rows.ids += found

    def read(self) -> Iterator[Columns]:
        """The columns of the points. Points laid out differently are read one by one."""
        for first, rows in self._rows.items():
            layout = _LAYOUTS[first]
            heads, usual = _heads(rows, layout)
            if not usual.all():
                self._has_unusual = True
                self._alone(rows, np.flatnonzero(~usual).tolist())
            ids = np.array([each or DROPPED for each in rows.ids] if None in rows.ids else rows.ids, "<u8")
            found = self._taken(ids, heads, usual)
            if found is not None:
                yield found

    def read_again(self, shape: Shape, body: bytes) -> Iterator[Columns]:
        """The same, of a body whose shape is known."""
        for places, heads in shape.heads(np.frombuffer(body, np.uint8)):
            found = self._taken(places.ids, heads, np.ones(len(heads), np.bool_))
            if found is not None:
                yield found

    def places(self, body: bytes) -> tuple[Places, ...]:
        """Where the points that were read stand in `body`, which holds them and no others; nothing where the next body
        like it could not be read by places alone."""
        if self._has_unusual or any(DROPPED in rows.ids for rows in self._rows.values()):
            return ()
        begins: dict[int, list[int]] = {first: [] for first in self._rows}
        for begin, end in points(body):
            if end == begin or body[begin] not in begins:
                return ()
            begins[body[begin]].append(begin)
        if any(len(found) != len(self._rows[first].ids) for first, found in begins.items()):
            return ()
        return tuple(Places(_LAYOUTS[first], np.array(found, np.int64), np.array(self._rows[first].ids, "<u8"))
                     for first, found in begins.items())

    def _alone(self, rows: _Rows, places: list[int]) -> None:
        begins = [begin for begin, _ in rows.metrics]
        for place, metric in zip(places, np.searchsorted(begins, places, "right").tolist(), strict=True):
            rows.metrics[metric - 1][1](rows.bodies[place])

    def _taken(self, ids: Ids, heads: NDArray[Any], usual: NDArray[np.bool_]) -> Columns | None:
        times = heads["time"]
        starts = heads["start"] if "start" in (heads.dtype.names or ()) else None
        values = heads["value"]
        is_int = heads["value_tag"] == _INT
        if is_int.any():
            values = np.where(is_int, np.ascontiguousarray(values).view("<i8"), values)
        timed = (times > 0) & (times <= LATEST)
        finite = np.isfinite(values)
        admitted = ids != DROPPED
        good = usual & timed & finite & admitted
        if not good.all():
            self._rejections.add(NO_TIME, int((usual & ~timed).sum()))
            self._rejections.add(NOT_FINITE, int((usual & timed & ~finite).sum()))
            self._rejections.add(self._over_limit, int((usual & timed & finite & ~admitted).sum()))
            ids, times, values = ids[good], times[good], values[good]
            starts = None if starts is None else starts[good]
        if not len(ids):
            return None
        begun = np.zeros(len(times), "<i8") if starts is None else np.minimum(starts, LATEST).astype("<i8")
        return ids, times.astype("<i8"), begun, values.astype("<f8")


def _heads(rows: _Rows, layout: "np.dtype[Any]") -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """The heads of all points, and of which of them all three tags are as they should be and the tail is known."""
    joined = np.frombuffer(b"".join(rows.bodies) + bytes(layout.itemsize), np.uint8)
    lengths = np.fromiter(map(len, rows.bodies), np.int64, len(rows.bodies))
    begins = np.cumsum(lengths) - lengths
    heads = joined[begins[:, None] + np.arange(layout.itemsize)].view(layout)[:, 0]
    tag = heads["value_tag"]
    usual = (lengths >= layout.itemsize) & (heads["time_tag"] == _TIME) & ((tag == _DOUBLE) | (tag == _INT))
    if layout is _WITH_START:
        usual &= heads["start_tag"] == _START
    if None in rows.ids:
        usual &= np.array([each is not None for each in rows.ids])
    return heads, usual
