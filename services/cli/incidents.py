"""`afteraction incidents`: lists incidents, shows one, and does to one what a person may do."""

from typing import TYPE_CHECKING, Annotated

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1.event_pb2 import Event
from afteraction.v1.incident_pb2 import Incident, IncidentState, Severity, Signal
from afteraction.v1.incident_service_pb2 import (
    AcknowledgeIncidentRequest,
    DeclareIncidentRequest,
    GetIncidentRequest,
    ListIncidentsRequest,
    MergeIncidentsRequest,
    ReopenIncidentRequest,
    ResolveIncidentRequest,
    SplitIncidentRequest,
    UpdateIncidentRequest,
)
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from services.cli.connection import Connection, call
from services.cli.names import full_name
from services.cli.names import severity as as_severity
from services.cli.output import Json, Stream, console, enum_word, length, moment, print_json, print_table
from services.cli.replay import print_incidents

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

app = typer.Typer(help="Lists incidents, shows one, and does to one what a person may do.")
STATES = {enum_word(name, "INCIDENT_STATE_"): number for name, number in IncidentState.items() if number}
Name = Annotated[str, typer.Argument(help="incidents/ID, or the ID alone.")]
By = Annotated[str, typer.Option("--by", help="Who does it.")]


def _stub(connection: Connection) -> "IncidentServiceAsyncStub":
    return connection.stub(IncidentServiceStub)


@app.callback(invoke_without_command=True)
def incidents(context: typer.Context, stream: Stream = "",
              service: Annotated[str, typer.Option(help="Only of this service.")] = "",
              state: Annotated[str, typer.Option(help=f"Only in this state: {', '.join(STATES)}.")] = "",
              limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
              is_json: Json = False) -> None:
    """Lists incidents, newest first."""
    if context.invoked_subcommand:
        return
    if state and state not in STATES:
        raise typer.BadParameter(f"{state} is none of {', '.join(STATES)}", param_hint="--state")
    request = ListIncidentsRequest(stream=stream, service=service, page_size=limit,
                                   states=[STATES[state]] if state else [])
    found = call(lambda connection: _stub(connection).ListIncidents(request)).incidents
    if is_json:
        print_json(list(found))
    else:
        print_incidents(tuple(found), empty=f"No incident in stream {stream or 'live'}.")


@app.command()
def show(name: Name, is_json: Json = False) -> None:
    """Shows one incident: its anomalies, changes before it and timeline."""
    _print(call(lambda connection: _stub(connection).GetIncident(
        GetIncidentRequest(name=full_name("incidents", name)))), is_json)


@app.command()
def declare(title: Annotated[str, typer.Argument(help="What is wrong, in a few words.")],
            service: Annotated[str, typer.Option(help="The service that is away from its normal.")],
            by: By = "", severity: Annotated[str, typer.Option(help="P1 to P4.")] = "P2", stream: Stream = "",
            is_json: Json = False) -> None:
    """Opens an incident that no signal has opened."""
    request = DeclareIncidentRequest(stream=stream, service=service, title=title, declared_by=by,
                                     severity=as_severity(severity))
    _print(call(lambda connection: _stub(connection).DeclareIncident(request)), is_json)


@app.command()
def acknowledge(name: Name, by: By, is_json: Json = False) -> None:
    """Takes an incident on."""
    request = AcknowledgeIncidentRequest(name=full_name("incidents", name), responder=by)
    _print(call(lambda connection: _stub(connection).AcknowledgeIncident(request)), is_json)


@app.command()
def resolve(name: Name, by: By, is_json: Json = False) -> None:
    """Says that an incident is over."""
    request = ResolveIncidentRequest(name=full_name("incidents", name), responder=by)
    _print(call(lambda connection: _stub(connection).ResolveIncident(request)), is_json)


@app.command()
def reopen(name: Name, by: By, is_json: Json = False) -> None:
    """Says that an incident was not over."""
    request = ReopenIncidentRequest(name=full_name("incidents", name), responder=by)
    _print(call(lambda connection: _stub(connection).ReopenIncident(request)), is_json)


