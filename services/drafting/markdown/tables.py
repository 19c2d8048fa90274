"""The pipe tables of a post-mortem: the timeline and the action items, read and written row by row.

A cell is one line. Its `|` is written `\\|`; everything else in it is Markdown as a person wrote it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.drafting.markdown.document import Document, SectionKind, parse, references, without_references

_PRIORITY = re.compile(r"P?\s*([1-3])\b", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOTHING = frozenset({"", "-", "–", "—", "?", "tbd", "todo", "n/a", "none", "unassigned", "unknown"})
# How a draft marks what nobody has accepted yet.
_SUGGESTED_CELL = re.compile(r"\((?:suggested|suggestion)\)\s*(?:\||\Z)", re.IGNORECASE)
_SUGGESTED = re.compile(r"\s*\((?:suggested|suggestion)\)\s*\Z", re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]*\Z")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its column names in lower case, its rows' cells, and the line of the document where each row stands."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of the timeline as it is written."""

    at: str
    event: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One action item as its row says; empty where it says nothing. `line` counts from 0."""

    title: str
    owner: str = ""
    due: date | None = None
    priority: int = 0
    category: str = ""
    reason: str = ""
    evidence: tuple[str, ...] = ()
    line: int = -1


def tables(document: Document, kind: SectionKind) -> tuple[Table, ...]:
    """The tables of one part, in order."""
    section = document.section(kind)
    if section is None:
        return ()
    found: list[Table] = []
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    cells: list[str] = []
    for token in document.tokens:
        at = document.line_starts[token.map[0]] if token.map else None
        if token.type == "table_open":
            columns, rows, lines = (), [], []
        elif token.type == "tr_open":
            cells = []
            lines.append(token.map[0] if token.map else -1)
        elif token.type == "inline" and token.level == 4:
            cells.append(token.content.strip())
        elif token.type == "tr_close":
            if columns:
                rows.append(tuple(cells))
            else:
                columns, lines = tuple(cell.casefold() for cell in cells), []
        elif (
            token.type == "table_close" and lines and section.body_start <= document.line_starts[lines[0]] < section.end
        ):
            found.append(Table(columns, tuple(rows), tuple(lines)))
        elif at is not None and at >= section.end:
            break
    return tuple(found)


def timeline(document: Document) -> tuple[TimelineRow, ...]:
    """The rows of the timeline's tables."""
    rows = []
    for table in tables(document, SectionKind.TIMELINE):
        for cells in table.rows:
            text = cells[1] if len(cells) > 1 else ""
            rows.append(TimelineRow(cells[0], without_references(text), references(text)))
    return tuple(rows)


def action_items(document: Document) -> tuple[ItemRow, ...]:
    """The rows of the action items' tables, columns found by their names; a row without a title is none."""
    rows = []
    for table in tables(document, SectionKind.ACTION_ITEMS):
        place = {_column(name): number for number, name in reversed(tuple(enumerate(table.columns)))}
        if "title" not in place:
            continue
        for cells, line in zip(table.rows, table.lines, strict=True):
            row = _item({key: cells[number] for key, number in place.items() if number < len(cells)}, line)
            if row.title:
                rows.append(row)
    return tuple(rows)


def table_row(cells: tuple[str, ...]) -> str:
    """The line for `cells`, without a line end."""
    return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"


def render_items(rows: tuple[ItemRow, ...]) -> str:
    """A table of action items that reads back as `rows`."""
    head = [table_row(("Action", "Owner", "Due", "Priority", "Category", "Why")), "|---|---|---|---|---|---|"]
    return "\n".join(head + [table_row(_cells(row)) for row in rows]) + "\n"


def replace_item(document: Document, line: int, changes: Mapping[str, str]) -> str:
    """The text with other cells in the item's row at `line`; the other cells and lines stay as they are.

    changes: new text by `title`, `owner`, `due`, `priority`. Columns that the table does not have are left out.
    """
    for table in tables(document, SectionKind.ACTION_ITEMS):
        if line not in table.lines:
            continue
        cells = list(table.rows[table.lines.index(line)])
        for number, name in enumerate(table.columns):
            key = _column(name)
            if key in changes and number < len(cells):
                marks = "".join(f" [^{mark}]" for mark in references(cells[number])) if key == "title" else ""
                cells[number] = changes[key] + marks
        old = document.lines(line, line + 1)
        ending = _LINE_END.search(old)
        start = document.line_starts[line]
        row = table_row(tuple(cells)) + (ending.group() if ending else "")
        return document.text[:start] + row + document.text[start + len(old) :]
    return document.text


