"""`afteraction postmortem`: reads, edits, reviews and publishes post-mortems."""

import sys
from getpass import getuser
from pathlib import Path
from typing import Annotated

import click
import typer
from rich.text import Text

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.card_service_pb2 import FORMAT_HTML, FORMAT_JSON, FORMAT_MARKDOWN
from afteraction.v1.postmortem_pb2 import Postmortem, SectionKind
from services.cli.connection import Connection, call
from services.cli.names import full_name
from services.cli.output import (
    Json,
    Stream,
    console,
    enum_word,
    moment,
    print_json,
    print_markdown,
    print_table,
)
from services.cli.postmortem_reading import read, said, state, stub
from services.cli.walk import walk

app = typer.Typer(help="Reads, edits, reviews and publishes post-mortems.")
Name = Annotated[str, typer.Argument(help="postmortems/ID, incidents/ID, or the ID alone.")]
By = Annotated[str, typer.Option("--by", help="Who does it.", default_factory=getuser)]
_FORMS = {"markdown": FORMAT_MARKDOWN, "html": FORMAT_HTML, "json": FORMAT_JSON}
_SECTIONS = {
    enum_word(name, "SECTION_KIND_").replace(" ", "-"): number for name, number in SectionKind.items() if number
}
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
        empty="No post-mortem yet: the first is drafted when an incident resolves.",
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
def edit(
    name: Name,
    by: By,
    file: Annotated[Path | None, typer.Argument(help="The new text, - for standard input; none: your editor.")] = None,
    section: Annotated[str, typer.Option(help=f"Only this part: {', '.join(_SECTIONS)}.")] = "",
    is_json: Json = False,
) -> None:
    """Replaces the text, or one part of it. What somebody else changed in the meantime is never overwritten."""
    kind = _section(section)

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        now = next((each.markdown for each in found.sections if each.kind == kind), "") if kind else found.markdown
        text = _new_text(now, file)
        return await stub(connection).UpdatePostmortem(
            pb.UpdatePostmortemRequest(
                name=found.name, markdown=text, section=SectionKind.ValueType(kind), author=by, etag=found.etag
            )
        )

    _said(call(work), is_json)


@app.command()
def submit(
    name: Name,
    by: By,
    reviewer: Annotated[list[str] | None, typer.Option(help="Who reviews; may be given more than once.")] = None,
    is_json: Json = False,
) -> None:
    """Opens a draft for review."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).SubmitPostmortem(
            pb.SubmitPostmortemRequest(name=found.name, author=by, reviewers=reviewer or [], etag=found.etag)
        )

    _said(call(work), is_json)


@app.command()
def publish(name: Name, by: By, is_json: Json = False) -> None:
    """Publishes, or says everything that stands in the way."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).PublishPostmortem(
            pb.PublishPostmortemRequest(name=found.name, author=by, etag=found.etag)
        )

    _said(call(work), is_json)


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

    _said(call(work), is_json)


@app.command()
def comment(
    name: Name,
    text: Annotated[str, typer.Argument(help="What to say. One that ends with a question mark waits for an answer.")],
    by: By,
    section: Annotated[str, typer.Option(help=f"About this part: {', '.join(_SECTIONS)}.")] = "",
    resolve: Annotated[bool, typer.Option("--resolve", help="TEXT is the id of a comment that is dealt with.")] = False,
    is_json: Json = False,
) -> None:
    """Comments on a part, or resolves a comment."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        if resolve:
            return await stub(connection).ResolveComment(
                pb.ResolveCommentRequest(name=found.name, comment=text, author=by)
            )
        return await stub(connection).AddComment(
            pb.AddCommentRequest(
                name=found.name, text=text, section=SectionKind.ValueType(_section(section)), author=by
            )
        )

    _said(call(work), is_json)


@app.command()
def answer(
    name: Name,
    question: Annotated[str, typer.Argument(help="Id of the question, such as Q1.")],
    text: Annotated[str, typer.Argument(help="What stands in the document in its place from then on.")],
    by: By,
    is_json: Json = False,
) -> None:
    """Answers a question of the draft."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).AnswerQuestion(
            pb.AnswerQuestionRequest(name=found.name, question=question, answer=text, author=by)
        )

    _said(call(work), is_json)


@app.command()
def waive(
    name: Name,
    finding: Annotated[str, typer.Argument(help="Id of the finding.")],
    reason: Annotated[str, typer.Argument(help="Why the words stay.")],
    by: By,
    is_json: Json = False,
) -> None:
    """Keeps words that the blameless lint found, for a reason."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).WaiveFinding(
            pb.WaiveFindingRequest(name=found.name, finding=finding, reason=reason, author=by)
        )

    _said(call(work), is_json)


@app.command()
def tag(
    name: Name, by: By, tags: Annotated[list[str], typer.Argument(help="All tags from now on.")], is_json: Json = False
) -> None:
    """Sets the tags."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).SetTags(pb.SetTagsRequest(name=found.name, tags=tags, author=by))

    _said(call(work), is_json)


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
        text.append(f"{opening}{part.text}{closing}", _STYLES.get(part.change, ""))
    console.print(text)


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


def _said(found: Postmortem, is_json: bool) -> None:
    if is_json:
        print_json(found)
    else:
        console.print(said(found), markup=False)


def _section(name: str) -> int:
    if name and name not in _SECTIONS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(_SECTIONS)}")
    return _SECTIONS.get(name, 0)


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


@app.command()
def review(name: Name, by: By) -> None:
    """Walks through questions, findings and action items one by one, then publishes."""
    walk(name, by)
