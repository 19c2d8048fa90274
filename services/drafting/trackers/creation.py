"""What is to be done next about an action item's issue, decided from what is written down about it.

    wanted ──try (written down before the call)──► made
                │                        ▲
                └─ no answer: in doubt ──┴─ found by its marker, or, once every lag is over, tried again

A creation whose answer was lost may have come about, may come about later, or never. Until the tracker's listing has
had longer than its lag to show it, nothing is tried again. What then appears all the same is closed by the
reconciliation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.drafting import action_items
from services.drafting.trackers.issue import Issue, State

_FIRST_DELAY, _LONGEST_DELAY = timedelta(seconds=5), timedelta(minutes=30)
# Nothing that was made so long before our first try can be ours: somebody copied the text.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Creation:
    """What is written down about one item's issue. tried_at: when the last try that may have come about began."""

    item: str
    marker: str
    tries: int
    next_at: datetime
    first_tried_at: datetime | None = None
    tried_at: datetime | None = None
    id: str = ""
    url: str = ""
    there: State = State.UNKNOWN

    @property
    def is_in_doubt(self) -> bool:
        """Whether a try may have come about whose answer nobody has."""
        return self.tried_at is not None and not self.id

def delay(tries: int) -> timedelta:
    """How long to wait after so many tries that certainly failed: doubling, at most half an hour."""
    return min(_FIRST_DELAY * float(2 ** min(tries, 20)), _LONGEST_DELAY)


@dataclass(frozen=True, slots=True)
class Sync:
    """What a change over there means. here: the item's new state, or None. push: whether our state goes there."""

    here: action_items.State | None = None
    push: bool = False


_HERE = {
    State.OPEN: action_items.State.OPEN,
    State.DONE: action_items.State.DONE,
    State.DROPPED: action_items.State.DROPPED,
}


def sync(here: action_items.State, known: State, there: State) -> Sync:
    """known: what we last knew of `there`. Who changed last is followed; where both did, the tracker: people work
    there."""
    mine = _HERE.get(there)
    if mine is None or here is mine or here is action_items.State.SUGGESTED:
        return Sync()
    if there is not known:
        return Sync(here=mine)
    return Sync(push=True)


def matched(
    issues: Iterable[Issue], creations: Iterable[Creation]
) -> list[tuple[Creation, Issue | None, list[Issue]]]:
    """Per item: its issue, None where only others with its marker are here, and the open ones that are there twice.

    The one that is written down stays, else the oldest. What was made before the first try is not ours to close.
    """
    ours = {creation.marker: creation for creation in creations}
    by_marker: dict[str, list[Issue]] = {}
    for issue in issues:
        creation = ours.get(issue.marker)
        if creation is not None and _may_be_ours(issue, creation):
            by_marker.setdefault(issue.marker, []).append(issue)
    found = []
    for marker, same in by_marker.items():
        stays = ours[marker].id or min(same, key=_age).id
        twice = [issue for issue in same if issue.id != stays and issue.state is State.OPEN]
        found.append((ours[marker], next((issue for issue in same if issue.id == stays), None), twice))
    return found


def _may_be_ours(issue: Issue, creation: Creation) -> bool:
    if issue.id == creation.id:
        return True
    if creation.first_tried_at is None:
        return False
    return issue.created_at is None or issue.created_at >= creation.first_tried_at - _SKEW


def _age(issue: Issue) -> tuple[float, int, str]:
    at = issue.created_at.timestamp() if issue.created_at else 0.0
    return at, len(issue.id), issue.id
