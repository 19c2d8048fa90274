"""`afteraction review ID`: a draft to its publication; `afteraction review --month 2026-10`: the month's meeting."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afteraction.v1.insight_pb2 import MonthlyReview
from afteraction.v1.insight_service_pb2 import GetMonthlyReviewRequest
from afteraction.v1.insight_service_pb2_grpc import InsightServiceStub
from services.cli.connection import Connection, call
from services.cli.output import Json, Stream, console, print_json, print_markdown
from services.cli.postmortem.reading import By
from services.cli.postmortem.walk import walk

if TYPE_CHECKING:
    from afteraction.v1.insight_service_pb2_grpc import InsightServiceAsyncStub


def review(
    by: By,
    name: Annotated[str, typer.Argument(help="postmortems/ID, incidents/ID, or the ID alone: walk through it.")] = "",
    month: Annotated[str, typer.Option(help="Instead: the review of a month, such as 2026-10.")] = "",
    stream: Stream = "",
    calendar: Annotated[Path | None, typer.Option(help="With --month: file for the meeting's iCalendar entry.")] = None,
    is_json: Json = False,
) -> None:
    """Walks through a draft's questions, findings and action items, and publishes; or prints a month's review."""
    if bool(name) == bool(month):
        raise typer.BadParameter("give the ID of a post-mortem, or --month 2026-10")
    if month:
        monthly(month, stream=stream, calendar=calendar, is_json=is_json)
    else:
        walk(name, by)


def monthly(month: str, *, stream: str = "", calendar: Path | None = None, is_json: bool = False) -> None:
    """Prints the review of `month` (2026-10) as Markdown; `calendar` names a file for the meeting's iCalendar entry."""

    async def ask(connection: Connection) -> MonthlyReview:
        insights: InsightServiceAsyncStub = connection.stub(InsightServiceStub)
        return await insights.GetMonthlyReview(GetMonthlyReviewRequest(month=month, stream=stream))

    found = call(ask)
    if calendar is not None:
        calendar.write_bytes(found.icalendar.encode())
    if is_json:
        print_json(found)
        return
    print_markdown(found.markdown)
    if calendar is not None:
        console.print(f"calendar written to {calendar}", markup=False)
