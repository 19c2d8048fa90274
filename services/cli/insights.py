"""`afteraction insights`: numbers over many incidents; `insights survival`: how much of the drafts was published."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from afteraction.v1.insight_pb2 import Insights, Survival
from afteraction.v1.insight_service_pb2 import GetInsightsRequest, GetSurvivalRequest
from afteraction.v1.insight_service_pb2_grpc import InsightServiceStub
from services.cli.connection import Connection, call
from services.cli.output import Json, Stream, console, print_json, print_table
from shared.timestamps import to_proto

if TYPE_CHECKING:
    from afteraction.v1.insight_service_pb2_grpc import InsightServiceAsyncStub

app = typer.Typer(help="Numbers over many incidents, each with what is behind it.")


@app.callback(invoke_without_command=True)
def insights(
    context: typer.Context,
    start: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")] = None,
    end: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last day.")] = None,
    stream: Stream = "",
    is_json: Json = False,
    show_sources: Annotated[bool, typer.Option("--sources", help="List the incidents behind each number.")] = False,
) -> None:
    """Coverage, times, survival, action items, recurrence."""
    if context.invoked_subcommand:
        return
    until = end.replace(tzinfo=UTC) + timedelta(days=1) if end else None
    asked = GetInsightsRequest(stream=stream, until=to_proto(until), **{
        "from": to_proto(start.replace(tzinfo=UTC) if start else None)})

    async def ask(connection: Connection) -> Insights:
        client: InsightServiceAsyncStub = connection.stub(InsightServiceStub)
        return await client.GetInsights(asked)

    found = call(ask)
    if is_json:
        print_json(found)
        return
    columns = ["measure", "service", "severity", "value", "median", "p90", "count"]
    columns += ["sources"] if show_sources else []
    print_table(columns, [[
        each.title, each.service, each.severity, _amount(each.value, each.unit), _amount(each.median, each.unit),
        _amount(each.p90, each.unit), str(each.count), *([" ".join(each.sources)] if show_sources else [])]
        for each in found.measures], empty="no incidents in these days")


@app.command()
def survival(
    postmortem: Annotated[str, typer.Argument(help="postmortems/{id}; default: all that are published.")] = "",
    stream: Stream = "",
    is_json: Json = False,
) -> None:
    """How much of each draft stands, word by word, in what was published; by section."""
    async def ask(connection: Connection) -> Survival:
        client: InsightServiceAsyncStub = connection.stub(InsightServiceStub)
        return await client.GetSurvival(GetSurvivalRequest(postmortem=postmortem, stream=stream))

    found = call(ask)
    if is_json:
        print_json(found)
        return
    print_table(["post-mortem", "section", "drafted", "survived", "published", "survival"], [[
        each.postmortem, each.section, str(each.drafted_words), str(each.surviving_words), str(each.published_words),
        f"{each.survival:.0%}"] for each in found.rows], empty="nothing is published yet")
    if found.rows:
        console.print(f"in all {found.survival:.0%}")


def _amount(value: float, unit: str) -> str:
    if unit == "s":
        return str(timedelta(seconds=round(value)))
    return f"{value:.0%}" if unit == "share" else f"{value:.3g}"
