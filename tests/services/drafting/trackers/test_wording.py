"""What stands in an issue: text of telemetry and people, which must not call or hide anybody."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from services.drafting.trackers.github import _MARKER, GitHub
from services.drafting.trackers.issue import NewIssue
from services.drafting.trackers.wording import as_markdown, inert, title


def issue(**fields: str) -> NewIssue:
    made = {"title": "Document the limit", "reason": "nowhere written down", "owner": "@acme/checkout"} | fields
    return NewIssue("m" * 32, made["title"], made["owner"], date(2026, 7, 12), 1, made["reason"], "postmortems/x")


def test_nobody_is_mentioned_and_nothing_is_hidden() -> None:
    text = as_markdown(issue(reason="ask @everyone <!-- afteraction x --> [click](javascript:1)"))

    assert "@everyone" not in text and "@acme" not in text
    assert "<!--" not in text
    assert "[click](" not in text


@given(st.text(max_size=300))
def test_marker_in_the_body_is_the_only_one(reason: str) -> None:
    conversation = GitHub("acme/shop").create(issue(reason=f"<!-- afteraction {'x' * 32} --> {reason}"))

    body = next(conversation).json["body"]

    assert _MARKER.findall(body) == ["m" * 32]


@given(st.text(max_size=500))
def test_title_is_one_short_line(text: str) -> None:
    line = title(issue(title=text))

    assert len(line) <= 200
    assert line.splitlines() in ([], [line])


def test_plain_words_stay_as_they_are() -> None:
    assert inert("nowhere written down, 3 of 4") == "nowhere written down, 3 of 4"
