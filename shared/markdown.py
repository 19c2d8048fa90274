"""Markdown that others wrote, as HTML that can do no harm: no raw HTML, no images, few link schemes.

Footnotes are the evidence of cards and post-mortems; the page shows the marks of the document itself (`E10`), so that a
reader who quotes one is understood.
"""

import re
from collections.abc import Sequence
from html import escape

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.footnote import footnote_plugin

# With an authority or with none: a path on the dashboard, a fragment, or one of three schemes.
_SAFE_LINK = re.compile(r"(?:https?://|mailto:|/(?![/\\])|#|[A-Za-z0-9._~-]+(?:[/?#]|$))", re.IGNORECASE)


def to_html(markdown: str) -> str:
    """`markdown` rendered; whatever it holds, the result has only the elements that Markdown has."""
    return str(_PARSER.render(markdown))


def to_plain(markdown: str) -> str:
    """The words of one line of `markdown`, without its marks."""
    children = _PARSER.parseInline(markdown)[0].children or ()
    return "".join(token.content if token.type in ("text", "code_inline") else " " * token.type.endswith("break")
                   for token in children)


def _is_safe(url: str) -> bool:
    return bool(_SAFE_LINK.match(url.strip())) and not re.search(r"[\x00-\x20]", url)


def _label(token: Token) -> str:
    return escape(str(token.meta.get("label") or token.meta["id"] + 1))


def _caption(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    return f"[{_label(tokens[place])}]"


def _note(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    anchor = f"fn{tokens[place].meta['id'] + 1}"
    return f'<li id="{anchor}" class="footnote-item"><span class="footnote-label">{_label(tokens[place])}</span> '


def _way_back(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    """One way back, to the first mark: a note that ten sentences cite needs no ten arrows."""
    meta = tokens[place].meta
    return "" if meta["subId"] else f' <a href="#fnref{meta["id"] + 1}" class="footnote-backref">↩\ufe0e</a>'


def _make() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "typographer": False})
    parser.enable(["table", "strikethrough"]).disable("image").use(footnote_plugin, inline=False, move_to_end=True)
    parser.add_render_rule("footnote_caption", _caption)
    parser.add_render_rule("footnote_open", _note)
    parser.add_render_rule("footnote_anchor", _way_back)
    parser.validateLink = _is_safe  # type: ignore[method-assign]
    return parser


_PARSER = _make()
