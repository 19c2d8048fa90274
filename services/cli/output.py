"""What commands print: tables and text for people, one JSON document for programs."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from shared.timestamps import from_proto

# The option that every command has.
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Stream = Annotated[str, typer.Option("--stream", help="The stream to look at; `-` for all.")]

# A footnote's text, one mark of one, and a run of marks.
_NOTE = re.compile(r"^\[\^([\w-]+)\]: (.*)\n?", re.MULTILINE)
_MARK = re.compile(r"\[\^([\w-]+)\]")
_MARKS = re.compile(r" ?(?:\[\^[\w-]+\])+")
# Characters of a column that are worth showing.
_LEGIBLE = 8

console = Console(highlight=False, soft_wrap=True)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(value: Message | Sequence[Message] | dict[str, Any] | list[Any]) -> None:
    """One JSON document on standard output; messages with the field names of the protos, times in RFC 3339."""
    sys.stdout.write(json.dumps(as_json(value), indent=2, ensure_ascii=False) + "\n")


def as_json(value: Any) -> Any:
    """`value` with every message in it as a dictionary."""
    if isinstance(value, Message):
        return MessageToDict(value, preserving_proto_field_name=True)
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return [as_json(each) for each in value]


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """A table, or the sentence `empty` where there is no row.

    The first column is what one copies into the next command, so it is never broken; the last one takes the room that
    is left and wraps. Into a pipe or a file every row is one line.
    """
    cells = [list(row) for row in rows]
    if not cells:
        console.print(Text(empty))
        return
    widths = [max(len(column), *(len(row[place]) for row in cells)) for place, column in enumerate(columns)]
    if not console.is_terminal:
        for row in (list(columns), *cells):
            console.print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip(),
                          markup=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    last = len(columns) - 1
    for place, (column, widest) in enumerate(zip(columns, widths, strict=True)):
        table.add_column(column, no_wrap=place < last, overflow="fold" if place == last else "ellipsis",
                         min_width=widest if place == 0 else min(widest, _LEGIBLE))
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def print_markdown(markdown: str, *, has_evidence: bool = True) -> None:
    """Markdown as it is where a program reads, rendered where a person does: wrapped at the window's width.

    has_evidence: on a terminal, list what the footnotes say below the text.
    """
    if console.is_terminal:
        console.print(Markdown(for_terminal(markdown, has_evidence=has_evidence)), soft_wrap=False)
    else:
        sys.stdout.write(markdown if markdown.endswith("\n") else markdown + "\n")


def for_terminal(markdown: str, *, has_evidence: bool = True) -> str:
    """Markdown without footnotes, which a terminal has no place for: marks as `[E1, E2]`, what they say as a list."""
    notes = _NOTE.findall(markdown)
    text = _MARKS.sub(lambda run: f" [{', '.join(_MARK.findall(run[0]))}]", _NOTE.sub("", markdown))
    if not notes or not has_evidence:
        return text.rstrip() + "\n"
    return f"{text.rstrip()}\n\n## Evidence\n\n" + "\n".join(f"- {name}: {said}" for name, said in notes) + "\n"


def enum_word(name: str, prefix: str) -> str:
    """`INCIDENT_STATE_OPEN` without its prefix, in lower case; severities and priorities keep their capital."""
    word = name.removeprefix(prefix)
    return word if word[:1] == "P" and word[1:].isdigit() else word.lower().replace("_", " ")


def moment(at: Timestamp | None) -> str:
    """A time to the second, in UTC; `-` where there is none."""
    when = from_proto(at)
    return f"{when:%Y-%m-%d %H:%M:%S}Z" if when else "-"


def between(start: Timestamp | None, end: Timestamp | None) -> str:
    """The length of time from one to the other; `-` where one of them is not known."""
    begun, ended = from_proto(start), from_proto(end)
    return length(ended - begun) if begun and ended else "-"


def length(duration: timedelta) -> str:
    """`23 min`, `1 h 5 min`, `40 s`."""
    seconds = round(duration.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
