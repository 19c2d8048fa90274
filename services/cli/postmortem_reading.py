"""How commands find a post-mortem and say where it is in its life."""

from typing import TYPE_CHECKING

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.postmortem_pb2 import Postmortem, PostmortemState
from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceStub
from services.cli.connection import Connection
from services.cli.names import full_name
from services.cli.output import enum_word

if TYPE_CHECKING:
    from afteraction.v1.postmortem_service_pb2_grpc import PostmortemServiceAsyncStub


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
