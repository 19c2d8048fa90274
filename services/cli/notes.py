"""`afteraction note`: what a responder has to say, into the timeline; `afteraction event deploy`: for pipelines."""

import getpass
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from afteraction.v1.event_pb2 import ConfigChange, Deploy, Event, FlagChange, Note
from afteraction.v1.ingestion_service_pb2 import RecordEventsRequest
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from services.cli.connection import call
from services.cli.names import full_name
from services.cli.output import Json, console, print_json
from services.cli.replay_lines import MalformedLine, moment
from shared.settings import parse_duration
from shared.timestamps import duration_to_proto

app = typer.Typer(help="Tells of a deploy, a change of configuration or a flag that was switched.")
Stream = Annotated[str, typer.Option(help="The stream to write to.")]
At = Annotated[str, typer.Option(help="When it happened, RFC 3339; by default now.")]
Service = Annotated[str, typer.Option(help="The service it happened to.")]
Url = Annotated[str, typer.Option(help="Where one can see it.")]


def note(text: Annotated[str, typer.Argument(help="What you found or did.")],
         incident: Annotated[str, typer.Option(help="incidents/ID, where you know it.")] = "", service: Service = "",
         author: Annotated[str, typer.Option(help="Who says it.")] = "", stream: Stream = "", at: At = "",
         is_json: Json = False) -> None:
    """Writes a note into the timeline."""
    about = full_name("incidents", incident) if incident else ""
    _record(Event(service=service, note=Note(author=author or getpass.getuser(), text=text, incident=about)),
            stream, at, is_json)


@app.command()
def deploy(version: Annotated[str, typer.Argument(help="What goes out.")], service: Service,
           previous: Annotated[str, typer.Option(help="What it replaces.")] = "",
           environment: Annotated[str, typer.Option(help="Where.")] = "",
           commit: Annotated[str, typer.Option(help="The commit it was built from.")] = "", url: Url = "",
           rollback: Annotated[bool, typer.Option("--rollback", help="It goes back to an earlier one.")] = False,
           watch: Annotated[str, typer.Option(help="How long the deploy is watched, such as 5m.")] = "",
           changed: Annotated[list[str] | None, typer.Option(help="A changed file; may be given again.")] = None,
           stream: Stream = "", at: At = "", is_json: Json = False) -> None:
    """A version of a service goes out, or back."""
    try:
        window: timedelta | None = parse_duration(watch) if watch else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--watch") from error
    _record(Event(service=service, deploy=Deploy(
        version=version, previous_version=previous, environment=environment, commit=commit, url=url,
        is_rollback=rollback, changed_files=changed or [], watch_window=duration_to_proto(window))),
        stream, at, is_json)


@app.command()
def config(key: Annotated[str, typer.Argument(help="The setting.")],
           new: Annotated[str, typer.Argument(help="Its new value.")], service: Service = "",
           old: Annotated[str, typer.Option(help="Its old value.")] = "", url: Url = "", stream: Stream = "",
           at: At = "", is_json: Json = False) -> None:
    """A setting got another value."""
    _record(Event(service=service, config_change=ConfigChange(key=key, old_value=old, new_value=new, url=url)),
            stream, at, is_json)


@app.command()
def flag(key: Annotated[str, typer.Argument(help="The flag.")],
         new: Annotated[str, typer.Argument(help="Its new value.")], service: Service = "",
         old: Annotated[str, typer.Option(help="Its old value.")] = "", url: Url = "", stream: Stream = "",
         at: At = "", is_json: Json = False) -> None:
    """A feature flag was switched."""
    _record(Event(service=service, flag_change=FlagChange(key=key, old_value=old, new_value=new, url=url)),
            stream, at, is_json)


def _record(event: Event, stream: str, at: str, is_json: bool) -> None:
    try:
        event.occurred_at.FromDatetime(moment(at) if at else datetime.now(UTC))
    except MalformedLine as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error
    event.id, event.source = f"cli-{uuid.uuid4()}", "cli"
    request = RecordEventsRequest(stream=stream, events=[event], request_id=str(uuid.uuid4()))
    response = call(lambda connection: connection.stub(IngestionServiceStub).RecordEvents(request))
    if is_json:
        print_json(response)
    else:
        console.print(f"recorded in stream {stream or 'live'}", markup=False)
