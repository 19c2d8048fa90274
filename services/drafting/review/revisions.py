"""Revisions of a post-mortem, and what differs between two of them, word by word.

A difference is a run of parts. Those that stayed or went are the old text, those that stayed or came the new one, to
the character.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from enum import Enum
from itertools import groupby

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
# Beyond this many words on a side, a changed block is shown as replaced: the matcher is quadratic.
_LONGEST_BLOCK = 4000
# What stays between two changes is only worth showing when it is more than this many words.
_SHORTEST_ISLAND = 2


@dataclass(frozen=True, slots=True)
class Revision:
    """One immutable version. `number` counts from 1; `author` is empty where the drafter wrote it."""

    number: int
    author: str
    created_at: datetime
    markdown: str
    reason: str


class Change(Enum):
    """What became of a run of words."""

    EQUAL = 1
    REMOVED = 2
    ADDED = 3


@dataclass(frozen=True, slots=True)
class Part:
    """A run of words with one fate."""

    change: Change
    text: str


def difference(before: str, after: str) -> tuple[Part, ...]:
    """The parts that lead from `before` to `after`: lines are matched first, then words within lines that differ."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    parts: list[Part] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(Part(Change.EQUAL, "".join(old[i:j])))
        else:
            parts.extend(_words("".join(old[i:j]), "".join(new[k:m])))
    return tuple(_joined(parts))


def words(text: str) -> list[str]:
    """The words of `text`, without spaces and punctuation."""
    return [token for token in _TOKEN.findall(text) if token[0].isalnum() or token[0] == "_"]


def _words(before: str, after: str) -> Iterator[Part]:
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if not old or not new or max(len(old), len(new)) > _LONGEST_BLOCK:
        yield from (Part(Change.REMOVED, before), Part(Change.ADDED, after))
        return
    removed = added = ""
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        island = old[i:j]
        if tag == "equal" and (not (removed or added) or _is_worth_showing(island)):
            yield from (Part(Change.REMOVED, removed), Part(Change.ADDED, added), Part(Change.EQUAL, "".join(island)))
            removed = added = ""
        else:
            removed += "".join(island)
            added += "".join(new[k:m])
    yield from (Part(Change.REMOVED, removed), Part(Change.ADDED, added))


def _is_worth_showing(island: Sequence[str]) -> bool:
    return sum(token[0].isalnum() for token in island) >= _SHORTEST_ISLAND or any("\n" in token for token in island)


def _joined(parts: list[Part]) -> Iterator[Part]:
    """Neighbours of one kind as one; what went stands before what came."""
    full = [part for part in parts if part.text]
    for is_equal, run in groupby(full, key=lambda part: part.change is Change.EQUAL):
        group = list(run)
        if is_equal:
            yield Part(Change.EQUAL, "".join(part.text for part in group))
            continue
        for change in (Change.REMOVED, Change.ADDED):
            text = "".join(part.text for part in group if part.change is change)
            if text:
                yield Part(change, text)