def accepted(text: str) -> str:
    """The text without the mark that says of an action item's owner that it is only suggested."""
    for number in [line for table in tables(parse(text), SectionKind.ACTION_ITEMS) for line in table.lines]:
        document = parse(text)
        row = next((row for row in action_items(document) if row.line == number), None)
        if row is not None and _SUGGESTED_CELL.search(document.lines(number, number + 1)):
            text = replace_item(document, number, {"owner": row.owner})
    return text


def counted_from(text: str, published: date, resolved: date) -> str:
    """The text with due dates that are over already counted from the publication: as many days as they lay behind the
    resolution. Nobody can be late with what was only agreed on today."""
    for number in [line for table in tables(parse(text), SectionKind.ACTION_ITEMS) for line in table.lines]:
        document = parse(text)
        row = next((row for row in action_items(document) if row.line == number), None)
        if row is not None and row.due is not None and resolved < row.due < published:
            text = replace_item(document, number, {"due": (published + (row.due - resolved)).isoformat()})
    return text


def remove_row(document: Document, line: int) -> str:
    """The text without one line."""
    start = document.line_starts[line]
    return document.text[:start] + document.text[document.offset(line + 1) :]


def append_item(document: Document, row: ItemRow) -> str:
    """The body of the action items with one more row below the last, or with a table where there was none."""
    section = document.section(SectionKind.ACTION_ITEMS)
    body = section.body if section else ""
    for table in reversed(tables(document, SectionKind.ACTION_ITEMS)):
        values = dict(zip(("title", "owner", "due", "priority", "category", "reason"), _cells(row), strict=True))
        line = table_row(tuple(values.get(_column(name), "") for name in table.columns))
        if section is None or not table.lines:
            break
        at = document.offset(table.lines[-1] + 1) - section.body_start
        head = body[:at] if at <= len(body) else body
        return (head if head.endswith("\n") else head + "\n") + line + "\n" + body[at:].removeprefix("\n")
    return (body.rstrip() + "\n\n" if body.strip() else "") + render_items((row,))


def _item(values: Mapping[str, str], line: int) -> ItemRow:
    text = " ".join(values.values())
    return ItemRow(
        without_references(values.get("title", "")),
        _owner(values.get("owner", "")),
        _due(values.get("due", "")),
        _priority(values.get("priority", "")),
        _said(values.get("category", "")),
        without_references(values.get("reason", "")),
        references(text),
        line,
    )


def _cells(row: ItemRow) -> tuple[str, ...]:
    marks = "".join(f" [^{mark}]" for mark in row.evidence)
    return (
        row.title,
        row.owner,
        row.due.isoformat() if row.due else "",
        f"P{row.priority}" if row.priority else "",
        row.category,
        f"{row.reason}{marks}".strip(),
    )


def _column(name: str) -> str:
    words = name.casefold()
    for key, marks in (
        ("title", ("action", "what", "task", "item")),
        ("owner", ("owner", "assignee", "responsible")),
        ("due", ("due", "deadline", "by when")),
        ("priority", ("priority", "prio")),
        ("category", ("category", "type", "kind")),
        ("reason", ("why", "reason")),
    ):
        if any(mark in words for mark in marks):
            return key
    return words


def _said(text: str) -> str:
    plain = without_references(text).strip("*_` ")
    return "" if plain.casefold() in _NOTHING else plain


def _owner(text: str) -> str:
    return _said(_SUGGESTED.sub("", without_references(text)))


def _due(text: str) -> date | None:
    match = _DATE.search(text)
    try:
        return date.fromisoformat(match.group()) if match else None
    except ValueError:
        return None


def _priority(text: str) -> int:
    match = _PRIORITY.search(text)
    return int(match[1]) if match else 0
