"""Following the log: rows in order of commit, each series defined once."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1 import series_pb2
from services.ingestion.chunks import unpacked
from services.ingestion.committer import Committer
from services.ingestion.store.log import Row, TelemetryLog
from services.ingestion.watermark import Progress
from shared.offload import Offload

_ROWS = 256
# Another process may have committed, of which ours hears nothing.
_POLL_S = 1.0
_HEARTBEAT_S = 5.0


class Tail:
    """One reader's way through the log."""

    def __init__(self, log: TelemetryLog, committer: Committer, offload: Offload) -> None:
        self._log = log
        self._committer = committer
        self._offload = offload

    async def read(self, after: int, *, stream: str, follow: bool) -> AsyncIterator[pb.TailResponse]:
        """Rows behind `after`; with `follow` it waits for more, else it ends at the present end."""
        changed = asyncio.Event()
        forget = self._committer.listen(changed.set)
        sent: set[int] = set()
        try:
            silence_s = 0.0
            while True:
                changed.clear()
                # Read first: every row up to here is visible to the query that follows.
                until = await self._log.head()
                before = after
                async for response in self._rows(after, until, stream, sent):
                    after = response.position
                    yield response
                if until > after or not follow:
                    # Rows of other streams move the position as well.
                    after = max(after, until)
                    yield pb.TailResponse(position=after, is_heartbeat=True)
                if not follow:
                    return
                silence_s = 0.0 if after > before else silence_s
                try:
                    async with asyncio.timeout(_POLL_S):
                        await changed.wait()
                except TimeoutError:
                    silence_s += _POLL_S
                if silence_s >= _HEARTBEAT_S:
                    silence_s = 0.0
                    yield pb.TailResponse(position=after, is_heartbeat=True)
        finally:
            forget()

    async def _rows(self, after: int, until: int, stream: str, sent: set[int]) -> AsyncIterator[pb.TailResponse]:
        while after < until:
            rows = await self._log.tail(after, until, stream=stream, limit=_ROWS)
            if not rows:
                return
            responses = await self._offload.run(_responses, rows)
            new = {identifier for _, identifiers in responses for identifier in identifiers} - sent
            definitions = {each.id: each for each in map(series_pb2.Series.FromString,
                                                         await self._log.definitions(sorted(new)))} if new else {}
            for response, identifiers in responses:
                response.series.extend(definitions[each] for each in identifiers
                                       if each not in sent and each in definitions)
                sent.update(identifiers)
                yield response
            after = rows[-1].position


def _responses(rows: list[Row]) -> list[tuple[pb.TailResponse, list[int]]]:
    """Each row as a message, with the ids of its series in the order of their numbers."""
    return [_response(row) for row in rows]


def _response(row: Row) -> tuple[pb.TailResponse, list[int]]:
    response = unpacked(row.columns)
    response.position = row.position
    response.stream = row.stream
    _say(response, row.progress)
    ids = np.concatenate([np.frombuffer(response.points.series_ids, "<u8"),
                          np.frombuffer(response.histograms.series_ids, "<u8")])
    return response, np.unique(ids).tolist()


def _say(response: pb.TailResponse, progress: Progress) -> None:
    if progress.watermark:
        response.watermark.FromNanoseconds(progress.watermark)
    response.is_closed = progress.is_closed
