"""`afteraction replay CASE_DIR`: a recorded incident through the public doors, in a stream of its own."""

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from afteraction.v1.incident_pb2 import Incident, IncidentState, Severity
from afteraction.v1.incident_service_pb2 import GetStreamRequest, ListIncidentsRequest, Stream
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from services.cli.connection import Connection, call
from services.cli.output import Json, between, console, enum_word, errors, moment, print_json, print_table
from services.cli.replay_lines import TELEMETRY, Line, MalformedLine, event, requests
from services.cli.replay_lines import moment as moment_of
from services.cli.sending import Sender, Sent
from shared.errors import DeadlineExceeded, InvalidArgument, NotFound

if TYPE_CHECKING:
    from afteraction.v1.incident_service_pb2_grpc import IncidentServiceAsyncStub

# Lines read before they are sent and the stream's time is marked.
_LINES_AT_ONCE = 4000
_POLL_S = 0.05
Progress = Callable[[datetime, Sent], None]


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay sent, what detection made of it, and how long that took by the wall clock (s)."""

    stream: str
    sent: Sent
    incidents: tuple[Incident, ...]
    sending_s: float
    waiting_s: float
    first_at: datetime | None = None
    last_at: datetime | None = None
    services: tuple[str, ...] = field(default=())


def _ignore(at: datetime, sent: Sent) -> None:
    """For callers who need no progress."""


async def replay_case(connection: Connection, directory: Path, stream: str, progress: Progress = _ignore, *,
                      deadline_s: float = 300.0) -> Replay:
    """Sends the case in `directory`, closes the stream, and waits until detection has taken in all of it.

    Raises InvalidArgument when there is no case or a line of it cannot be read, DeadlineExceeded when detection is not
    done `deadline_s` after the last line.
    """
    began = time.monotonic()
    services: set[str] = set()
    first = last = None
    async with Sender(connection, stream) as sender:
        lines = read_lines(find_telemetry(directory))
        while batch := await asyncio.to_thread(lambda: list(islice(lines, _LINES_AT_ONCE))):
            services.update(line["service"] for line in batch if line.get("service"))
            first = first or moment_of(batch[0]["t"])
            last = moment_of(batch[-1]["t"])
            await _send(sender, batch, directory)
            await sender.mark(last)
            progress(last, sender.sent)
        if last is None:
            raise InvalidArgument(f"{directory} holds no line of telemetry", reason="EMPTY_CASE", field="directory")
        position = await sender.mark(last, is_last=True)
    sent = time.monotonic()
    await taken_in(connection, stream, position, deadline_s=deadline_s)
    incidents = await incidents_of(connection, stream)
    return Replay(stream, sender.sent, incidents, sent - began, time.monotonic() - sent, first, last,
                  tuple(sorted(services)))


async def _send(sender: Sender, batch: list[Line], directory: Path) -> None:
    try:
        for request in requests(line for line in batch if line["kind"] in TELEMETRY):
            await sender.send(request)
        events = [event(line) for line in batch if line["kind"] not in TELEMETRY]
    except (MalformedLine, KeyError) as error:
        raise InvalidArgument(f"a line of {directory} cannot be sent: {error}", reason="MALFORMED_LINE",
                              field="directory") from error
    if events:
        await sender.record(events)


def find_telemetry(directory: Path) -> Path:
    """The file with the case's lines. Raises InvalidArgument when there is none."""
    candidates = [directory] if directory.is_file() else [directory / f"telemetry.ndjson{end}" for end in (".gz", "")]
    for path in candidates:
        if path.is_file():
            return path
    raise InvalidArgument(f"{directory} has neither telemetry.ndjson.gz nor telemetry.ndjson", reason="NO_CASE",
                          field="directory")


