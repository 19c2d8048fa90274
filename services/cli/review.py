"""`afteraction review --month 2026-10`: the monthly review, for the meeting."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afteraction.v1.insight_pb2 import MonthlyReview
from afteraction.v1.insight_service_pb2 import GetMonthlyReviewRequest
from afteraction.v1.insight_service_pb2_grpc import InsightServiceStub
from services.cli.connection import Connection, call
from services.cli.output import Json, Stream, console, print_json, print_markdown

if TYPE_CHECKING:
    from afteraction.v1.insight_service_pb2_grpc import InsightServiceAsyncStub


def monthly(month: str, *, stream: str = "", calendar: Path | None = None, is_json: bool = False) -> None:
    """Print the review of `month` (2026-10) as Markdown; `calendar` names a file for the meeting's iCalendar entry."""
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


def review(
    month: Annotated[str, typer.Option(help="The month, such as 2026-10.")],
    stream: Stream = "",
    calendar: Annotated[Path | None, typer.Option(help="File for the meeting's iCalendar entry.")] = None,
    is_json: Json = False,
) -> None:
    """Prints the monthly review."""
    monthly(month, stream=stream, calendar=calendar, is_json=is_json)
