"""`afteraction lint FILE…`: the blameless lint over files, with no service running; what the pre-commit hook calls."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import Json, errors, print_json
from services.drafting.blameless import Finding, lint

# Longer than any post-mortem; what is longer is not text for people.
_MAX_BYTES = 8 * 1024 * 1024
_FOUND, _UNREADABLE = 1, 2


def lint_files(
    files: Annotated[list[str], typer.Argument(
        metavar="FILE…", help="Markdown or text; `-` for standard input; of a folder every .md below it.")],
    is_json: Json = False,
) -> None:
    """Find words that blame a person, with the place, why it hurts, and how to put it instead.

    Ends with 1 when something was found, with 2 when a file cannot be read.
    """
    found: list[dict[str, object]] = []
    is_unreadable = False
    for name in _expanded(files):
        try:
            text = _read(name)
        except (OSError, ValueError) as error:
            errors.print(f"{name}: {error}", markup=False)
            is_unreadable = True
            continue
        found += [_as_json(name, finding) for finding in lint(text)]
    if is_json:
        print_json({"findings": found})
    else:
        for each in found:
            sys.stdout.write(f"{each['file']}:{each['line']}:{each['column']}: {each['rule']}: {each['text']}\n"
                             f"    {each['why']}\n    {each['rewrite']}\n")
    raise typer.Exit(_UNREADABLE if is_unreadable else _FOUND if found else 0)


def _expanded(names: list[str]) -> Iterator[str]:
    """The files of `names`; in the place of a folder the Markdown below it, in order."""
    for name in names:
        if name != "-" and Path(name).is_dir():
            yield from sorted(str(path) for path in Path(name).rglob("*.md") if path.is_file())
        else:
            yield name


def _read(name: str) -> str:
    content = sys.stdin.buffer.read(_MAX_BYTES + 1) if name == "-" else _content(Path(name))
    if len(content) > _MAX_BYTES:
        raise ValueError(f"longer than {_MAX_BYTES} bytes")
    return content.decode()


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES + 1)


def _as_json(name: str, finding: Finding) -> dict[str, object]:
    return {"file": name, "line": finding.line, "column": finding.column, "end_column": finding.end_column,
            "text": finding.text, "rule": finding.rule, "why": finding.why, "rewrite": finding.rewrite}
