"""What kind of failure a text speaks of, however its author puts it: a full disk, an expired certificate, retries.

Two teams describe one failure in different words, which a search for words cannot see and a vector of the whole text
drowns. So the ways in which operators commonly name a failure, or the part of a system that fails, are gathered here,
each under one name; `modes` counts them in a text, `shared` compares.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from services.memory.failure_phrases import PHRASES
from services.memory.identifiers import stem

Counts = NDArray[np.uint8]
"""How often each failure mode is spoken of; the last axis has one place for each of `MODES`."""

MODES: Sequence[str] = tuple(PHRASES)

SATURATION = 2.0  # how soon saying the same again stops counting; later than a word does, since there are several
HELD_BACK = 0.75  # how much a document that speaks of many failures is held back


def modes(text: str) -> Counts:
    """How often `text` speaks of each failure mode, shape (modes,)."""
    words = _words(text)
    found = [0] * len(MODES)
    for at, word in enumerate(words):
        if (begun := _PHRASES_AT.get(word)) is not None:
            said, longer = begun
            for phrase, mode in longer:
                if mode not in said and words[at : at + len(phrase)] == phrase:
                    said = (*said, mode)
            for mode in said:
                found[mode] += 1
    return np.minimum(found, 255).astype(np.uint8)


def shared(
    asked: Counts, held: Counts, rarities: NDArray[np.float32], mean_length: float
) -> NDArray[np.float32]:
    """How much of the failure modes that a query speaks of each document speaks of, by rarity: 0 to about 1.

    asked: of the query, shape (modes,). held: shape (documents, modes). Returns shape (documents,).
    """
    said = np.flatnonzero(asked)
    weight = rarities[said]
    if not len(said):
        return np.zeros(len(held), dtype=np.float32)
    counts = held[:, said].astype(np.float32)
    lengths = held.sum(axis=1, dtype=np.float32)[:, np.newaxis]
    hold_back = SATURATION * (1 - HELD_BACK + HELD_BACK * lengths / max(mean_length, 1.0))
    gained = counts * (1 + SATURATION) / (counts + hold_back)
    # A document of average length that says each once or twice gets about 1.
    found: NDArray[np.float32] = (gained @ weight / (1.5 * weight.sum())).astype(np.float32)
    return found


# Small words between (`the disk is full`) do not matter, and `KubePodOOMKilled` is four words.
_SMALL = frozenset(
    "a an the is was are were be been being has have had s t and to very almost completely".split()  # noqa: SIM905
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+(?:xx)?|%")


def _words(text: str) -> list[str]:
    return [known for word in _WORD.findall(text) if (known := _stemmed(word))]


@lru_cache(maxsize=65536)
def _stemmed(word: str) -> str:
    """Empty for a small word."""
    return "" if word.lower() in _SMALL else stem(word.lower())


_Begun = tuple[tuple[int, ...], list[tuple[list[str], int]]]
"""What a word begins: modes that it says alone, and longer phrases with theirs."""


def _by_first_word() -> dict[str, _Begun]:
    found: dict[str, _Begun] = {}
    for number, phrases in enumerate(PHRASES.values()):
        for phrase in phrases.split(";"):
            words = _words(phrase)
            said, longer = found.get(words[0], ((), []))
            if len(words) == 1:
                said = tuple(dict.fromkeys((*said, number)))
            else:
                longer.append((words, number))
            found[words[0]] = (said, longer)
    return found


_PHRASES_AT = _by_first_word()
VERSION = hashlib.sha256(repr(sorted(_PHRASES_AT.items())).encode()).hexdigest()[:16]
"""Of the list; what was counted with another is counted anew."""
