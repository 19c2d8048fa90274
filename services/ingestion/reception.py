"""What every door does with a request: let it in while there is room, decode, redact, store, count."""

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

from google.protobuf.message import DecodeError

from services.ingestion.committer import Committer
from services.ingestion.doors import Doors
from services.ingestion.intake import Decoded, Intake
from services.ingestion.patterns import Pattern
from services.ingestion.settings import Settings
from services.ingestion.store.log import Entry, TelemetryLog
from services.ingestion.watermark import LIVE
from shared.clock import Clock
from shared.errors import AfteractionError, InvalidArgument, ResourceExhausted
from shared.offload import Offload
from shared.postgres.pool import AWAY

_STREAM = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_RETRY_AFTER_S = 2.0


class Kind(Enum):
    """The three requests of OTLP."""

    METRICS = "metrics"
    LOGS = "logs"
    TRACES = "traces"


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
    """Takes OTLP requests in, whichever way they came."""

    def __init__(self, *, intake: Intake, committer: Committer, log: TelemetryLog, doors: Doors, offload: Offload,
                 settings: Settings, clock: Clock) -> None:
        self._intake = intake
        self._committer = committer
        self._log = log
        self._doors = doors
        self._offload = offload
        self._settings = settings
        self._clock = clock
        self._pending_bytes = 0

    async def receive(self, kind: Kind, body: bytes, origin: Origin) -> Decoded:
        """Stores a request; what is returned is durable. Raises InvalidArgument when it is no such request,
        ResourceExhausted when there is no room, and what PostgreSQL raises while it is away."""
        try:
            async with self._room(len(body)):
                decoded = await self._store(kind, body, origin)
        except (AfteractionError, *AWAY) as error:
            self._doors[origin.door].reject(self._clock.now(), str(error))
            raise
        self._doors[origin.door].accept(
            self._clock.now(), stream=origin.stream, services={chunk.service for chunk in decoded.chunks},
            user_agent=origin.user_agent, items=decoded.items, rejected=decoded.rejected, message=decoded.message)
        return decoded

    @asynccontextmanager
    async def _room(self, size: int) -> AsyncIterator[None]:
        if size > self._settings.max_request_bytes:
            raise InvalidArgument(f"the request has {size} bytes, more than max_request_bytes "
                                  f"({self._settings.max_request_bytes}); send smaller batches",
                                  reason="REQUEST_TOO_LARGE")
        if self._pending_bytes + size > self._settings.max_pending_bytes:
            raise ResourceExhausted("too much is under way at once; try again", reason="TOO_BUSY",
                                    retry_after_s=_RETRY_AFTER_S)
        self._pending_bytes += size
        try:
            yield
        finally:
            self._pending_bytes -= size

    async def _store(self, kind: Kind, body: bytes, origin: Origin) -> Decoded:
        if not _STREAM.match(origin.stream):
            raise InvalidArgument(f"stream {origin.stream[:140]!r} is not 1 to 128 of A-Z a-z 0-9 . _ -",
                                  reason="MALFORMED_STREAM", field="afteraction-stream")
        if not self._intake.knows(origin.stream):
            patterns = await self._log.patterns(origin.stream)
            spans = await self._log.spans(origin.stream, self._clock.now() - self._settings.duplicate_window)
            await self._offload.run(self._restore, origin.stream, patterns, spans)
        arrived_at = int(self._clock.now().timestamp() * 1e9)
        read = {Kind.METRICS: self._intake.metrics, Kind.LOGS: self._intake.logs, Kind.TRACES: self._intake.traces}
        try:
            decoded = await self._offload.run(read[kind], origin.stream, body, arrived_at)
        except DecodeError as error:
            raise InvalidArgument(f"the body is no OTLP {kind.value} request: {error}", reason="MALFORMED_REQUEST",
                                  field="body") from None
        if decoded.chunks:
            entry = Entry(origin.stream, decoded.chunks, digest(kind, body, origin), decoded.series, decoded.patterns)
            await self._committer.submit(entry, sender=origin.sender, size=len(body))
            if decoded.series or decoded.patterns or decoded.spans:
                await self._offload.run(self._intake.stored, origin.stream, decoded)
        return decoded

    def _restore(self, stream: str, patterns: list[Pattern], spans: list[tuple[str, bytes]]) -> None:
        if not self._intake.knows(stream):
            self._intake.restore(stream, patterns, spans)


def digest(kind: Kind, body: bytes, origin: Origin) -> bytes:
    """Tells a request from every other of the last minutes: the same bytes, into one stream, by one sender."""
    found = hashlib.blake2b(f"{kind.value}|{origin.stream}|{origin.sender}|".encode("utf-8", "replace"), digest_size=16)
    found.update(body)
    return found.digest()