@app.command()
def merge(name: Name, others: Annotated[list[str], typer.Argument(help="The incidents that become part of it.")],
          by: By, is_json: Json = False) -> None:
    """Makes several incidents one."""
    request = MergeIncidentsRequest(name=full_name("incidents", name), responder=by,
                                    others=[full_name("incidents", each) for each in others])
    _print(call(lambda connection: _stub(connection).MergeIncidents(request)), is_json)


@app.command()
def split(name: Name, services: Annotated[list[str], typer.Argument(help="The services that leave it.")], by: By,
          is_json: Json = False) -> None:
    """Makes an incident of their own out of some of its services; shows that one."""
    request = SplitIncidentRequest(name=full_name("incidents", name), services=services, responder=by)
    _print(call(lambda connection: _stub(connection).SplitIncident(request)), is_json)


@app.command()
def update(name: Name, by: By, severity: Annotated[str, typer.Option(help="P1 to P4.")] = "",
           title: Annotated[str, typer.Option(help="Another title.")] = "",
           ticket: Annotated[str, typer.Option(help="URL of its ticket.")] = "",
           tag: Annotated[list[str] | None, typer.Option(help="All its tags from now on; may be given again.")] = None,
           is_json: Json = False) -> None:
    """Changes severity, title, ticket or tags: what a person says stands over what was measured."""
    wanted = Incident(name=full_name("incidents", name), title=title, ticket_url=ticket, tags=tag or [],
                      severity=as_severity(severity) if severity else Severity.SEVERITY_UNSPECIFIED)
    given = {"severity": severity, "title": title, "ticket_url": ticket, "tags": tag}
    request = UpdateIncidentRequest(incident=wanted, responder=by,
                                    update_mask=FieldMask(paths=[field for field, value in given.items() if value]))
    if not request.update_mask.paths:
        raise typer.BadParameter("say what to change: --severity, --title, --ticket or --tag")
    _print(call(lambda connection: _stub(connection).UpdateIncident(request)), is_json)


def _print(incident: Incident, is_json: bool) -> None:
    if is_json:
        print_json(incident)
        return
    severity = enum_word(Severity.Name(incident.severity), "SEVERITY_")
    state = enum_word(IncidentState.Name(incident.state), "INCIDENT_STATE_")
    console.print(f"{incident.name}  {severity}  {state}", markup=False)
    console.print(incident.title, markup=False, style="bold")
    console.print(f"{incident.severity_reason}\nservices {', '.join(incident.services)}\n"
                  f"onset {moment(incident.onset_at)}  detected {moment(incident.detected_at)}  "
                  f"recovered {moment(incident.recovered_at)}  resolved {moment(incident.resolved_at)}\n", markup=False)
    print_table(("anomaly of", "measure", "observed", "baseline", "z", "peak", "from", "until"), [
        (" ".join(part for part in (each.service, each.operation) if part),
         each.metric_name or enum_word(Signal.Name(each.signal), "SIGNAL_"), f"{each.observed:.4g} {each.unit}",
         f"{each.baseline:.4g}", f"{each.z:.1f}", f"{each.peak_observed:.4g}", moment(each.onset_at),
         moment(each.recovered_at)) for each in incident.anomalies], empty="No anomaly.")
    console.print()
    if incident.changes:
        print_table(("before the onset", "change", "of", "hops away"), [
            (length(each.before_onset.ToTimedelta()), _change(each.event), each.event.service,
             str(each.hops) if each.hops >= 0 else "unknown") for each in incident.changes], empty="")
        console.print()
    print_table(("when", "what", "by"), [(moment(each.occurred_at), each.text, each.actor)
                                         for each in incident.timeline], empty="Nothing on its timeline.")


def _change(event: Event) -> str:
    """A change in a few words: its kind, and the version, key or name that it is about."""
    kind = event.WhichOneof("kind") or "change"
    what = getattr(event, kind, None)
    named = next((str(getattr(what, field)) for field in ("version", "key", "flag", "name", "description")
                  if getattr(what, field, "")), "")
    return f"{kind.replace('_', ' ')} {named}".strip()
