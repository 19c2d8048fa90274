"""Markdown that others wrote, as HTML that can do no harm: no raw HTML, no images, few link schemes."""

import re

from markdown_it import MarkdownIt
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin

# With an authority or with none: a path on the dashboard, a fragment, or one of three schemes.
_SAFE_LINK = re.compile(r"(?:https?://|mailto:|/(?![/\\])|#|[A-Za-z0-9._~-]+(?:[/?#]|$))", re.IGNORECASE)


def _is_safe(url: str) -> bool:
    return bool(_SAFE_LINK.match(url.strip())) and not re.search(r"[\x00-\x20]", url)


def _make() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"]).disable("image").use(footnote_plugin, inline=False, move_to_end=True)
    parser.validateLink = _is_safe  # type: ignore[method-assign]
    return parser


_PARSER = _make()


def to_html(markdown: str) -> Markup:
    """`markdown` rendered; whatever it holds, the result has only the elements that Markdown has."""
    return Markup(_PARSER.render(markdown))  # noqa: S704 - the parser escapes all text and makes no HTML of its input
