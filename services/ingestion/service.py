"""IngestionService: events in, and the two ways of reading the log."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace

from afteraction.v1 import ingestion_service_pb2 as pb
from afteraction.v1 import ingestion_service_pb2_grpc as rpc
from services.ingestion import messages
from services.ingestion.committer import Committer
from services.ingestion.doors import Doors
from services.ingestion.evidence import Evidence
from services.ingestion.intake import Intake
from services.ingestion.otlp_grpc import origin
from services.ingestion.recorder import Recorder
from services.ingestion.store.bookkeeping import Bookkeeping
from services.ingestion.store.log import TelemetryLog
from services.ingestion.tail import Tail
from services.ingestion.watermark import LIVE
from shared.clock import Clock
from shared.offload import Offload
from shared.rpc.server import Context


class IngestionService(rpc.IngestionServiceServicer):
    """The RPC surface."""

    def __init__(self, *, log: TelemetryLog, committer: Committer, recorder: Recorder, evidence: Evidence,
                 bookkeeping: Bookkeeping, doors: Doors, intake: Intake, offload: Offload, clock: Clock) -> None:
        self._log = log
        self._committer = committer
        self._recorder = recorder
        self._evidence = evidence
        self._bookkeeping = bookkeeping
        self._doors = doors
        self._intake = intake
        self._offload = offload
        self._clock = clock

    async def RecordEvents(self, request: pb.RecordEventsRequest, context: Context) -> pb.RecordEventsResponse:
        fingerprint = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        sender = replace(origin(context), door="events", stream=request.stream or LIVE)
        with self._doors.counting(sender.door, self._clock):
            return await self._recorder.record(request.events, sender, request_id=request.request_id,
                                               fingerprint=fingerprint)

    async def MarkTime(self, request: pb.MarkTimeRequest, context: Context) -> pb.MarkTimeResponse:
        position = await self._committer.mark(request.stream, request.complete_until.ToNanoseconds(), request.is_last)
        return pb.MarkTimeResponse(position=position)

    async def Tail(self, request: pb.TailRequest, context: Context) -> AsyncIterator[pb.TailResponse]:
        tail = Tail(self._log, self._committer, self._offload)
        async for response in tail.read(request.after_position, stream=request.stream, follow=request.follow):
            yield response

    async def GetEvidence(self, request: pb.GetEvidenceRequest,
                          context: Context) -> AsyncIterator[pb.GetEvidenceResponse]:
        async for response in self._evidence.answer(request):
            yield response

    async def CommitCursor(self, request: pb.CommitCursorRequest, context: Context) -> pb.CommitCursorResponse:
        await self._bookkeeping.commit_cursor(request.reader, request.position, self._clock.now())
        return pb.CommitCursorResponse()

    async def ListDoors(self, request: pb.ListDoorsRequest, context: Context) -> pb.ListDoorsResponse:
        return pb.ListDoorsResponse(
            doors=[messages.door(each) for each in self._doors.all()], dropped_series=self._intake.registry.dropped,
            late_items=self._committer.late_items, future_items=self._committer.future_items,
            last_position=await self._log.head())
