"""What a person writes comes back byte for byte, and what we render reads back as what it was."""

from datetime import date

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.drafting.markdown import document as markdown
from services.drafting.markdown.document import HEADINGS, SectionKind, parse, replace_section
from services.drafting.markdown.tables import ItemRow, action_items, render_items, table_row, timeline
from services.drafting.review import merging as revisions_merge
from services.drafting.review import revisions
from shared.errors import InvalidArgument
from tests.services.drafting.review_factory import TEXT

ANY = st.text(st.characters(exclude_categories=["Cs"]))
PIECES = st.sampled_from(
    [
        "## Summary\n",
        "## Timeline\n",
        "### deeper\n",
        "# one\n",
        "Summary\n-------\n",
        "```\n## Impact\n",
        "```python\nx = 1\n```\n",
        "~~~\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "> **Question Q1:** why?\n> more\n",
        "[^E1]: evidence\n",
        "<!-- ## Lessons learned -->\n",
        "<div>\n",
        "- item\n\n    ## Action items\n",
        "\t\n",
        "\r\n",
        "\r",
        "\N{LINE SEPARATOR}",
        "\x0b\x0c\x85",
        "\0",
        "e\N{COMBINING ACUTE ACCENT} \N{RIGHT-TO-LEFT OVERRIDE}\N{PILE OF POO}",
    ]
)
DOCUMENTS = st.lists(PIECES | ANY, max_size=12).map("".join)
WORD = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
CELLS = st.lists(WORD, min_size=1, max_size=5).map(" ".join)


@given(DOCUMENTS)
def test_parts_are_slices_that_give_the_text_again(text: str) -> None:
    document = parse(text)

    ends = [0, *(section.end for section in document.sections)]
    assert [section.start for section in document.sections] == ends[:-1]
    assert "".join(text[section.start : section.end] for section in document.sections) + text[ends[-1] :] == text
    for section in document.sections:
        assert text[section.body_start : section.body_end] == section.body


@given(DOCUMENTS, st.sampled_from(list(HEADINGS)))
def test_replaced_part_comes_back_as_it_was_written_and_others_stay(body: str, kind: SectionKind) -> None:
    try:
        after = replace_section(TEXT, kind, body)
    except InvalidArgument:
        return  # it would have changed another part; nothing was stored

    read = parse(after)
    section = read.section(kind)
    assert section is not None and section.body == body
    before = parse(TEXT)
    for other in before.sections:
        if other.kind is not kind:
            kept = read.section(other.kind)
            assert kept is not None and (kept.heading, kept.body) == (other.heading, other.body)
    assert read.definitions == before.definitions


@given(st.lists(CELLS, min_size=1, max_size=6))
def test_prose_in_a_part_is_always_taken(lines: list[str]) -> None:
    body = "\n".join(f"So it was: {line}" for line in lines)
    assume("```" not in body and "~~~" not in body and "<" not in body)

    section = parse(replace_section(TEXT, SectionKind.LESSONS, body)).section(SectionKind.LESSONS)

    assert section is not None and section.body == body


ROWS = st.lists(
    st.builds(
        ItemRow,
        title=WORD.map(lambda word: f"Do {word}"),
        owner=st.sampled_from(["", "checkout-team", "@acme/db", "Ada L."]),
        due=st.none() | st.dates(date(2000, 1, 1), date(2100, 1, 1)),
        priority=st.integers(0, 3),
        category=st.sampled_from(["", "capacity", "third-party"]),
        reason=st.sampled_from(["", "it was not written down", "a | b"]),
        evidence=st.sampled_from([(), ("E1",), ("E2", "E3")]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row.title,
)


@given(ROWS)
def test_rendered_action_items_read_back_as_they_were(rows: list[ItemRow]) -> None:
    plain = [row for row in rows if not set("\\`|*_[]<>&^!~") & set(row.title)]
    assume(plain)

    read = action_items(parse(f"# T\n\n## Action items\n\n{render_items(tuple(plain))}"))

    assert [_said(row) for row in read] == [_said(row) for row in plain]


def _said(row: ItemRow) -> tuple[object, ...]:
    return row.title, row.owner, row.due, row.priority, row.category, row.reason, row.evidence


@given(st.lists(st.tuples(st.sampled_from(["03:35", "04:02:11"]), CELLS), min_size=1, max_size=8))
def test_rendered_timeline_has_a_row_for_each_event(events: list[tuple[str, str]]) -> None:
    rows = "\n".join(table_row((at, event)) for at, event in events)

    read = timeline(parse(f"# T\n\n## Timeline\n\n| Time | Event |\n|---|---|\n{rows}\n"))

    assert [row.at for row in read] == [at for at, _ in events]


def test_cells_that_hold_the_tables_own_signs_stay_one_cell() -> None:
    row = table_row(("a | b", "new\nline", "x"))

    assert row == "| a \\| b | new line | x |"


@given(DOCUMENTS, DOCUMENTS)
def test_difference_is_the_old_text_and_the_new_one(before: str, after: str) -> None:
    parts = revisions.difference(before, after)

    kept_or = {
        change: "".join(part.text for part in parts if part.change in (revisions.Change.EQUAL, change))
        for change in (revisions.Change.REMOVED, revisions.Change.ADDED)
    }
    assert kept_or == {revisions.Change.REMOVED: before, revisions.Change.ADDED: after}


def test_difference_shows_words_and_not_letters() -> None:
    parts = revisions.difference("It failed for 23 minutes.\n", "It failed for 25 minutes.\n")

    assert [(part.change.name, part.text) for part in parts] == [
        ("EQUAL", "It failed for "),
        ("REMOVED", "23"),
        ("ADDED", "25"),
        ("EQUAL", " minutes.\n"),
    ]


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_merge_keeps_every_line_that_somebody_wrote(base: str, ours: str, theirs: str) -> None:
    merged = revisions_merge.merge(base, ours, theirs, who="bob", first_question=1)

    before = set(base.splitlines())
    for line in {*ours.splitlines()} - before:
        assert line in merged.text
    for line in {*theirs.splitlines()} - before:
        assert line.rstrip() in merged.text


@given(DOCUMENTS, DOCUMENTS)
def test_merge_of_one_sides_changes_is_that_side(base: str, changed: str) -> None:
    for ours, theirs in ((base, changed), (changed, base)):
        assert revisions_merge.merge(base, ours, theirs, who="bob", first_question=1).text == changed


@pytest.mark.parametrize("heading", ["Summary", "SUMMARY:", "Executive summary"])
def test_other_house_styles_name_the_same_part(heading: str) -> None:
    section = parse(f"# T\n\n## {heading}\n\nIt failed.\n").section(markdown.SectionKind.SUMMARY)

    assert section is not None and section.body == "It failed."
