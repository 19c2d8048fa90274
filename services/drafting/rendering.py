"""Drafts and cards as text: Jinja in a sandbox, from the templates that ship here or from a team's own directory.

A template sees values and decides on headings and order. What came from outside cannot become markup: quoted words are
shown as code, everything else is escaped for the format that it goes to.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from html import escape
from pathlib import Path

from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from services.drafting.cards.card import Card
from services.drafting.drafts.draft import Draft
from services.drafting.evidence import Evidence
from services.drafting.markdown.document import HEADINGS, SectionKind
from services.drafting.statements import Statement
from services.drafting.wording import duration, moment, percent
from shared.errors import InvalidArgument
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE, code, markdown

UNUSABLE = "TEMPLATE_UNUSABLE"
STYLES = ("default", "google_sre", "atlassian", "incident_io")
_PART = re.compile(f"{OPEN_QUOTE}([^{CLOSE_QUOTE}]*){CLOSE_QUOTE}")
_ADDRESS = re.compile(r"https?://[A-Za-z0-9._~:/?#@!$&'*+,;=%-]+\Z|/[A-Za-z0-9._~/#?=&%-]+\Z")


class Renderer:
    """Templates, compiled once. Rendering computes: call it off the event loop."""

    def __init__(self, style: str = "default", directory: Path | None = None) -> None:
        """style: one of `STYLES`, or a folder in `directory`, whose files come before those that ship.

        Raises InvalidArgument when there is no such style or a template cannot be read.
        """
        self._style = style
        own = [FileSystemLoader(directory)] if directory else []
        loader = ChoiceLoader([*own, PackageLoader("services.drafting", "templates")])
        self._markdown = _environment(loader, is_html=False)
        self._html = _environment(loader, is_html=True)
        try:
            self._postmortem = self._markdown.get_template(f"{style}/postmortem.md.jinja")
            self._card = self._markdown.select_template([f"{style}/card.md.jinja", "default/card.md.jinja"])
            self._card_html = self._html.select_template([f"{style}/card.html.jinja", "default/card.html.jinja"])
        except TemplateError as error:
            raise InvalidArgument(
                f"style {style!r} cannot be used: {error}; there are {', '.join(STYLES)}, or a folder in "
                "template_directory",
                reason=UNUSABLE,
                field="style",
            ) from error

    def draft(self, draft: Draft) -> Draft:
        """`draft` with its Markdown. Raises InvalidArgument when the template fails on it."""
        text = _filled(self._postmortem, draft=draft, kinds=SectionKind, headings=HEADINGS)
        return replace(draft, markdown=_tidy(text))

    def card_markdown(self, card: Card) -> str:
        """The card as Markdown. Raises InvalidArgument when the template fails on it."""
        return _tidy(_filled(self._card, card=card))

    def card_html(self, card: Card) -> str:
        """The card as a fragment of HTML. Raises InvalidArgument when the template fails on it."""
        return _filled(self._card_html, card=card)


def _filled(template: Template, **values: object) -> str:
    try:
        return template.render(**values)
    except Exception as error:  # a team's own template may do anything
        raise InvalidArgument(
            f"template {template.name} fails: {error}", reason=UNUSABLE, field="style"
        ) from error


def address(link: str) -> str:
    """`link` where it is one that can stand in Markdown or HTML, else empty."""
    return link if _ADDRESS.match(link) else ""


def _marks(evidence: Iterable[str]) -> str:
    return "".join(f"[^{identifier}]" for identifier in evidence)


def _said(statement: Statement) -> str:
    """A statement with its evidence behind it."""
    return f"{markdown(statement.text)} {_marks(statement.evidence)}"


def _cell(text: str) -> str:
    return text.replace("\n", " ")


def _definition(evidence: Evidence) -> str:
    link = address(evidence.link)
    return f"[^{evidence.id}]: {markdown(evidence.statement)}" + (
        f" (<{link}>)" if link.startswith("http") else f" ([evidence]({link}))" if link else ""
    )


def _html_text(text: str) -> Markup:
    parts: list[str] = []
    at = 0
    for match in _PART.finditer(text):
        parts += (escape(text[at : match.start()]), f"<q>{escape(match[1])}</q>")
        at = match.end()
    parts.append(escape(text[at:]))
    return Markup("".join(parts))  # noqa: S704  every part of it was escaped just now


def _moment(at: datetime | None, day: datetime) -> str:
    return "unknown" if at is None else moment(at, day)


def _filters() -> Mapping[str, object]:
    return {
        "md": markdown,
        "said": _said,
        "marks": _marks,
        "cell": _cell,
        "definition": _definition,
        "text": _html_text,
        "moment": _moment,
        "address": address,
        "duration": duration,
        "code": code,
        "percent": percent,
    }


def _environment(loader: ChoiceLoader, *, is_html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(_filters())
    return environment


def _tidy(text: str) -> str:
    """No trailing blanks, no two blank lines on end, one line end at the end."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"
