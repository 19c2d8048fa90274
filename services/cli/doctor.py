"""`afteraction doctor`: which doors have received what, when, from whom; which services answer."""

import asyncio
from typing import Annotated

import typer

from afteraction.v1.ingestion_service_pb2 import Door, ListDoorsRequest, ListDoorsResponse
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from services.cli.connection import call, common_settings
from services.cli.output import Json, as_json, console, moment, print_json, print_table
from services.cli.serve import SERVICES, address_of, is_serving
from shared.settings import Common

_SENDERS_SHOWN = 4


def doctor(
    quiet_doors: Annotated[bool, typer.Option("--all", help="Show doors too that have received nothing.")] = False,
    is_json: Json = False,
) -> None:
    """Says which services answer, and which doors have received what, when, from whom."""
    common = common_settings()
    answering = asyncio.run(_answering(common))
    doors = ListDoorsResponse()
    if answering["ingestion"]:
        doors = call(lambda connection: connection.stub(IngestionServiceStub).ListDoors(ListDoorsRequest()))
    if is_json:
        print_json({"services": {name: {"address": address_of(name, common), "is_serving": up}
                                 for name, up in answering.items()}, **as_json(doors)})
    else:
        show(common, answering, doors, quiet_doors)
    if not all(answering.values()):
        raise typer.Exit(1)


async def _answering(common: Common) -> dict[str, bool]:
    answers = await asyncio.gather(*(is_serving(name, common) for name in SERVICES))
    return dict(zip(SERVICES, answers, strict=True))


def show(common: Common, answering: dict[str, bool], doors: ListDoorsResponse, quiet_doors: bool) -> None:
    """Prints what is known. quiet_doors: those too that have received nothing."""
    print_table(("service", "address", "state"), [
        (name, address_of(name, common), "serving" if up else "does not answer") for name, up in answering.items()],
        empty="")
    if not answering["ingestion"]:
        console.print("\nIngestion does not answer, so nothing is known of the doors: `afteraction serve` starts it.")
        return
    shown = [each for each in doors.doors if quiet_doors or each.accepted_requests or each.rejected_requests]
    console.print()
    print_table(("door", "address", "accepted", "refused", "last", "from"), [
        (each.name, each.address or "off", f"{each.accepted_items:,}", _refused(each), moment(each.last_received_at),
         _senders(each)) for each in shown],
        empty="No door has received anything yet; docs/connect/ has the lines to paste.")
    for each in shown:
        if each.last_error:
            when = f" at {moment(each.last_error_at)}" if each.HasField("last_error_at") else ""
            console.print(f"{each.name}: last refused something{when}: {each.last_error}", markup=False)
    for service, count in doors.dropped_series.items():
        console.print(f"{service}: {count:,} series were turned away, the limit of series is reached", markup=False)
    if doors.late_items or doors.future_items:
        console.print(f"{doors.late_items:,} items came later than their stream's watermark, {doors.future_items:,} "
                      "from the future", markup=False)


def _refused(door: Door) -> str:
    """Items out of requests that were taken, and requests that were refused whole."""
    requests = f"{door.rejected_requests:,} request{'s' if door.rejected_requests > 1 else ''}"
    return " and ".join(part for part, there in ((f"{door.rejected_items:,}", door.rejected_items),
                                                 (requests, door.rejected_requests)) if there) or "0"


def _senders(door: Door) -> str:
    """The latest ones: what they send about, and what they call themselves."""
    names = [f"{sender.service} by {agent}" if sender.service and agent else sender.service or agent
             for sender in door.senders for agent in (sender.user_agent.partition(" ")[0],)]
    more = len(names) - _SENDERS_SHOWN
    return ", ".join(names[:_SENDERS_SHOWN]) + (f" and {more} more" if more > 0 else "")
