"""Lists post-mortems, shows one, its evidence, its revisions and who changed what, and writes it to a file."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.card_service_pb2 import FORMAT_HTML, FORMAT_JSON, FORMAT_MARKDOWN
from services.cli.connection import Connection, call
from services.cli.names import full_name
from services.cli.output import Json, Stream, console, moment, print_json, print_markdown, print_table
from services.cli.postmortem.reading import Name, read, state, stub

app = typer.Typer()
_FORMS = {"markdown": FORMAT_MARKDOWN, "html": FORMAT_HTML, "json": FORMAT_JSON}
# Lines of what stayed that are shown on either side of a change.
_CONTEXT_LINES = 2
_STYLES = {pb.DiffPart.CHANGE_REMOVED: "red strike", pb.DiffPart.CHANGE_ADDED: "green"}
_MARKS = {pb.DiffPart.CHANGE_REMOVED: ("[-", "-]"), pb.DiffPart.CHANGE_ADDED: ("{+", "+}")}


@app.command("list")
def list_postmortems(
    query: Annotated[str, typer.Argument(help="Words to look for.")] = "",
    service: Annotated[str, typer.Option(help="Only of this service.")] = "",
    tag: Annotated[str, typer.Option(help="Only with this tag.")] = "",
    stream: Stream = "",
    is_json: Json = False,
) -> None:
    """Lists post-mortems, the newest first."""
    request = pb.ListPostmortemsRequest(query=query, service=service, tag=tag, stream=stream, page_size=200)
    found = call(lambda connection: stub(connection).ListPostmortems(request)).postmortems
    if is_json:
        print_json(list(found))
        return
    print_table(
        ("post-mortem", "title", "state", "onset", "services", "tags"),
        [
            (each.name, each.title, state(each), moment(each.onset_at), ", ".join(each.services), ", ".join(each.tags))
            for each in found
        ],
        empty=f"No post-mortem in stream {stream or 'live'}: one is drafted when an incident resolves.",
    )


@app.command()
def show(name: Name, is_json: Json = False) -> None:
    """Shows a post-mortem as it is now."""
    found = call(lambda connection: read(connection, name))
    if is_json:
        print_json(found)
    else:
        print_markdown(found.markdown)


@app.command()
def evidence(name: Name, is_json: Json = False) -> None:
    """Lists what every sentence and number rests on."""
    request = pb.ListEvidenceRequest(name=full_name("postmortems", name))
    found = call(lambda connection: stub(connection).ListEvidence(request)).evidence
    if is_json:
        print_json(list(found))
        return
    print_table(
        ("id", "time", "service", "fact", "link"),
        [(each.id, moment(each.occurred_at), each.service, each.statement, each.link) for each in found],
        empty="No evidence is kept with it.",
    )


@app.command()
def revisions(name: Name, is_json: Json = False) -> None:
    """Lists every revision with its author."""

    async def work(connection: Connection) -> list[pb.ListRevisionsResponse]:
        found = await read(connection, name)
        return [await stub(connection).ListRevisions(pb.ListRevisionsRequest(name=found.name, page_size=1000))]

    found = [each for page in call(work) for each in page.revisions]
    if is_json:
        print_json(found)
        return
    print_table(
        ("revision", "time", "author", "why"),
        [(str(each.number), moment(each.created_at), each.author, each.reason) for each in found],
        empty="No revision.",
    )


@app.command()
def history(name: Name, is_json: Json = False) -> None:
    """Says who changed what."""

    async def work(connection: Connection) -> pb.ListAuditEntriesResponse:
        found = await read(connection, name)
        return await stub(connection).ListAuditEntries(pb.ListAuditEntriesRequest(name=found.name))

    found = call(work).entries
    if is_json:
        print_json(list(found))
        return
    print_table(
        ("time", "who", "what", "detail"),
        [(moment(each.occurred_at), each.actor, each.action, each.detail) for each in found],
        empty="Nothing has happened.",
    )


@app.command()
def diff(
    name: Name,
    first: Annotated[int, typer.Option("--from", help="Revision; 0: the one before --to.")] = 0,
    last: Annotated[int, typer.Option("--to", help="Revision; 0: the newest.")] = 0,
    is_json: Json = False,
) -> None:
    """Shows what changed between two revisions, word by word."""

    async def work(connection: Connection) -> pb.DiffRevisionsResponse:
        found = await read(connection, name)
        to = last or found.revision
        request = pb.DiffRevisionsRequest(name=found.name, to=to)
        setattr(request, "from", first or max(to - 1, 1))
        return await stub(connection).DiffRevisions(request)

    parts = call(work).parts
    if is_json:
        print_json(list(parts))
        return
    text = Text()
    for part in parts:
        # Colour alone would be lost in a pipe and on some eyes.
        opening, closing = _MARKS.get(part.change, ("", ""))
        shown = part.text if opening else _around(part.text)
        text.append(f"{opening}{shown}{closing}", _STYLES.get(part.change, ""))
    console.print(text)


def _around(same: str) -> str:
    """The ends of a stretch that stayed as it was: a few lines, and the heading under which it ends."""
    lines = same.split("\n")
    if len(lines) <= 2 * _CONTEXT_LINES + 1:
        return same
    left_out = lines[_CONTEXT_LINES:-_CONTEXT_LINES]
    heading = next((line for line in reversed(left_out) if line.startswith("## ")), None)
    middle = ["  …", *([heading] if heading else [])]
    return "\n".join([*lines[:_CONTEXT_LINES], *middle, *lines[-_CONTEXT_LINES:]])


@app.command()
def export(
    name: Name,
    form: Annotated[str, typer.Option("--format", help=f"One of {', '.join(_FORMS)}.")] = "markdown",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write; none: standard output.")] = None,
) -> None:
    """Writes a post-mortem as Markdown, as one HTML file, or as JSON."""
    if form not in _FORMS:
        raise typer.BadParameter(f"{form!r} is none of {', '.join(_FORMS)}")

    async def work(connection: Connection) -> pb.ExportPostmortemResponse:
        found = await read(connection, name)
        return await stub(connection).ExportPostmortem(pb.ExportPostmortemRequest(name=found.name, format=_FORMS[form]))

    content = call(work).content
    if output:
        output.write_text(content, newline="")
    else:
        sys.stdout.write(content)
