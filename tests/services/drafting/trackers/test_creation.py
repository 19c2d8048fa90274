"""Decisions about an item's issue, from what is written down and what the tracker shows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.drafting import action_items
from services.drafting.trackers.creation import Creation, Sync, delay, matched, sync
from services.drafting.trackers.issue import Issue, State

NOW = datetime(2026, 7, 5, 3, 0, tzinfo=UTC)
HERE = action_items.State
TRIED = Creation("actionItems/a", "marker", 2, NOW, first_tried_at=NOW, tried_at=NOW)


def issue(identifier: str, *, minutes: int = 1, state: State = State.OPEN) -> Issue:
    return Issue(identifier, f"https://t/{identifier}", "marker", state, NOW + timedelta(minutes=minutes))


def test_oldest_stays_where_nothing_is_written_down() -> None:
    [(_, stays, twice)] = matched([issue("9", minutes=3), issue("8", minutes=1)], [TRIED])

    assert stays is not None and stays.id == "8"
    assert [each.id for each in twice] == ["9"]


def test_one_that_is_written_down_stays_although_another_is_older() -> None:
    known = replace(TRIED, id="9")

    [(_, stays, twice)] = matched([issue("9", minutes=3), issue("8", minutes=1)], [known])

    assert stays is not None and stays.id == "9"
    assert [each.id for each in twice] == ["8"]


def test_late_one_alone_is_twice_when_another_is_written_down() -> None:
    [(_, stays, twice)] = matched([issue("9")], [replace(TRIED, id="7")])

    assert stays is None
    assert [each.id for each in twice] == ["9"]


def test_what_was_made_before_the_first_try_is_not_ours() -> None:
    assert matched([issue("1", minutes=-60)], [TRIED]) == []
    assert matched([issue("1")], [replace(TRIED, first_tried_at=None)]) == []


def test_closed_one_is_not_closed_again() -> None:
    [(_, _, twice)] = matched([issue("8"), issue("9", minutes=2, state=State.DONE)], [TRIED])

    assert twice == []


@pytest.mark.parametrize(
    ("here", "known", "there", "expected"),
    [
        (HERE.OPEN, State.OPEN, State.OPEN, Sync()),
        (HERE.OPEN, State.OPEN, State.DONE, Sync(here=HERE.DONE)),
        (HERE.OPEN, State.OPEN, State.DROPPED, Sync(here=HERE.DROPPED)),
        (HERE.DONE, State.DONE, State.OPEN, Sync(here=HERE.OPEN)),
        (HERE.DONE, State.OPEN, State.OPEN, Sync(push=True)),
        # Both changed: people work in the tracker.
        (HERE.DROPPED, State.OPEN, State.DONE, Sync(here=HERE.DONE)),
        (HERE.OPEN, State.OPEN, State.UNKNOWN, Sync()),
    ],
)
def test_who_changed_last_is_followed(here: action_items.State, known: State, there: State, expected: Sync) -> None:
    assert sync(here, known, there) == expected


def test_waits_grow_to_half_an_hour() -> None:
    assert [delay(tries).total_seconds() for tries in (0, 1, 2)] == [5, 10, 20]
    assert delay(1000) == timedelta(minutes=30)
