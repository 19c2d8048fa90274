"""`afteraction runbooks`: the runbook library."""

from typing import TYPE_CHECKING, Annotated

import typer

from afteraction.v1.memory_service_pb2 import (
    AcceptRunbookProposalRequest,
    GetRunbookRequest,
    ListRunbooksRequest,
    RejectRunbookProposalRequest,
    UpdateRunbookRequest,
)
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from afteraction.v1.runbook_pb2 import Runbook
from services.cli.connection import Connection, call
from services.cli.names import full_name
from services.cli.output import Json, Stream, console, moment, print_json, print_markdown, print_table

if TYPE_CHECKING:
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub

app = typer.Typer(help="Lists runbooks, shows and edits one, decides on proposals.")
Name = Annotated[str, typer.Argument(help="runbooks/ID, or the ID alone.")]
By = Annotated[str, typer.Option("--by", help="Who does it.")]
Proposal = Annotated[str, typer.Argument(help="The id of the proposal.")]


def _stub(connection: Connection) -> "MemoryServiceAsyncStub":
    return connection.stub(MemoryServiceStub)


@app.callback(invoke_without_command=True)
def runbooks(context: typer.Context, service: Annotated[str, typer.Option(help="Only of this service.")] = "",
             stream: Stream = "", is_json: Json = False) -> None:
    """Lists runbooks."""
    if context.invoked_subcommand:
        return
    request = ListRunbooksRequest(service=service, stream=stream, page_size=200)
    found = call(lambda connection: _stub(connection).ListRunbooks(request)).runbooks
    if is_json:
        print_json(list(found))
        return
    print_table(("runbook", "title", "service", "category", "used", "verified", "proposals"), [
        (each.name, each.title, each.service, each.category, str(each.times_used), moment(each.last_verified_at),
         str(len(each.proposals))) for each in found], empty="No runbook yet: publishing a post-mortem makes one.")


@app.command()
def show(name: Name, is_json: Json = False) -> None:
    """Shows a runbook."""
    _print(call(lambda connection: _stub(connection).GetRunbook(
        GetRunbookRequest(name=full_name("runbooks", name)))), is_json)


@app.command()
def edit(name: Name, by: By,
         file: Annotated[typer.FileText, typer.Argument(help="The new text; - for standard input.")],
         is_json: Json = False) -> None:
    """Replaces the text of a runbook."""
    markdown = file.read()

    async def work(connection: Connection) -> Runbook:
        stub = _stub(connection)
        present = await stub.GetRunbook(GetRunbookRequest(name=full_name("runbooks", name)))
        return await stub.UpdateRunbook(UpdateRunbookRequest(name=present.name, markdown=markdown, author=by,
                                                             etag=present.etag))

    _print(call(work), is_json)


@app.command()
def accept(name: Name, proposal: Proposal, by: By, is_json: Json = False) -> None:
    """Takes a proposed text over."""
    request = AcceptRunbookProposalRequest(name=full_name("runbooks", name), proposal=proposal, author=by)
    _print(call(lambda connection: _stub(connection).AcceptRunbookProposal(request)), is_json)


@app.command()
def reject(name: Name, proposal: Proposal, by: By, is_json: Json = False) -> None:
    """Turns a proposed text down."""
    request = RejectRunbookProposalRequest(name=full_name("runbooks", name), proposal=proposal, author=by)
    _print(call(lambda connection: _stub(connection).RejectRunbookProposal(request)), is_json)


def _print(runbook: Runbook, is_json: bool) -> None:
    if is_json:
        print_json(runbook)
        return
    print_markdown(runbook.markdown)
    for each in runbook.proposals:
        console.print(f"\nproposal {each.id} from {each.postmortem}:\n{each.diff}", markup=False)
