"""Text of others as Markdown that shows just that."""

import pytest

from shared.markdown import to_html
from shared.plain_text import code, markdown

HOSTILE = (
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "see https://evil.example or www.evil.example",
    "[click](https://evil.example) ![x](https://evil.example/x.png)",
    "# heading",
    "- item",
    "1. item",
    "> quote `code` *bold* _em_ ~~gone~~",
    "a | b",
    "[^E1]: note",
    "“`` ` <b>”",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_becomes_markup(text: str) -> None:
    html = to_html(markdown(text))

    assert html.startswith("<p>") and html.count("<p>") == 1
    assert not any(tag in html for tag in ("<a", "<script", "<img", "<h1", "<li", "<em", "<strong", "<table", "<b>"))


def test_quoted_words_are_code_and_ticks_in_them_do_not_end_it() -> None:
    assert markdown("it logged “a `b` c” twice") == "it logged ``a `b` c`` twice"
    assert code("`x`") == "`` `x` ``" and code("  ") == ""


def test_handle_calls_nobody() -> None:
    assert "@here" not in markdown("tell @here")
