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
    source: Annotated[str, typer.Option(
        help="Where the files are from; the same path of the same source replaces what was there. By default the name "
             "of the repository, or of the folder.")] = "",
    stream: Annotated[str, typer.Option(help="The stream whose memory it goes to.")] = "",
    is_json: Json = False,
) -> None:
    """Reads post-mortems and runbooks into memory; what is known already is updated."""
    if kind and kind not in _KINDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(_KINDS)}", param_hint="--kind")

    files = [named for path in paths for named in named_files(path, source)]

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
    """What `path` holds, as far as it takes to see that it is too long for a document; nothing of a broken link."""
    try:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except OSError:
        return b""


def named_files(path: Path, source: str) -> Iterator[tuple[str, Path]]:
    """The files at or below `path`, each with the name by which it is known again.

    That begins at the repository that holds it, whichever folder of it was named, so that `2024-01-01.md` of one team
    is not taken for another's.
    """
    found = path.resolve()
    folder = found if found.is_dir() else found.parent
    top = next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
    for each in [path] if path.is_file() else sorted(path.rglob("*")):
        if path.is_file() or (each.suffix.lower() in _SUFFIXES and (each.is_file() or each.is_symlink())):
            below = (found / each.relative_to(path)).relative_to(top)
            yield str(Path(source or top.name) / below), each
