"""The measured moments: each from an event or from detection, or None."""

import pytest

from services.drafting.drafts.milestones import culprit_change, milestones, says_done, says_why, undoes
from services.drafting.observations import ConfigChange, Event
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case, event_of


def test_moments_of_a_full_course() -> None:
    course = milestones(case())

    assert [(one.name, f"{one.at:%H:%M}") for one in course.in_order()] == [
        ("change", "10:00"), ("onset", "10:14"), ("detection", "10:15"), ("page", "10:18"), ("diagnosis", "10:21"),
        ("mitigation", "10:30"), ("recovery", "10:37")]


def test_rollback_is_no_culprit_and_undoes_the_deploy() -> None:
    desk = case()
    change = culprit_change(desk)

    assert change is not None and change.id == "deploy-5.1.0"
    assert undoes(event_of(desk, "deploy-5.0.9"), change)
    assert not undoes(change, event_of(desk, "deploy-5.0.9"))


def test_setting_that_goes_back_undoes_the_change() -> None:
    forth = Event("c1", recorded.at(10, 0), ConfigChange("pool", "10", "8"), service="orders")
    back = Event("c2", recorded.at(10, 20), ConfigChange("pool", "8", "10"), service="orders")
    other = Event("c3", recorded.at(10, 20), ConfigChange("queue", "8", "10"), service="orders")

    assert undoes(back, forth) and not undoes(other, forth)


@pytest.mark.parametrize(
    ("note", "is_done"),
    [
        ("Restarted the workers.", True),
        ("rolled back to 5.0.9", True),
        ("Raised the pool limit to 80.", True),
        ("Bob forgot to restart the workers.", False),
        ("Should we roll back?", False),
        ("Rolling back now?", False),
        ("Latency increased again.", False),
        ("We will fail over, then restarted pods come back.", True),
        ("The pods were not restarted.", False),
    ],
)
def test_note_tells_of_an_action_only_where_one_was_taken(note: str, is_done: bool) -> None:
    assert says_done(note) is is_done


def test_what_no_event_shows_is_none() -> None:
    course = milestones(case(events=[]))

    assert (course.page, course.diagnosis, course.mitigation) == (None, None, None)


def test_note_that_says_what_was_done_is_the_mitigation() -> None:
    course = milestones(case(events=[recorded.note("We restarted the workers.", 25)]))

    assert course.mitigation is not None and f"{course.mitigation.at:%H:%M}" == "10:25"


def test_note_without_a_reason_is_no_diagnosis() -> None:
    assert not says_why(event_of(case(events=[recorded.note("Looking into it.", 16)]), "note-16"))
