"""Edits a post-mortem, whole or one part of it, and opens a published one again."""

import sys
from pathlib import Path
from typing import Annotated

import click
import typer

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.postmortem_pb2 import Postmortem, SectionKind
from services.cli.connection import Connection, call
from services.cli.output import Json
from services.cli.postmortem.reading import SECTIONS, By, Name, print_said, read, section_kind, stub

app = typer.Typer()


@app.command()
def edit(
    name: Name,
    by: By,
    file: Annotated[Path | None, typer.Argument(help="The new text, - for standard input; none: your editor.")] = None,
    section: Annotated[str, typer.Option(help=f"Only this part: {', '.join(SECTIONS)}.")] = "",
    is_json: Json = False,
) -> None:
    """Replaces the text, or one part of it. What somebody else changed in the meantime is never overwritten."""
    kind = section_kind(section)

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        now = next((each.markdown for each in found.sections if each.kind == kind), "") if kind else found.markdown
        text = _new_text(now, file)
        return await stub(connection).UpdatePostmortem(
            pb.UpdatePostmortemRequest(
                name=found.name, markdown=text, section=SectionKind.ValueType(kind), author=by, etag=found.etag
            )
        )

    print_said(call(work), is_json)


@app.command()
def amend(
    name: Name,
    by: By,
    file: Annotated[
        Path | None, typer.Argument(help="The amended text, - for standard input; none: only open.")
    ] = None,
    base: Annotated[int, typer.Option(help="Revision that the text was written from; 0: the newest.")] = 0,
    is_json: Json = False,
) -> None:
    """Opens a published post-mortem for review again."""
    text = _read_file(file) if file else ""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).AmendPostmortem(
            pb.AmendPostmortemRequest(name=found.name, author=by, markdown=text, base_revision=base)
        )

    print_said(call(work), is_json)


def _new_text(now: str, file: Path | None) -> str:
    if file:
        return _read_file(file)
    edited = click.edit(now, extension=".md")
    return now if edited is None else edited


def _read_file(file: Path) -> str:
    """The text as it is: line ends are not translated."""
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{file} is not UTF-8: {error}") from None
