"""What others wrote becomes HTML that can do no harm, with the document's own marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.markdown import to_html, to_plain


@pytest.mark.parametrize(
    "markdown",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,1)",
        "[x](vbscript:x)",
        "<javascript:alert(1)>",
        "[x](//evil.example)",
        "[x]( javascript:alert(1))",
        "[x](java\nscript:alert(1))",
        "[a]: javascript:alert(1)\n\n[a]",
        "[x](&#106;avascript:alert(1))",
    ],
)
def test_links_of_other_schemes_are_not_made(markdown: str) -> None:
    rendered = to_html(markdown).lower()

    assert 'href="javascript' not in rendered and 'href="data' not in rendered and 'href="//' not in rendered
    assert 'href="vbscript' not in rendered


@given(st.text(alphabet=st.sampled_from("<>&\"'=/ \nabscript:[]()!`*_~|#-onerror"), max_size=200))
def test_markdown_never_becomes_an_element_of_its_author(text: str) -> None:
    rendered = to_html(text).lower()

    assert "<script" not in rendered and "<img" not in rendered and "<iframe" not in rendered


def test_footnotes_keep_the_marks_of_the_document_and_one_way_back() -> None:
    rendered = to_html("One. [^E10] Two. [^E2][^E10]\n\n[^E10]: ten\n[^E2]: two\n")

    assert rendered.count(">[E10]</a>") == 2
    assert '<span class="footnote-label">E2</span>' in rendered
    assert rendered.count("footnote-backref") == 2


def test_mark_of_a_footnote_is_escaped() -> None:
    rendered = to_html("x [^<b>]\n\n[^<b>]: y\n")

    assert "<b>" not in rendered


def test_line_without_its_marks() -> None:
    assert to_plain(r"Say in the *CI* how many `find \*` calls \(at most\) one makes") == \
        r"Say in the CI how many find \* calls (at most) one makes"
