# icalendar types a component as a union of everything.
# mypy: disable-error-code="operator, union-attr"
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import icalendar as ics

from services.drafting.action_items import State
from services.drafting.insights.facts import Facts, RunbookFacts
from services.drafting.insights.monthly_review import bounds, icalendar, markdown
from tests.services.drafting.insights.test_measures import incident, item, postmortem

NOW = datetime(2026, 8, 3, 9, 0, tzinfo=UTC)


def section(text: str, heading: str) -> str:
    return text.split(f"## {heading}\n")[1].split("\n## ")[0]


def test_incidents_without_a_post_mortem_come_first() -> None:
    text = markdown("2026-07", Facts((incident(), incident("incidents/b", severity=2)), (postmortem(),)), [], NOW)

    rows = [line for line in section(text, "Incidents").splitlines() if line.startswith("| 2026")]
    assert "incidents/b" in rows[0] and "**none**" in rows[0]
    assert "incidents/a" in rows[1] and "published" in rows[1] and "23 min" in rows[1]
    assert "1 of 2 P1 and P2 have a published post-mortem" in text


def test_action_items_are_late_open_and_done() -> None:
    items = (
        item(),
        item("actionItems/b", due=date(2026, 9, 1)),
        item("actionItems/c", state=State.DONE, done_at=datetime(2026, 7, 9, tzinfo=UTC)),
        item("actionItems/old", state=State.DONE, done_at=datetime(2026, 6, 9, tzinfo=UTC)),
    )

    text = section(markdown("2026-07", Facts((incident(),), (postmortem(),), items), [], NOW), "Action items")

    assert "1 done in this month, 2 open, 1 of them late." in text
    assert text.index("actionItems/a") < text.index("actionItems/b") < text.index("actionItems/c")
    assert "28 days" in text and "actionItems/old" not in text


def test_repeats_say_what_was_not_done() -> None:
    later = incident("incidents/later", after=timedelta(days=20))
    facts = Facts((incident(), later), (postmortem(), postmortem("postmortems/l", of=later)), (item(),))

    text = section(markdown("2026-07", facts, [], NOW), "Repeats")

    assert "incidents/later" in text and "Not done by then: assert the query count" in text


def test_factors_are_compared_with_the_months_before() -> None:
    may = incident("incidents/may", after=timedelta(days=-60))
    others = [incident(f"incidents/{n}", after=timedelta(hours=n)) for n in range(3)]
    facts = Facts(
        (may, *others),
        (
            postmortem("postmortems/may", of=may),
            *(postmortem(f"postmortems/{each.name[-1]}", of=each) for each in others),
        ),
    )

    text = section(markdown("2026-07", facts, [], NOW), "Factors")

    assert "| capacity | 3 | 0.3 | up |" in text


def test_without_earlier_months_no_factor_goes_up() -> None:
    text = section(markdown("2026-07", Facts((incident(),), (postmortem(),)), [], NOW), "Factors")

    assert "| capacity | 1 |" in text and "no direction is told" in text
    assert "up |" not in text and "0.0" not in text


def test_runbooks_are_used_and_stale_and_their_absence_is_said() -> None:
    runbooks = [
        RunbookFacts("runbooks/a", "Pool", 4, datetime(2026, 7, 9, tzinfo=UTC)),
        RunbookFacts("runbooks/b", "Disk", 0, None),
        RunbookFacts("runbooks/c", "Cert", 1, datetime(2025, 7, 9, tzinfo=UTC)),
    ]

    text = section(markdown("2026-07", Facts(), runbooks, NOW), "Runbooks")

    assert "3 runbooks, 1 verified in this month, 2 stale." in text
    assert "verified: Pool (`runbooks/a`), used 4 times in all" in text
    assert "never verified" in text and "last verified 2025-07-09" in text
    assert "memory could not be asked" in section(markdown("2026-07", Facts(), None, NOW), "Runbooks")


def test_month_without_incidents_says_so() -> None:
    text = markdown("2026-07", Facts(), [], NOW)

    assert "None began in this month." in text and "0 incidents, 0 of them P1 or P2" in text


def test_titles_cannot_break_the_tables() -> None:
    hostile = replace(incident(), title="a | b\n[x](javascript:alert(1)) <script> `code`")

    text = markdown("2026-07", Facts((hostile,)), [], NOW)

    [row] = [line for line in text.splitlines() if line.startswith("| 2026")]
    assert row.replace("\\|", "").count("|") == 7
    assert "\\[x\\](javascript" in row and "\\<script\\>" in row


def test_meeting_is_the_first_tuesday_after_the_month_and_the_same_event_again() -> None:
    text = "# Review\n\nline with ü, commas; and a very long tail " + "x" * 200

    first, again = icalendar("2026-07", text, NOW), icalendar("2026-07", text, NOW + timedelta(days=1))

    [event] = list(ics.Calendar.from_ical(first).walk("VEVENT"))
    assert event["dtstart"].dt == datetime(2026, 8, 4, 14, 0, tzinfo=UTC)
    assert event["dtend"].dt - event["dtstart"].dt == timedelta(minutes=45)
    assert str(event["description"]) == text
    [later] = list(ics.Calendar.from_ical(again).walk("VEVENT"))
    assert event["uid"] == later["uid"]
    assert all(len(line.encode()) <= 75 for line in first.split("\r\n"))


def test_bounds_go_over_the_end_of_the_year() -> None:
    assert bounds("2026-12") == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
