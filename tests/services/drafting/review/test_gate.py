"""What stands between a draft and its publication."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.drafting.markdown.document import SectionKind, parse
from services.drafting.review.gate import is_empty, what_is_missing
from services.drafting.review.life import Comment, Finding, Postmortem, State, Waiver
from tests.services.drafting.review_factory import TEXT

AT = datetime(2026, 7, 6, tzinfo=UTC)
FINDING = Finding("F1", "person-as-failure", "Ada forgot", "a person is blamed", "say what allowed it", 9, 1,
                  SectionKind.LESSONS)  # fmt: skip


def postmortem(text: str = TEXT, *, comments: tuple[Comment, ...] = (), waivers: tuple[Waiver, ...] = ()) -> Postmortem:
    return Postmortem(
        "postmortems/x", "incidents/x", "live", State.DRAFT, 1, "Checkout fails", text, 1, 1, ("checkout-api",), (), AT,
        AT, comments=comments, waivers=waivers,
    )  # fmt: skip


def subjects(value: Postmortem, *findings: Finding) -> list[str]:
    return [violation.subject for violation in what_is_missing(value, findings)]


def test_whole_one_has_nothing_in_its_way() -> None:
    assert subjects(postmortem()) == []


def test_waived_finding_stands_no_more() -> None:
    assert subjects(postmortem(), FINDING) == ["findings/F1"]
    assert subjects(postmortem(waivers=(Waiver("F1", "it is a quotation", "ada"),)), FINDING) == []


def test_comment_that_asks_waits_for_an_answer_and_one_that_says_does_not() -> None:
    asks = Comment("C1", None, "bob", "Is 340 right? ", AT)
    says = Comment("C2", None, "bob", "340 is right.", AT)

    assert subjects(postmortem(comments=(asks, says))) == ["comments/C1"]


@pytest.mark.parametrize("body", ["", "TBD", "  \n\n", "_none_", "n/a", "- to be written", "<!-- later -->"])
def test_section_that_says_nothing_is_empty(body: str) -> None:
    text = TEXT.replace("Detection took 12 minutes. [^E1]", body)

    assert subjects(postmortem(text)) == ["sections/lessons"]


def test_table_without_rows_is_empty_and_one_with_a_row_is_not() -> None:
    head = "# T\n\n## Timeline\n\n| Time | Event |\n|---|---|\n"

    assert is_empty(parse(head), SectionKind.TIMELINE)
    assert is_empty(parse(f"{head}| | |\n"), SectionKind.TIMELINE)
    assert not is_empty(parse(f"{head}| 03:35 | deployed |\n"), SectionKind.TIMELINE)


def test_everything_is_said_at_once() -> None:
    asks = Comment("C1", None, "bob", "so?", AT)
    found = subjects(postmortem("# \n\n> **Question Q1:** why?\n", comments=(asks,)), FINDING)

    assert len([each for each in found if each.startswith("sections/")]) == len(SectionKind)
    assert {"questions/Q1", "comments/C1", "findings/F1"} <= set(found)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_is_judged(text: str) -> None:
    for violation in what_is_missing(postmortem(text), ()):
        assert violation.description
