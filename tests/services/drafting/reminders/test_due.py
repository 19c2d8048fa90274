from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from services.drafting.action_items import State
from services.drafting.insights.facts import Facts
from services.drafting.reminders.due import Kind, due, working_days
from tests.services.drafting.insights.test_measures import incident, item, postmortem

# A Sunday.
ONSET = datetime(2026, 7, 5, 3, 47, tzinfo=UTC)


def at(day: int, month: int = 7) -> datetime:
    return datetime(2026, month, day, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (8, None),
        (9, "is due in 3 days"),
        (10, "is due in 2 days"),
        (11, "is due tomorrow"),
        (12, "is due today"),
        (13, "overdue since yesterday"),
        (18, "overdue for 6 days"),
        (20, "overdue for 8 days"),
    ],
)
def test_item_is_told_before_and_after_its_due_date(day: int, text: str | None) -> None:
    found = due(Facts(items=(item(due=date(2026, 7, 12)),)), at(day))

    assert (text in found[0].text) if text else found == ()


def test_occasion_is_told_once_and_the_next_one_again() -> None:
    facts = Facts(items=(item(due=date(2026, 7, 12)),))
    ids = [due(facts, at(day))[0].id for day in range(9, 31)]

    # Three days before, on the day, the first week after it, the second, the third.
    assert len(dict.fromkeys(ids)) == 5
    assert ids[0] == ids[1] == ids[2] != ids[3]


def test_moved_due_date_is_another_occasion() -> None:
    before = due(Facts(items=(item(due=date(2026, 7, 12)),)), at(12))
    after = due(Facts(items=(item(due=date(2026, 7, 14)),)), at(14))

    assert before[0].id != after[0].id


@pytest.mark.parametrize("state", [State.SUGGESTED, State.DONE, State.DROPPED])
def test_item_that_nobody_has_to_do_is_not_told(state: State) -> None:
    assert due(Facts(items=(item(state=state),)), at(20)) == ()


def test_significant_incident_is_nudged_after_five_working_days() -> None:
    facts = Facts((incident(),))

    assert due(facts, at(9)) == ()
    [nudge] = due(facts, at(10))
    assert nudge.kind is Kind.POSTMORTEM and nudge.subject == "incidents/a"
    assert "5 working days ago" in nudge.text and "not even a draft" in nudge.text
    assert due(facts, at(11))[0].id == nudge.id
    assert due(facts, at(17))[0].id != nudge.id


def test_draft_alone_does_not_stop_the_nudges_and_publication_does() -> None:
    drafted = Facts((incident(),), (postmortem(published=False),))

    assert due(drafted, at(10))[0].subject == "postmortems/a"
    assert due(Facts((incident(),), (postmortem(),)), at(10)) == ()


def test_minor_and_lasting_incidents_are_not_nudged() -> None:
    assert due(Facts((incident(severity=3), incident("incidents/b", lasted=None))), at(20)) == ()


def test_working_days_leave_weekends_out() -> None:
    friday, monday = date(2026, 7, 3), date(2026, 7, 6)

    assert working_days(friday, monday) == 1
    assert working_days(friday, friday) == 0
    assert working_days(monday, friday) == 0
    assert working_days(friday, friday + timedelta(days=70)) == 50


def test_reminders_name_the_owner() -> None:
    assert due(Facts(items=(replace(item(), owner="ines"),)), at(12))[0].owner == "ines"


def test_incident_that_came_again_says_what_was_still_open() -> None:
    later = incident("incidents/later", after=timedelta(days=10))
    again = postmortem("postmortems/later", of=later, published=False)
    facts = Facts((incident(), later), (postmortem(), again), (item(),))

    [told] = [each for each in due(facts, at(16)) if each.kind is Kind.RECURRENCE]

    assert told.subject == "incidents/later"
    assert "postmortems/a" in told.text and item().title in told.text


def test_incident_that_came_again_after_everything_was_done_is_no_reminder() -> None:
    later = incident("incidents/later", after=timedelta(days=10))
    again = postmortem("postmortems/later", of=later, published=False)
    done = item(state=State.DONE, done_at=ONSET + timedelta(days=1))

    found = due(Facts((incident(), later), (postmortem(), again), (done,)), at(16))

    assert not [each for each in found if each.kind is Kind.RECURRENCE]
