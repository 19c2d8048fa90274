"""What a post-mortem's Markdown says of its structure: an index over the text, which stays the truth.

A document is cut at the headings of its eight parts. Every part is a slice of the text as a person wrote it, so that
putting the slices together gives the text again, and replacing one touches nothing else. Headings that are not one of
the eight belong to the part in which they stand.

    # Title                       ← title: everything above the first known heading
    - Severity: P1
    ## Summary                    ← known heading: level 2, not inside a quote, list or fence
    …
    [^E1]: what it says (link)    ← definitions of evidence at the end: a region of their own
"""

import itertools
import re
from dataclasses import dataclass
from enum import IntEnum

from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.errors import InvalidArgument


class SectionKind(IntEnum):
    """The eight parts in their order; the numbers are those of the contract."""

    TITLE = 1
    SUMMARY = 2
    TIMELINE = 3
    ROOT_CAUSE = 4
    FACTORS = 5
    IMPACT = 6
    ACTION_ITEMS = 7
    LESSONS = 8


HEADINGS = {
    SectionKind.SUMMARY: "Summary",
    SectionKind.TIMELINE: "Timeline",
    SectionKind.ROOT_CAUSE: "Root cause",
    SectionKind.FACTORS: "Contributing factors",
    SectionKind.IMPACT: "Impact",
    SectionKind.ACTION_ITEMS: "Action items",
    SectionKind.LESSONS: "Lessons learned",
}

# Headings of other house styles under which the same part is found.
_ALIASES = {heading.casefold(): kind for kind, heading in HEADINGS.items()} | {
    "executive summary": SectionKind.SUMMARY,
    "root causes": SectionKind.ROOT_CAUSE,
    "contributing factor": SectionKind.FACTORS,
    "factors": SectionKind.FACTORS,
    "action item": SectionKind.ACTION_ITEMS,
    "actions": SectionKind.ACTION_ITEMS,
    "corrective actions": SectionKind.ACTION_ITEMS,
    "follow-up actions": SectionKind.ACTION_ITEMS,
    "lessons": SectionKind.LESSONS,
}
_NEWLINE = re.compile(r"\r\n|\r|\n")
_LEADING = re.compile(r"(?:\r\n|\r|\n)?")
_TRAILING = re.compile(r"(?:\r\n|\r|\n){0,2}\Z")
_DEFINITION = re.compile(r"\[\^(E\d+)\]:[ \t]*(.*)")
_REFERENCE = re.compile(r"\[\^(E\d+)\]")


@dataclass(frozen=True, slots=True)
class Section:
    """One part: `text[start:end]` from its heading on, `text[body_start:body_end]` below it.

    A blank line after the heading and one before the next are between parts and belong to no body.
    """

    kind: SectionKind
    heading: str
    body: str
    start: int
    body_start: int
    body_end: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Document:
    """The index: `sections` in the order in which they stand, the first of them the title."""

    text: str
    title: str
    sections: tuple[Section, ...]
    definitions: tuple[tuple[str, str], ...]
    tokens: tuple[Token, ...]
    line_starts: tuple[int, ...]

    def section(self, kind: SectionKind) -> Section | None:
        """The part of that kind, or None where the document has none."""
        return next((section for section in self.sections if section.kind is kind), None)

    def section_at(self, line: int) -> SectionKind:
        """The part in which a line stands, counted from 1."""
        return next(
            (section.kind for section in reversed(self.sections) if section.line <= line - 1), SectionKind.TITLE
        )

    def lines(self, first: int, end: int) -> str:
        """The text of lines `first` to `end`, counted from 0, half-open, with their line ends."""
        return self.text[self.line_starts[first] : self.offset(end)]

    def offset(self, line: int) -> int:
        """Where a line, counted from 0, begins; the end of the text for the one after the last."""
        return self.line_starts[line] if line < len(self.line_starts) else len(self.text)


def parse(text: str) -> Document:
    """The index over `text`. Never fails: what is not recognised belongs to the part before it."""
    tokens = tuple(_parser().parse(text))
    starts = (0, *(match.end() for match in _NEWLINE.finditer(text)))
    offset = [*starts, len(text)]
    headings = _known_headings(tokens)
    end, definitions = _definitions(text, starts, after=headings[-1][1] if headings else 0)
    bounds = [starts[line] for _, line, _, _ in headings] + [end]
    title = Section(
        SectionKind.TITLE,
        _title(tokens, headings),
        text[: _trim(text, 0, bounds[0])],
        0,
        0,
        _trim(text, 0, bounds[0]),
        bounds[0],
        0,
    )
    sections = [title]
    for (kind, line, after, heading), start, until in zip(headings, bounds[:-1], bounds[1:], strict=True):
        below = min(offset[min(after, len(starts))], until)
        body_start = min(_after_blank(text, below), until)
        body_end = max(body_start, _trim(text, body_start, until))
        sections.append(Section(kind, heading, text[body_start:body_end], start, body_start, body_end, until, line))
    return Document(text, title.heading, tuple(sections), definitions, tokens, starts)


