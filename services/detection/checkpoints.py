"""The detectors of all streams as bytes and back.

A checkpoint is a cache in our own schema, not a format: a version of the code that cannot read it reads the log again.
"""

import hashlib
import io
import pickle
from enum import Enum
from pathlib import Path
from typing import Any

import zstandard

from services.detection.detector import StreamDetector

_LEVEL = 1
# What `unpack` raises for bytes that are none of ours, or not any more.
UNREADABLE = (pickle.UnpicklingError, zstandard.ZstdError, ValueError, TypeError, AttributeError, ImportError, KeyError,
              EOFError, IndexError)


def version() -> str:
    """Changes whenever the code whose objects are kept changes."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def pack(detectors: dict[str, StreamDetector]) -> bytes:
    """Everything that the detectors know."""
    content = io.BytesIO()
    _Pickler(content, protocol=5).dump(detectors)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(content.getbuffer())


def unpack(state: bytes) -> dict[str, StreamDetector]:
    """What `pack` was given. Raises one of UNREADABLE."""
    content = zstandard.ZstdDecompressor().decompress(state)
    found = _Unpickler(io.BytesIO(content)).load()
    if not isinstance(found, dict):
        raise ValueError("a checkpoint that holds no detectors")
    return found


class _Pickler(pickle.Pickler):
    """Writes a member of an enumeration as its class and value: before 3.11.4 Python wrote a call of `getattr`, which
    nobody should be able to have read back."""

    def reducer_override(self, kept: Any) -> Any:
        return (type(kept), (kept.value,)) if isinstance(kept, Enum) else NotImplemented


class _Unpickler(pickle.Unpickler):
    """Makes objects of detection, numpy and the standard library's values only."""

    _ROOTS = ("services.detection.", "numpy", "datetime", "collections", "re", "builtins", "copyreg",
              "_codecs", "functools")

    def find_class(self, module: str, name: str) -> Any:
        is_dangerous = module == "builtins" and name in {"eval", "exec", "open", "getattr", "__import__"}
        if is_dangerous or not module.startswith(self._ROOTS):
            raise pickle.UnpicklingError(f"a checkpoint must not hold {module}.{name}")
        return super().find_class(module, name)
