"""Runbooks learnt, edited and proposed, as values."""

from dataclasses import replace
from datetime import UTC, datetime

from services.memory.documents import Document, Kind
from services.memory.runbooks import Lesson, adopted, begun, difference, edited, proposal, taught
from shared.markdown import to_html

LESSON = Lesson(
    postmortem="postmortems/a",
    service="checkout-api",
    category="resource_exhaustion",
    triggers=("HTTP 500 above 2 %",),
    diagnosis_steps=("Compare pool use with its limit",),
    mitigation_steps=("Roll back the last release",),
    verified_at=datetime(2026, 7, 5, 4, 10, tzinfo=UTC),
)


def test_first_lesson_makes_a_runbook_with_all_its_parts() -> None:
    runbook = taught(begun(LESSON), LESSON)

    assert runbook.title == "checkout-api: resource exhaustion"
    for part in ("## Symptoms", "HTTP 500", "## Diagnosis", "1. Compare", "## Mitigation", "1. Roll back", "tems/a"):
        assert part in runbook.markdown
    assert "2026-07-05 04:10 UTC" in runbook.markdown


def test_what_a_service_logged_becomes_no_markup_in_text_or_proposal() -> None:
    line = "Search the log for “<https://evil.example> @here <script>alert(1)</script> `x`” (3 lines then)"
    hostile = replace(
        LESSON,
        service="pay](https://evil.example)",
        triggers=("<img src=x onerror=alert(1)>",),
        diagnosis_steps=(line,),
        alert_names=("Down` <b>",),
    )

    texts = (taught(begun(hostile), hostile).markdown, proposal(edited(begun(hostile), "# Mine\n"), hostile).markdown)

    for html in map(to_html, texts):
        assert "@here &lt;script&gt;" in html
        assert not any(tag in html for tag in ("<a ", "<script", "<img", "<b>"))


def test_same_lesson_again_adds_nothing() -> None:
    once = taught(begun(LESSON), LESSON)

    assert taught(once, LESSON) == once


def test_second_lesson_adds_to_the_first() -> None:
    steps = ("roll back  the last release", "Raise the limit")
    second = replace(LESSON, postmortem="postmortems/b", mitigation_steps=steps)

    runbook = taught(taught(begun(LESSON), LESSON), second)

    assert runbook.mitigation_steps == ("Roll back the last release", "Raise the limit")
    assert runbook.postmortems == ("postmortems/a", "postmortems/b")


def test_proposal_keeps_every_line_of_a_person_and_adds_what_is_missing() -> None:
    mine = edited(begun(LESSON), "# Mine\n\n## Mitigation\n\n- Call the vendor.\n\n## Owner\n\nPayments\n")

    proposed = proposal(mine, LESSON).markdown

    assert all(line in proposed.splitlines() for line in mine.markdown.splitlines())
    assert proposed.index("Call the vendor") < proposed.index("Roll back") < proposed.index("## Owner")
    assert "+- Roll back the last release" in difference(mine.markdown, proposed)


def test_runbook_that_a_person_brought_is_that_persons() -> None:
    markdown = "# DiskFull\n\n## Diagnosis\n\n1. Look.\n2. Look again.\n\n## Mitigation\n\n- Grow the volume.\n"
    document = Document(Kind.RUNBOOK, "DiskFull", markdown, name="documents/x", services=("db",), url="https://r/x")

    runbook = adopted(document)

    assert runbook.is_edited
    assert runbook.diagnosis_steps == ("Look.", "Look again.")
    assert runbook.mitigation_steps == ("Grow the volume.",)
    assert (runbook.service, runbook.url, runbook.document) == ("db", "https://r/x", "documents/x")


def test_same_step_with_another_example_is_one_step_with_the_newer_example() -> None:
    first = replace(LESSON, diagnosis_steps=("Search the log for `pool` (12 lines then)",))
    second = replace(LESSON, postmortem="postmortems/b", diagnosis_steps=("Search the log for `pool` (90 lines then)",))

    runbook = taught(taught(begun(first), first), second)

    assert runbook.diagnosis_steps == ("Search the log for `pool` (90 lines then)",)
