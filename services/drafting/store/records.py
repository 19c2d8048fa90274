"""Columns to Python values."""

from collections.abc import Iterable


def strings(array: Iterable[str] | None) -> tuple[str, ...]:
    """A text[] column."""
    return tuple(array or ())
