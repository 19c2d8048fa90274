"""What every door does with a request: let it in while there is room, decode, redact, store, count."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import partial

from google.protobuf.message import DecodeError

from services.ingestion.chunks import Chunk, Signal
from services.ingestion.committer import Committer
from services.ingestion.doors import Doors
from services.ingestion.intake import Decoded, Intake, Outcome
from services.ingestion.patterns import Pattern
from services.ingestion.room import Room
from services.ingestion.settings import Settings
from services.ingestion.store.log import Entry, TelemetryLog
from services.ingestion.watermark import LIVE
from shared.clock import Clock
from shared.errors import InvalidArgument, Unavailable
from shared.offload import Offload

# Metadata over gRPC, a header over HTTP.
STREAM_KEY = "afteraction-stream"
_STREAM = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")


class Kind(Enum):
    """The three requests of OTLP, and the two of remote write."""

    METRICS = "OTLP metrics"
    LOGS = "OTLP logs"
    TRACES = "OTLP traces"
    REMOTE_WRITE_1 = "prometheus.WriteRequest"
    REMOTE_WRITE_2 = "io.prometheus.write.v2.Request"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from. host: the peer without its port, which changes with every connection."""

    door: str
    host: str = ""
    user_agent: str = ""
    stream: str = LIVE

    @property
    def sender(self) -> str:
        return f"{self.host}|{self.user_agent}"


class Reception:
    """Takes requests in, whichever way they came."""

    def __init__(self, *, intake: Intake, committer: Committer, log: TelemetryLog, doors: Doors, offload: Offload,
                 settings: Settings, clock: Clock, room: Room) -> None:
        self._intake = intake
        self._committer = committer
        self._log = log
        self._doors = doors
        self._offload = offload
        self._settings = settings
        self._clock = clock
        self._room = room

    async def receive(self, kind: Kind, body: bytes, origin: Origin) -> Decoded:
        """Stores a request; what is returned is durable. Raises InvalidArgument when it is no such request,
        ResourceExhausted when there is no room, and what PostgreSQL raises while it is away."""
        with self._admitted(len(body)):
            decoded = await self._store(kind, body, origin)
        self._doors[origin.door].accept(
            self._clock.now(), stream=origin.stream, services=_senders(decoded.chunks),
            user_agent=origin.user_agent, items=decoded.items, rejected=decoded.rejected, message=decoded.message)
        return decoded

    @contextmanager
    def _admitted(self, size: int) -> Iterator[None]:
        if size > self._settings.max_request_bytes:
            raise InvalidArgument(f"the request has {size} bytes, more than max_request_bytes "
                                  f"({self._settings.max_request_bytes}); send smaller batches",
                                  reason="REQUEST_TOO_LARGE")
        with self._room.hold(size):
            yield

    async def _store(self, kind: Kind, body: bytes, origin: Origin) -> Decoded:
        check_stream(origin.stream)
        outcome: Outcome = Future()
        try:
            decoded = await self._decode(kind, body, origin.stream, outcome)
            await self._await(decoded.others)
            stored = self._queue(kind, body, origin, decoded)
        except BaseException:
            outcome.set_result(False)
            raise
        # Told even when the sender has hung up meanwhile: its request is stored or it is not.
        stored.add_done_callback(lambda done: outcome.set_result(not done.cancelled() and done.exception() is None))
        await asyncio.shield(stored)
        if decoded.series or decoded.patterns:
            await self._offload.run(self._intake.stored, origin.stream, decoded)
        return decoded

    async def _decode(self, kind: Kind, body: bytes, stream: str, outcome: Outcome) -> Decoded:
        if not self._intake.knows(stream):
            patterns = await self._log.patterns(stream)
            spans = await self._log.spans(stream, self._clock.now() - self._settings.duplicate_window)
            await self._offload.run(self._restore, stream, patterns, spans)
        arrived_at = int(self._clock.now().timestamp() * 1e9)
        read: dict[Kind, Callable[[str, bytes, int], Decoded]] = {
            Kind.METRICS: self._intake.metrics, Kind.LOGS: self._intake.logs,
            Kind.TRACES: partial(self._intake.traces, outcome=outcome),
            Kind.REMOTE_WRITE_1: self._intake.remote_write_1, Kind.REMOTE_WRITE_2: self._intake.remote_write_2}
        try:
            return await self._offload.run(read[kind], stream, body, arrived_at)
        except DecodeError as error:
            raise InvalidArgument(f"the body is no {kind.value} request: {error}", reason="MALFORMED_REQUEST",
                                  field="body") from None

    async def _await(self, others: Iterable[Outcome]) -> None:
        """Waits for requests that brought some of the same spans. Raises Unavailable when one of them came to nothing:
        sent again, the spans are taken from this one."""
        for other in others:
            if not await asyncio.shield(asyncio.wrap_future(other)):
                raise Unavailable("a request with some of the same spans, under way at the same time, was not stored; "
                                  "try again", reason="SPANS_NOT_STORED", retry_after_s=0.1)

    def _queue(self, kind: Kind, body: bytes, origin: Origin, decoded: Decoded) -> "asyncio.Future[int]":
        if decoded.chunks:
            entry = Entry(origin.stream, decoded.chunks, digest(kind, body, origin), decoded.series, decoded.patterns)
            return self._committer.queue(entry, sender=origin.sender, size=len(body))
        nothing: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        nothing.set_result(0)
        return nothing

    def _restore(self, stream: str, patterns: list[Pattern], spans: list[tuple[str, bytes]]) -> None:
        if not self._intake.knows(stream):
            self._intake.restore(stream, patterns, spans)


def _senders(chunks: Iterable[Chunk]) -> set[str]:
    """The services that sent: not those of which nothing is said but that others called them."""
    return {chunk.service for chunk in chunks if chunk.raw or chunk.signal is not Signal.SPANS}


def check_stream(stream: str) -> None:
    """Raises InvalidArgument when a stream cannot have that name."""
    if not _STREAM.match(stream):
        raise InvalidArgument(f"stream {stream[:140]!r} is not 1 to 128 of A-Z a-z 0-9 . _ -",
                              reason="MALFORMED_STREAM", field=STREAM_KEY)


def digest(kind: Kind, body: bytes, origin: Origin) -> bytes:
    """Tells a request from every other of the last minutes: the same bytes, into one stream, by one sender."""
    found = hashlib.blake2b(f"{kind.value}|{origin.stream}|{origin.sender}|".encode("utf-8", "replace"), digest_size=16)
    found.update(body)
    return found.digest()
