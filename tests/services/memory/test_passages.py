"""Documents cut into passages."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.memory.documents import Document, Kind, Role
from services.memory.passages import MOST_PASSAGES, cut, plain


def count(texts: Sequence[str]) -> list[int]:
    """A word piece for every four characters of a word, about as the model's tokenizer has it."""
    return [sum(-(-len(word) // 4) for word in text.split()) for text in texts]


def roles(markdown: str, **facts: object) -> list[tuple[Role, str]]:
    document = Document(Kind.POSTMORTEM, "Title", markdown, **facts)  # type: ignore[arg-type]
    return [(each.role, each.text) for each in cut(document, count, most_pieces=254)]


def test_document_is_cut_by_its_headings_with_a_role_each() -> None:
    markdown = "# Title\n\nIt broke.\n\n## Root cause\n\nA bug.\n\n## Action items\n\n- Fix it.\n"

    assert roles(markdown) == [
        (Role.SUMMARY, "It broke."),
        (Role.ROOT_CAUSE, "A bug."),
        (Role.ACTION, "- Fix it."),
    ]


def test_timeline_of_many_headings_is_one_passage() -> None:
    markdown = "## Timeline\n\n### 10:00\n\nAlert.\n\n### 10:05\n\nRollback.\n"

    assert roles(markdown) == [(Role.TIMELINE, "10:00: Alert.\n\n10:05: Rollback.")]


def test_bold_labels_on_bullets_are_headings() -> None:
    markdown = "- **Impact**:\n  - Nobody could log in.\n\n- **Resolution**:\n  Renewed.\n"

    assert [role for role, _ in roles(markdown)] == [Role.IMPACT, Role.MITIGATION]


def test_alert_names_and_log_patterns_are_symptoms() -> None:
    found = roles("## Summary\n\nX.\n", alert_names=("PoolExhausted",), log_patterns=("no connection for <*> ms",))

    assert found[0] == (Role.SYMPTOMS, "Title\nPoolExhausted\nno connection for <*> ms")


def test_heading_in_a_code_fence_is_text() -> None:
    markdown = "## Diagnosis\n\n```\n# Root cause of everything\n```\n"

    assert [role for role, _ in roles(markdown)] == [Role.STEPS]


def test_links_and_table_rules_are_not_read_aloud() -> None:
    table = "| Time | Event |\n|:-----|-------|\n| 10:00 | Down |\n"
    markdown = f"## Summary\n\nSee [the graph](https://grafana.example/d/1).\n\n{table}"

    assert "http" not in roles(markdown)[0][1]
    assert "---" not in roles(markdown)[0][1]
    assert "the graph" in roles(markdown)[0][1]


def test_document_without_text_is_found_by_its_title() -> None:
    assert roles("<!-- nothing -->") == [(Role.SUMMARY, "Title")]


@pytest.mark.parametrize("text", ["x" * 200_000, "word " * 50_000, "a. " * 60_000])
def test_megabytes_of_one_line_become_passages_that_the_model_can_read(text: str) -> None:
    passages = cut(Document(Kind.POSTMORTEM, "Title", text), count, most_pieces=254)

    assert len(passages) <= MOST_PASSAGES
    assert max(count([each.text for each in passages])) <= 254


@settings(max_examples=60)
@given(st.text(max_size=3000))
def test_no_passage_is_longer_than_the_model_reads(markdown: str) -> None:
    passages = cut(Document(Kind.POSTMORTEM, "Title", markdown), count, most_pieces=64)

    assert passages
    assert [each.ordinal for each in passages] == list(range(len(passages)))
    assert all(size <= 64 for size in count([each.for_model("Title") for each in passages]))


@pytest.mark.parametrize("text", ["[" * 300_000, "](" * 300_000, "[a](" * 100_000, "<a" * 300_000, "<!--" * 100_000])
def test_a_megabyte_of_marks_that_never_end_is_read_at_once(text: str) -> None:
    assert plain(text)


def test_links_badges_and_comments_leave_what_one_would_say() -> None:
    badge = "[![CI](https://ci.example/badge.svg)](https://ci.example)"

    assert plain(f"{badge} see [the docs](docs/a.md) <!-- hidden --> now") == "CI see the docs now"
