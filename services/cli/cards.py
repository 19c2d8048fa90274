"""`afteraction card INCIDENT`: what the on-call sees while it burns."""

from typing import Annotated

import typer

from afteraction.v1.card_service_pb2 import FORMAT_MARKDOWN, GetCardRequest
from afteraction.v1.card_service_pb2_grpc import CardServiceStub
from services.cli.connection import call
from services.cli.names import full_name
from services.cli.output import Json, print_json, print_markdown


def card(incident: Annotated[str, typer.Argument(help="incidents/ID, or the ID alone.")],
         version: Annotated[int, typer.Option(min=0, help="An earlier version; 0 for the newest.")] = 0,
         is_json: Json = False) -> None:
    """Shows an incident's card."""
    request = GetCardRequest(incident=full_name("incidents", incident), version=version, format=FORMAT_MARKDOWN)
    answer = call(lambda connection: connection.stub(CardServiceStub).GetCard(request))
    if is_json:
        print_json(answer.card)
    else:
        print_markdown(answer.rendered)
