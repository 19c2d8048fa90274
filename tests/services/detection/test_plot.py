"""A picture without a library."""

import struct
import zlib

import numpy as np

from services.detection.plot import png, sparkline


def pixels(image: bytes, width: int, height: int) -> np.ndarray:
    at = image.index(b"IDAT")
    size = struct.unpack(">I", image[at - 4:at])[0]
    rows = np.frombuffer(zlib.decompress(image[at + 4:at + 4 + size]), np.uint8).reshape(height, 1 + width * 3)
    return rows[:, 1:].reshape(height, width, 3)


def test_picture_has_its_size_and_a_band_for_the_incident() -> None:
    image = png(np.sin(np.arange(200) / 10.0), [(100, 105, 120)], width=216, height=60)

    assert image.startswith(b"\x89PNG")
    assert struct.unpack(">II", image[16:24]) == (216, 60)
    top = pixels(image, 216, 60)[0]
    assert (top[8 + 110] != 255).any()
    assert (top[20] == 255).all()


def test_gap_is_not_drawn_over() -> None:
    values = np.ones(200)
    values[50:150] = np.nan

    drawn = (pixels(png(values, [], width=216, height=60), 216, 60) != 255).any(axis=(0, 2))

    assert drawn[20]
    assert not drawn[100]


def test_sparkline_shows_the_largest_departure_of_each_stretch() -> None:
    values = np.zeros(800)
    values[405] = 9.0

    line = sparkline(values, width=80)

    assert len(line) == 80
    assert line[40] == "█"


def test_nothing_has_no_sparkline() -> None:
    assert sparkline(np.full(5, np.nan)) == ""