def read_lines(path: Path) -> Iterator[Line]:
    """The lines of a case, in the order of the file. Raises InvalidArgument naming the first that is not an object."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, text in enumerate(file, 1):
            if not text.strip():
                continue
            try:
                line = json.loads(text)
                line["kind"], line["t"]
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise InvalidArgument(f"{path}:{number} is not a JSON object with `t` and `kind`: {error}",
                                      reason="MALFORMED_LINE", field="directory") from error
            yield line


async def taken_in(connection: Connection, stream: str, position: int, *, deadline_s: float) -> Stream:
    """Detection's view of `stream` once its effects up to `position` are committed. Raises DeadlineExceeded."""
    incidents: IncidentServiceAsyncStub = connection.stub(IncidentServiceStub)
    until = time.monotonic() + deadline_s
    reached = 0
    while time.monotonic() < until:
        try:
            state = await incidents.GetStream(GetStreamRequest(stream=stream))
        except NotFound:
            state = Stream()  # nothing of it has reached detection yet
        reached = state.position
        if reached >= position:
            return state
        await asyncio.sleep(_POLL_S)
    raise DeadlineExceeded(f"detection has come to position {reached} of stream {stream}, not to {position}, within "
                           f"{deadline_s:.0f} s", reason="DETECTION_BEHIND", resource=stream)


async def incidents_of(connection: Connection, stream: str) -> tuple[Incident, ...]:
    """Every incident of a stream, earliest first."""
    stub: IncidentServiceAsyncStub = connection.stub(IncidentServiceStub)
    found: list[Incident] = []
    token = ""
    while True:
        page = await stub.ListIncidents(ListIncidentsRequest(stream=stream, page_size=100, page_token=token))
        found += page.incidents
        token = page.next_page_token
        if not token:
            return tuple(sorted(found, key=lambda each: each.onset_at.ToNanoseconds()))


def replay(
    directory: Annotated[Path, typer.Argument(help="A case: a folder with telemetry.ndjson[.gz], or that file.")],
    stream: Annotated[str, typer.Option(help="The stream to send it in; by default one of its own.")] = "",
    deadline: Annotated[float, typer.Option(help="Seconds to wait for detection after the last line.")] = 300.0,
    is_json: Json = False,
) -> None:
    """Sends a recorded incident through the public doors and prints what was opened."""
    name = stream or f"replay-{directory.resolve().name}-{time.time_ns() // 1_000_000_000}"
    with errors.status(f"sending {directory}") as status:
        def progress(at: datetime, sent: Sent) -> None:
            status.update(f"{at:%Y-%m-%d %H:%M}Z  {sent.points:,} points, {sent.lines:,} lines, {sent.spans:,} spans")
        result = call(lambda connection: replay_case(connection, directory, name, progress, deadline_s=deadline))
    if is_json:
        print_json({"stream": result.stream, "incidents": list(result.incidents), "points": result.sent.points,
                    "lines": result.sent.lines, "spans": result.sent.spans, "events": result.sent.events,
                    "rejected": result.sent.rejected, "refusal": result.sent.refusal,
                    "sending_s": round(result.sending_s, 3), "waiting_s": round(result.waiting_s, 3)})
        return
    sent = result.sent
    console.print(f"stream {result.stream}: {sent.points:,} points, {sent.lines:,} log lines, {sent.spans:,} spans, "
                  f"{sent.events} events in {result.sending_s:.1f} s; detection done {result.waiting_s:.1f} s later")
    if sent.rejected:
        console.print(f"{sent.rejected} items were refused: {sent.refusal}")
    print_incidents(result.incidents, empty="No incident was opened.")


def print_incidents(incidents: tuple[Incident, ...], *, empty: str) -> None:
    """A row for each."""
    print_table(("incident", "severity", "state", "onset", "lasted", "title"), [
        (each.name, enum_word(Severity.Name(each.severity), "SEVERITY_"),
         enum_word(IncidentState.Name(each.state), "INCIDENT_STATE_"), moment(each.onset_at),
         between(each.onset_at, each.recovered_at), each.title) for each in incidents], empty=empty)
