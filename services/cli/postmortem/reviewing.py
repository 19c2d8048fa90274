"""Submits a post-mortem, comments, answers, waives, tags, publishes: a step a command, or all of it in one walk."""

from typing import Annotated

import typer

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.postmortem_pb2 import Postmortem, SectionKind
from services.cli.connection import Connection, call
from services.cli.output import Json, console, print_json
from services.cli.postmortem.reading import SECTIONS, By, Name, print_obstacles, print_said, read, section_kind, stub
from services.cli.postmortem.walk import walk
from shared.errors import FailedPrecondition

app = typer.Typer()
HOW_TO_SETTLE = ("`afteraction review ID` walks through all of it; or `postmortem answer ID Q…`, `waive ID F…`, "
                 "`comment ID C… --resolve`, `edit ID`.")


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

    print_said(call(work), is_json)


@app.command()
def publish(name: Name, by: By, is_json: Json = False) -> None:
    """Publishes, or says everything that stands in the way."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).PublishPostmortem(
            pb.PublishPostmortemRequest(name=found.name, author=by, etag=found.etag)
        )

    try:
        print_said(call(work), is_json)
    except FailedPrecondition as refused:
        if not refused.violations:
            raise
        if is_json:
            print_json({"error": refused.reason, "violations": [
                {"subject": each.subject, "description": each.description} for each in refused.violations]})
        else:
            console.print("It cannot be published yet:", markup=False)
            print_obstacles(refused)
            console.print(HOW_TO_SETTLE, markup=False)
        raise typer.Exit(1) from None


@app.command()
def comment(
    name: Name,
    text: Annotated[str, typer.Argument(help="What to say. One that ends with a question mark waits for an answer.")],
    by: By,
    section: Annotated[str, typer.Option(help=f"About this part: {', '.join(SECTIONS)}.")] = "",
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
                name=found.name, text=text, section=SectionKind.ValueType(section_kind(section)), author=by
            )
        )

    print_said(call(work), is_json)


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

    print_said(call(work), is_json)


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

    print_said(call(work), is_json)


@app.command()
def tag(
    name: Name, by: By, tags: Annotated[list[str], typer.Argument(help="All tags from now on.")], is_json: Json = False
) -> None:
    """Sets the tags."""

    async def work(connection: Connection) -> Postmortem:
        found = await read(connection, name)
        return await stub(connection).SetTags(pb.SetTagsRequest(name=found.name, tags=tags, author=by))

    print_said(call(work), is_json)


@app.command()
def review(name: Name, by: By) -> None:
    """Walks through questions, findings and action items one by one, then publishes."""
    walk(name, by)
