"""`afteraction import-incidents`: what a team's spreadsheet or Alertmanager knows of past incidents, into memory."""

from pathlib import Path
from typing import Annotated

import typer

from afteraction.v1.document_pb2 import Document
from afteraction.v1.memory_service_pb2 import RememberRequest, RememberResponse
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.cli.connection import Connection, call
from services.cli.incident_history import Refuse, from_alertmanager, from_csv
from services.cli.output import Json, console, errors, print_json
from services.cli.replay_lines import MalformedLine


def import_incidents(
    paths: Annotated[
        list[Path], typer.Argument(exists=True, dir_okay=False, help="CSV files, or JSON of Alertmanager.")
    ],
    stream: Annotated[str, typer.Option(help="The stream whose memory it goes to.")] = "",
    is_json: Json = False,
) -> None:
    """Reads past incidents into memory, so that cards find them; again, what is known is updated.

    Rows that cannot be read are named, all of them, and the others taken; it ends with 1 then.
    """
    refused: list[MalformedLine] = []
    documents = [document for path in paths for document in read(path, refused.append)]

    async def work(connection: Connection) -> list[RememberResponse]:
        memory = connection.stub(MemoryServiceStub)
        answers = []
        for document in documents:
            document.stream = stream
            answers.append(await memory.Remember(RememberRequest(document=document)))
        return answers

    answers = call(work)
    known = sum(answer.is_unchanged for answer in answers)
    if is_json:
        print_json([answer.document for answer in answers])
    else:
        console.print(f"{len(answers)} incidents, {len(answers) - known} of them new or changed", markup=False)
    for each in refused:
        errors.print(f"not taken: {each}", markup=False)
    if refused:
        raise typer.Exit(1)


def read(path: Path, refuse: Refuse) -> list[Document]:
    """The incidents of a file; what of it cannot be read goes to `refuse`. Raises BadParameter that says what is wrong
    with the file as a whole."""
    try:
        # A quoted field of a CSV file may hold line ends, which are left as they are.
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read()
        parse = from_csv if path.suffix.lower() in (".csv", ".tsv", ".txt") else from_alertmanager
        return list(parse(text, path.name, refuse))
    except (MalformedLine, UnicodeDecodeError) as error:
        raise typer.BadParameter(str(error), param_hint=path.name) from None
