"""`afteraction import`: post-mortems and runbooks that a team already has, into memory."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Annotated

import typer

from afteraction.v1.document_pb2 import (
    DOCUMENT_KIND_POSTMORTEM,
    DOCUMENT_KIND_RUNBOOK,
    DOCUMENT_KIND_UNSPECIFIED,
)
from afteraction.v1.memory_service_pb2 import ImportDocumentsRequest, ImportDocumentsResponse
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.cli.connection import Connection, call
from services.cli.output import Json, console, print_json, print_table

_KINDS = {"postmortem": DOCUMENT_KIND_POSTMORTEM, "runbook": DOCUMENT_KIND_RUNBOOK}
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

    async def requests() -> AsyncIterator[ImportDocumentsRequest]:
        for name, path in _files(paths):
            yield ImportDocumentsRequest(path=name, content=path.read_bytes(), stream=stream,
                                         kind=_KINDS.get(kind, DOCUMENT_KIND_UNSPECIFIED))

    async def work(connection: Connection) -> list[ImportDocumentsResponse]:
        answers = connection.stub(MemoryServiceStub).ImportDocuments(requests())
        return [each async for each in answers]

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


def _files(paths: list[Path]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        if path.is_file():
            yield path.name, path
            continue
        for each in sorted(path.rglob("*")):
            if each.is_file() and each.suffix.lower() in _SUFFIXES:
                yield str(each.relative_to(path)), each
