"""`afteraction doctor`: which doors have received what, when, from whom; which services answer."""

import asyncio
from typing import Annotated

import typer

from afteraction.v1.ingestion_service_pb2 import ListDoorsRequest, ListDoorsResponse
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
        _print(common, answering, doors, quiet_doors)
    if not all(answering.values()):
        raise typer.Exit(1)


async def _answering(common: Common) -> dict[str, bool]:
    answers = await asyncio.gather(*(is_serving(name, common) for name in SERVICES))
    return dict(zip(SERVICES, answers, strict=True))


def _print(common: Common, answering: dict[str, bool], doors: ListDoorsResponse, quiet_doors: bool) -> None:
    print_table(("service", "address", "state"), [
        (name, address_of(name, common), "serving" if up else "does not answer") for name, up in answering.items()],
        empty="")
    if not answering["ingestion"]:
        console.print("\nIngestion does not answer, so nothing is known of the doors: `afteraction serve` starts it.")
        return
    shown = [each for each in doors.doors if quiet_doors or each.accepted_requests or each.rejected_requests]
    console.print()
    print_table(("door", "address", "accepted", "refused", "last", "from"), [
        (each.name, each.address or "off", f"{each.accepted_items:,}", f"{each.rejected_items:,}",
         moment(each.last_received_at), ", ".join(sender.service or sender.user_agent
                                                  for sender in each.senders[:_SENDERS_SHOWN])
         + (f" and {len(each.senders) - _SENDERS_SHOWN} more" if len(each.senders) > _SENDERS_SHOWN else ""))
        for each in shown], empty="No door has received anything yet; docs/connect/ has the lines to paste.")
    for each in shown:
        if each.last_error:
            console.print(f"{each.name}: last refused because {each.last_error}", markup=False)
    for service, count in doors.dropped_series.items():
        console.print(f"{service}: {count:,} series were turned away, the limit of series is reached", markup=False)
    if doors.late_items or doors.future_items:
        console.print(f"{doors.late_items:,} items came later than their stream's watermark, {doors.future_items:,} "
                      "from the future", markup=False)
