"""Text from drafts: every house style has the eight parts and parses back, a team's own comes first, nothing becomes
markup that was not meant."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from services.drafting.drafts.sections import draft
from services.drafting.markdown.document import SectionKind, parse
from services.drafting.markdown.questions import questions
from services.drafting.markdown.tables import action_items
from services.drafting.observations import Severity
from services.drafting.rendering import STYLES, Renderer
from services.drafting.statements import quoted
from shared.errors import InvalidArgument
from shared.plain_text import code, markdown
from tests.services.drafting.drafted import case

HOSTILE = "x` [click](https://evil.example) <script>alert(1)</script> | ## Action items @ops"


@pytest.mark.parametrize("style", STYLES)
def test_every_style_has_the_eight_parts_and_parses_back(style: str) -> None:
    written = draft(case())

    text = Renderer(style).draft(written).markdown
    document = parse(text)

    assert {section.kind for section in document.sections} == set(SectionKind)
    assert len(document.sections) == len(SectionKind)
    assert {found.id for found in questions(document)} == {asked.id for asked in written.questions}
    assert len(action_items(document)) == len(written.action_items)
    defined = [name for name, _ in document.definitions]
    marked = set(re.findall(r"\[\^(E\d+)\](?!:)", Renderer(style).draft(written).markdown))
    assert set(defined) == marked and len(defined) == len(marked) < len(written.evidence)


@pytest.mark.parametrize("style", STYLES)
def test_minor_incident_has_all_parts_in_few_words(style: str) -> None:
    text = Renderer(style).draft(draft(case(severity=Severity.P4))).markdown

    body = re.sub(r"\[\^E\d+\]", "", text.split("\n[^E")[0])
    assert {section.kind for section in parse(text).sections} == set(SectionKind)
    assert len(re.findall(r"[A-Za-z]{2,}", body)) < 310


def test_hostile_log_line_stays_a_quotation() -> None:
    text = Renderer().draft(draft(case(line=HOSTILE))).markdown

    tokens = [child for token in MarkdownIt("commonmark").enable("table").parse(text) for child in token.children or ()]
    links = [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]
    assert [section.kind for section in parse(text).sections] == list(SectionKind)
    assert any("evil.example" in token.content for token in tokens if token.type == "code_inline")
    assert links and not any("evil.example" in link for link in links)
    assert not any(token.type == "html_inline" for token in tokens)


def test_teams_own_template_comes_first(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "postmortem.md.jinja").write_text(
        "# {{ draft.title | md }}\n{% for kind in kinds if kind in headings %}\n## {{ headings[kind] }}\n\n"
        "{% for statement in draft.section(kind).statements %}{{ statement | said }}\n{% endfor %}{% endfor %}")

    text = Renderer("ours", tmp_path).draft(draft(case())).markdown

    assert [section.kind for section in parse(text).sections] == list(SectionKind)


def test_unknown_style_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidArgument, match="google_sre, atlassian, incident_io"):
        Renderer("nobody's")


def test_template_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "postmortem.md.jinja").write_text("{{ draft.nothing_of_the_kind.at_all }}")

    with pytest.raises(InvalidArgument, match=r"ours/postmortem\.md\.jinja fails"):
        Renderer("ours", tmp_path).draft(draft(case()))


def test_template_reaches_nothing_but_values(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "postmortem.md.jinja").write_text("{{ draft.__class__.__mro__ }}")

    with pytest.raises(InvalidArgument):
        Renderer("ours", tmp_path).draft(draft(case()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# no heading", "\\# no heading"),
        ("a [link](https://x.example)", "a \\[link\\](https\\://x.example)"),
        ("snake_case stays", "snake_case stays"),
        ("*bold*", "\\*bold\\*"),
        ("- no item", "\\- no item"),
        (f"it said {quoted('a `b` c')}", "it said ``a `b` c``"),
    ],
)
def test_plain_words_stay_plain(text: str, shown: str) -> None:
    assert markdown(text) == shown


def test_code_span_holds_any_number_of_ticks() -> None:
    assert code("a ``` b") == "```` a ``` b ````".replace("```` a", "````a").replace("b ````", "b````")
