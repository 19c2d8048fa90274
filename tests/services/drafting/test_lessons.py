"""Where the time went, by what it was spent on; and what data says could have been seen sooner."""

from services.drafting.lessons import lessons, unknown_moments
from services.drafting.milestones import milestones
from services.drafting.observations import Severity
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case


def test_times_are_grouped_by_what_they_were_spent_on() -> None:
    desk = case()

    said = [one.text for one in lessons(desk, milestones(desk))[0]]

    assert said[0].startswith("Detection took 14 minutes from the change to the onset (10:00 to 10:14)")
    assert said[1].startswith("Investigation took ") and "3 minutes from the page to the recognised cause" in said[1]
    assert said[2] == ("Resolution took 9 minutes from the recognised cause to the mitigation (10:21 to 10:30) and "
                       "7 minutes from the mitigation to recovery (10:30 to 10:37).")
    assert said[3].startswith("In all 37 minutes passed from the change to recovery; the longest step, 14 minutes,")


def test_minor_incident_is_told_the_sum_alone() -> None:
    desk = case(severity=Severity.P4)

    assert len(lessons(desk, milestones(desk))[0]) == 1


def test_longest_step_asks_about_itself() -> None:
    desk = case()

    assert lessons(desk, milestones(desk))[1] == ("Which check right after the change could have shown it?",)


def test_moments_that_no_data_shows_are_asked() -> None:
    desk = case(events=[recorded.page()])

    assert unknown_moments(milestones(desk)) == (
        "No data says when the cause was recognised and what was done to end it, and when. Who knows?",)
