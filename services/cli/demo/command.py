"""`afteraction demo`: starts everything in a throw-away directory, sends an outage, shows what comes of it."""

import asyncio
import os
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.status import Status

from services.cli.connection import Connection
from services.cli.demo.outages import checkout_outage, wishlist_outage
from services.cli.demo.recording import Recording
from services.cli.demo.story import Told, Watching, drafted, published, tell
from services.cli.output import Json, as_json, console, errors, print_json, print_markdown
from services.cli.sending import Sent
from services.cli.serve import SERVICES, Supervisor, database
from shared.errors import Unavailable
from shared.settings import Common

STREAM = "demo"
_REVIEWER = "demo reviewer"
# What a team of this shop would have configured: who owns what, what a lost order costs, what was promised.
_OWNERS = "checkout-api: team-checkout\nstorefront: team-storefront\npayments: team-payments\ncatalog: team-catalog\n"
_SETTINGS = {"AFTERACTION_DRAFTING_OPERATION_VALUES": "POST /checkouts=50",
             "AFTERACTION_DRAFTING_OBJECTIVE_TARGET": "0.995",
             # Hours of telemetry arrive within seconds here, and ingestion is busy with them when it is asked.
             "AFTERACTION_DRAFTING_EVIDENCE_DEADLINE": "20s"}
_ADDRESSES = ("ingestion_address", "detection_address", "drafting_address", "memory_address", "dashboard_address",
              "otlp_grpc_address", "otlp_http_address")


@dataclass(frozen=True, slots=True)
class Stack:
    """The running services of a demo, and where their settings are."""

    common: Common
    supervisor: Supervisor
    environment: dict[str, str]


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Keep everything running until Ctrl-C.")] = False,
    is_json: Json = False,
) -> None:
    """Replays the checkout outage and what follows from it; prints cards and post-mortem."""
    with tempfile.TemporaryDirectory(prefix="afteraction-demo-", ignore_cleanup_errors=True) as directory:
        raise typer.Exit(asyncio.run(_demo(Path(directory), keep, is_json)))


async def _demo(directory: Path, keep: bool, is_json: bool) -> int:
    began = time.monotonic()
    first, second = Recording(checkout_outage()), None
    with errors.status("starting PostgreSQL and five services") as status:
        async with running(directory) as stack, Connection(stack.common) as connection:
            _say(f"started PostgreSQL and {', '.join(SERVICES)} in {time.monotonic() - began:.1f} s")
            told = await tell(connection, first, STREAM, _progress(status, "the checkout outage"), is_last=False)
            second = Recording(wishlist_outage())
            _say_sent(told, "checkout outage")
            if not is_json:
                _title("The incident card")
                print_markdown(told.card_markdown)
            status.update("waiting for the draft")
            draft = await drafted(connection, told.incident)
            if not is_json:
                _title("The post-mortem draft")
                print_markdown(draft.markdown)
            reviewed = await published(connection, draft, _REVIEWER)
            _say(f"{reviewed.answered} questions answered, {reviewed.waived} findings waived; published as "
                 f"{reviewed.postmortem.name}, remembered as {reviewed.postmortem.document}")
            again = await tell(connection, second, STREAM, _progress(status, "the wishlist outage"), is_last=True)
            _say_sent(again, "wishlist outage")
            status.stop()
            if is_json:
                print_json(_as_json(told, draft, reviewed.postmortem, again))
            else:
                _title("The card of the next incident")
                print_markdown(again.card_markdown)
            _say(f"the card took {told.first_card.latency_s:.2f} s from the arrival of the data that decided it, the "
                 f"draft {draft.latency_s:.2f} s from the resolution; all of it {time.monotonic() - began:.0f} s")
            if keep:
                _say(f"dashboard: http://{stack.common.dashboard_address}/incidents/"
                     f"{told.incident.name.partition('/')[2]}   Ctrl-C ends the demo\n"
                     f"for `.venv/bin/afteraction` in another terminal: export {_exports(stack.common)}")
                await stack.supervisor.stopped()
            else:
                _say("keep it running: `make run`, then open http://127.0.0.1:7400 (data in ./.afteraction); look "
                     "around in this demo: `.venv/bin/afteraction demo --keep`")
    return 0


@asynccontextmanager
async def running(directory: Path, *, is_quiet: bool = True) -> AsyncIterator[Stack]:
    """Every service on free loopback ports, with data in `directory`; stopped when the block ends.

    Raises Unavailable when one of them does not come up.
    """
    common = replace(Common(), data_directory=directory, **dict(zip(_ADDRESSES, _free_addresses(), strict=True)))
    settings = {f"AFTERACTION_{name.upper()}": str(getattr(common, name)) for name in (*_ADDRESSES, "data_directory")}
    inherited = {key: each for key, each in os.environ.items() if not key.startswith("AFTERACTION_")}
    settings |= {"AFTERACTION_DRAFTING_OWNERSHIP_CATALOGUE": str(_catalogue(directory)), **_SETTINGS}
    async with database(common, inherited | settings) as environment:
        supervisor = Supervisor(SERVICES, common, environment, directory / "log", is_quiet=is_quiet)
        ready = asyncio.Event()
        task = asyncio.create_task(supervisor.run(ready))
        coming = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({task, coming}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                raise Unavailable("\n".join(supervisor.said[-5:]) or "the services do not start", reason="NO_START",
                                  retry_after_s=None)
            yield Stack(common, supervisor, environment)
        finally:
            coming.cancel()
            supervisor.stop()
            await task


def _exports(common: Common) -> str:
    """Where the demo's services are, as variables."""
    return " ".join(f"AFTERACTION_{name.upper()}={getattr(common, name)}" for name in _ADDRESSES)


def _catalogue(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "owners.yaml"
    path.write_text(_OWNERS)
    return path


def _free_addresses() -> list[str]:
    """Loopback addresses with ports that nobody has; all are held until the last is known."""
    sockets = [socket.socket() for _ in _ADDRESSES]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
    for each in sockets:
        each.close()
    return addresses


def _progress(status: Status, name: str) -> Watching:
    def sending(at: datetime, sent: Sent) -> None:
        status.update(f"{name}: {at:%H:%M}Z, {sent.points:,} points, {sent.spans:,} spans, {sent.lines:,} log lines")

    return Watching(sending=sending, waiting=lambda what: status.update(f"{name}: waiting for {what}"))


def _say_sent(told: Told, name: str) -> None:
    sent = told.sent
    _say(f"{name}: {sent.points:,} points, {sent.spans:,} spans, {sent.lines:,} log lines and {sent.events} events "
         f"through OTLP and RecordEvents; {told.incident.name} opened: {told.incident.title}")


def _say(sentence: str) -> None:
    errors.print(sentence, markup=False)


def _title(text: str) -> None:
    if sys.stdout.isatty():
        console.rule(text, style="bold")
    else:
        console.print(f"\n===== {text} =====\n", markup=False)


def _as_json(told: Told, draft: Any, published_one: Any, again: Told) -> dict[str, Any]:
    return {"incident": as_json(told.incident), "card": as_json(told.card), "draft": as_json(draft),
            "published": as_json(published_one), "second_incident": as_json(again.incident),
            "second_card": as_json(again.card)}