def replace_section(text: str, kind: SectionKind, body: str) -> str:
    """`text` with another body in one part; every other character stays as it was.

    A part that is missing is put where it belongs, under its usual heading. Raises InvalidArgument when `body` would
    change another part: by beginning one itself, or by leaving a code block or HTML open over the next.
    """
    before = parse(text)
    section = before.section(kind)
    if section is not None and section.body == body:
        return text
    newline = "\r\n" if "\r\n" in text else "\n"
    candidates = (
        [_insert(before, kind, body, newline)]
        if section is None
        else [
            text[: section.body_start] + body + text[section.body_end :],
            _with_blank_lines(text, section, body, newline),
        ]
    )
    for candidate in candidates:
        if _only_changes(before, parse(candidate), kind, body):
            return candidate
    raise InvalidArgument(
        f"the text would change other sections than {kind.name.lower()}: it holds the heading of another section, or "
        "leaves a code block open; use deeper headings, or edit the whole document",
        reason="SECTION_NOT_SELF_CONTAINED",
        field="markdown",
    )


def references(text: str) -> tuple[str, ...]:
    """Ids of the evidence that `text` refers to, in order, each once."""
    return tuple(dict.fromkeys(_REFERENCE.findall(text)))


def without_references(text: str) -> str:
    """`text` without its footnote marks."""
    return _REFERENCE.sub("", text).strip()


def _parser() -> MarkdownIt:
    # A definition of evidence with one word would be a link reference definition to CommonMark, and vanish.
    return MarkdownIt("commonmark").enable("table").disable("reference")


def _known_headings(tokens: tuple[Token, ...]) -> list[tuple[SectionKind, int, int, str]]:
    """Kind, line, line after, and words of the headings that begin a part; of two alike the first does."""
    found: dict[SectionKind, tuple[SectionKind, int, int, str]] = {}
    for token, inline in itertools.pairwise(tokens):
        if token.type != "heading_open" or token.tag != "h2" or token.level or token.map is None:
            continue
        kind = _ALIASES.get(inline.content.strip().rstrip(":").casefold())
        if kind is not None and kind not in found:
            found[kind] = (kind, token.map[0], token.map[1], inline.content.strip())
    return list(found.values())


def _title(tokens: tuple[Token, ...], headings: list[tuple[SectionKind, int, int, str]]) -> str:
    first = headings[0][1] if headings else None
    for token, inline in itertools.pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h1" and not token.level and token.map is not None:
            return inline.content.strip() if first is None or token.map[0] < first else ""
    return ""


def _definitions(text: str, starts: tuple[int, ...], *, after: int) -> tuple[int, tuple[tuple[str, str], ...]]:
    """Where the definitions of evidence at the end begin, and what they say.

    Read from the last line upwards, as long as lines are definitions or blank; not above line `after`.
    """
    begin, found = len(text), []
    for number in range(len(starts) - 1, after, -1):
        until = starts[number + 1] if number + 1 < len(starts) else len(text)
        line = text[starts[number] : until].strip()
        match = _DEFINITION.fullmatch(line)
        if match:
            begin = starts[number]
            found.append((match[1], match[2]))
        elif line:
            break
    return begin, tuple(reversed(found))


def _after_blank(text: str, at: int) -> int:
    match = _LEADING.match(text, at)
    return match.end() if match else at


def _trim(text: str, start: int, end: int) -> int:
    match = _TRAILING.search(text[start:end])
    return start + match.start() if match else end


def _with_blank_lines(text: str, section: Section, body: str, newline: str) -> str:
    head = (
        text[: section.body_start]
        if section.kind is SectionKind.TITLE
        else (text[: section.start] + text[section.start : section.body_start].rstrip("\r\n") + newline * 2)
    )
    return head + body + newline * 2 + text[section.end :]


def _insert(document: Document, kind: SectionKind, body: str, newline: str) -> str:
    later = [section.start for section in document.sections if section.kind > kind]
    at = min(later) if later else document.sections[-1].end
    head = document.text[:at]
    gap = "" if not head or head.endswith(newline * 2) else newline if head.endswith(newline) else newline * 2
    return f"{head}{gap}## {HEADINGS[kind]}{newline * 2}{body}{newline * 2}{document.text[at:]}"


def _only_changes(before: Document, after: Document, kind: SectionKind, body: str) -> bool:
    """Whether nothing but the body of `kind` differs, and that reads back as it was written."""
    changed = after.section(kind)
    if changed is None or changed.body != body or before.definitions != after.definitions:
        return False
    others_before = [
        (section.kind, section.heading, section.body) for section in before.sections if section.kind is not kind
    ]
    others_after = [
        (section.kind, section.heading, section.body) for section in after.sections if section.kind is not kind
    ]
    return others_before == others_after
