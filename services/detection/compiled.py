"""Functions over single values, compiled to machine code when they are first called.

What is one value after another is written so: a loop that reads like the rule it follows, as fast as an array of any
length allows. The machine code is kept beside the source, or where that cannot be written in the user's cache, under
the digest of every source that is compiled: numba itself would not notice that a function in another file has changed.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])
_MARK = b"@compiled"


def digest(directory: Path) -> str:
    """Of the sources in a directory that have something compiled."""
    found = hashlib.sha256()
    for path in sorted(directory.glob("*.py")):
        content = path.read_bytes()
        if _MARK in content:
            found.update(content)
    return found.hexdigest()[:16]


def _place() -> Path:
    here = Path(__file__).parent
    name = f"compiled-{digest(here)}"
    if os.access(here, os.W_OK):
        return here / "__pycache__" / name
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")  # noqa: PTH118, PTH111
    return Path(home) / "afteraction" / name


vars(numba.config)["CACHE_DIR"] = str(_place())


def compiled(function: Function) -> Function:
    """The same function, compiled; it may call others that are."""
    try:
        return cast(Function, numba.njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # nowhere to keep it: compiled again in each process
        return cast(Function, numba.njit(error_model="numpy")(function))
