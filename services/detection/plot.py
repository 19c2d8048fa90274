"""A recorded series as a picture: PNG without any library, and a line of blocks for the terminal."""

import struct
import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_BLOCKS = "▁▂▃▄▅▆▇█"
_WHITE, _LINE, _OUT, _MARK = (255, 255, 255), (33, 94, 166), (252, 219, 207), (203, 24, 29)
_MARGIN = 8


def png(values: Floats, incidents: Iterable[tuple[int, int, int]], *, width: int = 1200, height: int = 320) -> bytes:
    """The course of `values` (NaN: a gap) with a band for each incident, given as places (start, detected, end)."""
    image = np.full((height, width, 3), _WHITE, np.uint8)
    count = max(len(values), 1)

    def column(place: int) -> int:
        return _MARGIN + int(place * (width - 2 * _MARGIN - 1) / max(count - 1, 1))

    for start, detected, end in incidents:
        image[:, column(start):column(end) + 2] = _OUT
        image[:, column(detected)] = _MARK
    finite = values[np.isfinite(values)]
    if finite.size:
        low, high = float(finite.min()), float(finite.max())
        scale = (height - 2 * _MARGIN - 1) / ((high - low) or 1.0)
        before: tuple[int, int] | None = None
        for place, value in enumerate(values.tolist()):
            if not np.isfinite(value):
                before = None
                continue
            x, y = column(place), height - 1 - _MARGIN - int((value - low) * scale)
            _stroke(image, before or (x, y), (x, y))
            before = (x, y)
    return _encoded(image)


def _stroke(image: npt.NDArray[np.uint8], start: tuple[int, int], end: tuple[int, int]) -> None:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1])) + 1
    xs = np.linspace(start[0], end[0], steps).round().astype(np.int64)
    ys = np.linspace(start[1], end[1], steps).round().astype(np.int64)
    image[ys, xs] = _LINE


def _encoded(image: npt.NDArray[np.uint8]) -> bytes:
    height, width, _ = image.shape
    rows = b"".join(b"\x00" + image[row].tobytes() for row in range(height))
    return b"".join([b"\x89PNG\r\n\x1a\n", _part(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
                     _part(b"IDAT", zlib.compress(rows, 6)), _part(b"IEND", b"")])


def _part(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def sparkline(values: Floats, width: int = 80) -> str:
    """The course in blocks: each the largest departure from the middle in its stretch; a gap is a space."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return ""
    middle, low, high = float(np.median(finite)), float(finite.min()), float(finite.max())
    marks = []
    for part in np.array_split(values, min(width, len(values))):
        here = part[np.isfinite(part)]
        if not here.size:
            marks.append(" ")
            continue
        value = here[np.argmax(np.abs(here - middle))]
        marks.append(_BLOCKS[int((value - low) / ((high - low) or 1.0) * (len(_BLOCKS) - 1))])
    return "".join(marks)
