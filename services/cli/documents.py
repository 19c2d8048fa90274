"""`afteraction import`: post-mortems and runbooks that a team already has, into memory."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import MofNCompleteColumn, Progress

from afteraction.v1.document_pb2 import (
    DOCUMENT_KIND_POSTMORTEM,
    DOCUMENT_KIND_RUNBOOK,
    DOCUMENT_KIND_UNSPECIFIED,
)
from afteraction.v1.memory_service_pb2 import ImportDocumentsRequest, ImportDocumentsResponse
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.cli.connection import Connection, call
from services.cli.output import Json, console, errors, print_json, print_table

_KINDS = {"postmortem": DOCUMENT_KIND_POSTMORTEM, "runbook": DOCUMENT_KIND_RUNBOOK}
# Memory refuses longer documents; a dump of many gigabytes is not read for that.
_MOST_BYTES = 4 * 1024 * 1024
_SUFFIXES = (".md", ".markdown", ".txt", ".html", ".htm", ".rst")


def import_documents(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="Files, or folders to search for Markdown.")],
    kind: Annotated[str, typer.Option(help="postmortem or runbook; by default told from the content.")] = "",
    stream: Annotated[str, typer.Option(help="The stream whose memory it goes to.")] = "",
    is_json: Json = False,
) -> None:
    """Reads post-mortems and runbooks into memory; what is known already is updated."""
    if kind and kind not in _KINDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(_KINDS)}", param_hint="--kind")

    files = list(_files(paths))

    async def requests() -> AsyncIterator[ImportDocumentsRequest]:
        for name, path in files:
            yield ImportDocumentsRequest(path=name, content=_content(path), stream=stream,
                                         kind=_KINDS.get(kind, DOCUMENT_KIND_UNSPECIFIED))

    async def work(connection: Connection) -> list[ImportDocumentsResponse]:
        answers = connection.stub(MemoryServiceStub).ImportDocuments(requests())
        done: list[ImportDocumentsResponse] = []
        with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=errors, transient=True) as shown:
            task = shown.add_task("importing", total=len(files))
            async for each in answers:
                done.append(each)
                shown.advance(task)
        return done

    outcomes = call(work)
    if is_json:
        print_json(outcomes)
        return
    words = [ImportDocumentsResponse.Outcome.Name(each.outcome).removeprefix("OUTCOME_").lower() for each in outcomes]
    print_table(("file", "outcome", "document", "reason"), [
        (each.path, word, each.document, each.reason) for each, word in zip(outcomes, words, strict=True)],
        empty="No file to import was found.")
    if outcomes:
        console.print("\n" + ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words))), markup=False)


def _content(path: Path) -> bytes:
    """What `path` holds, as far as it takes to see that it is too long for a document."""
    with path.open("rb") as file:
        return file.read(_MOST_BYTES + 1)


def _files(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_file():
            yield path.name, path
            continue
        for each in sorted(path.rglob("*")):
            if each.is_file() and each.suffix.lower() in _SUFFIXES:
                yield str(each.relative_to(path)), each
