"""zstd at a level that costs next to nothing, with a bound on what comes out of it."""

import threading

import zstandard

_LEVEL = 1
_MOST_EXPANDED = 512 * 1024 * 1024


class _Zstd(threading.local):
    """A compressor and a decompressor of each thread: to make them costs more than to use them on a small chunk."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_ZSTD = _Zstd()


def packed(body: bytes) -> bytes:
    return _ZSTD.compressor.compress(body)


def expanded(body: bytes) -> bytes:
    return _ZSTD.decompressor.decompress(body, max_output_size=_MOST_EXPANDED)
