"""How commands find a post-mortem and say where it is in its life."""

from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.postmortem_pb2 import Postmortem, PostmortemState, SectionKind
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from services.cli.connection import Connection
from services.cli.names import full_name
from services.cli.output import console, enum_word, print_json
from shared.errors import FailedPrecondition

if TYPE_CHECKING:
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub

Name = Annotated[str, typer.Argument(help="postmortems/ID, incidents/ID, or the ID alone.")]
By = Annotated[str, typer.Option("--by", help="Who does it.", default_factory=getuser)]
SECTIONS = {
    enum_word(name, "SECTION_KIND_").replace(" ", "-"): number for name, number in SectionKind.items() if number
}


def stub(connection: Connection) -> "PostmortemServiceAsyncStub":
    """The client of the running drafting service."""
    return connection.stub(PostmortemServiceStub)


async def read(connection: Connection, name: str) -> Postmortem:
    """The post-mortem that a person means by `name`."""
    return await stub(connection).GetPostmortem(pb.GetPostmortemRequest(name=full_name("postmortems", name)))


def said(found: Postmortem) -> str:
    """Where a post-mortem is in its life, and what it waits for, in a line."""
    waiting = [
        f"{count} {what}{'s' if count > 1 else ''}"
        for count, what in (
            (sum(not each.answer for each in found.questions), "open question"),
            (sum(not each.waiver_reason for each in found.findings), "finding"),
            (sum(not each.is_resolved for each in found.comments), "open comment"),
        )
        if count
    ]
    return f"{found.name} revision {found.revision}: {state(found)}" + (f", {', '.join(waiting)}" if waiting else "")


def state(found: Postmortem) -> str:
    return enum_word(PostmortemState.Name(found.state), "POSTMORTEM_STATE_")


def section_kind(name: str) -> int:
    """The part that a person means; 0 for the whole. Raises BadParameter."""
    if name and name not in SECTIONS:
        raise typer.BadParameter(f"{name!r} is none of {', '.join(SECTIONS)}")
    return SECTIONS.get(name, 0)


def print_said(found: Postmortem, is_json: bool) -> None:
    """What became of a post-mortem, as every command that changes one says it."""
    if is_json:
        print_json(found)
    else:
        console.print(said(found), markup=False)


def print_obstacles(refused: FailedPrecondition) -> None:
    """Everything that stands in the way of a publication, one a line, with the id that a command takes."""
    for violation in refused.violations:
        console.print(f"  {violation.subject.rpartition('/')[2]:<8}  {violation.description}", markup=False)
