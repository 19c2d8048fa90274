"""Where the time went, by what it was spent on; and what data says could have been seen sooner."""

from services.drafting.drafts.lessons import lessons, unknown_moments
from services.drafting.drafts.milestones import milestones
from services.drafting.observations import Severity
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case


def test_times_are_grouped_by_what_they_were_spent_on() -> None:
    desk = case()

    said = [one.text for one in lessons(desk, milestones(desk))[0]]

    assert said[0].startswith("Detection: 14 minutes from the change (10:00) to the onset (10:14)")
    assert said[1].startswith("Investigation: ")
    assert "3 minutes from the page (10:18) to the recognised cause (10:21)" in said[1]
    assert said[2] == ("Resolution: 9 minutes from the recognised cause (10:21) to the mitigation (10:30) and "
                       "7 minutes from the mitigation (10:30) to recovery (10:37).")
    assert said[3] == ("It took 37 minutes from the change to recovery; the longest step, 14 minutes, was from the "
                       "change to the onset.")


def test_what_could_have_been_told_sooner_is_measured() -> None:
    desk = case()

    said = [one.text for one in lessons(desk, milestones(desk))[0]]

    assert ("To find the cause sooner: the log of orders named the limit at 10:14, 7 minutes before the cause was "
            "recognised.") in said
    assert ("To end it sooner: of the 16 minutes from the recognised cause to recovery, 9 minutes passed before the "
            "mitigation began.") in said


def test_minor_incident_is_told_the_sum_alone() -> None:
    desk = case(severity=Severity.P4)

    assert len(lessons(desk, milestones(desk))[0]) == 1


def test_longest_step_asks_about_itself() -> None:
    desk = case()

    assert lessons(desk, milestones(desk))[1] == ("Which check right after the change could have shown it?",)


def test_moments_that_no_data_shows_are_asked() -> None:
    desk = case(events=[recorded.page()])

    assert unknown_moments(milestones(desk)) == (
        "Not recorded: when the cause was recognised and what ended it. What is known of that?",)
