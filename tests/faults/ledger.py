"""What a client knows of what it sent, and what the promises say must be found of it.

A validator is named after the promise that it holds the log to, and returns what breaks it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(slots=True)
class Ledger:
    """Items are numbers, each sent in one request alone. acknowledged: those whose request was answered."""

    sent: set[int] = field(default_factory=set)
    acknowledged: set[int] = field(default_factory=set)


def acknowledged_is_durable(ledger: Ledger, found: Iterable[int]) -> set[int]:
    """What was acknowledged and is not there."""
    return ledger.acknowledged - set(found)


def stored_once(found: Iterable[int]) -> set[int]:
    """What is there more than once, although the same request again is stored once."""
    return {item for item, times in Counter(found).items() if times > 1}


def nothing_is_made_up(ledger: Ledger, found: Iterable[int]) -> set[int]:
    """What is there and was never sent."""
    return set(found) - ledger.sent


def order_is_kept(positions: Iterable[int]) -> list[tuple[int, int]]:
    """Neighbours of which the later one does not stand higher in the log."""
    return [(before, after) for before, after in pairwise(positions) if after <= before]
