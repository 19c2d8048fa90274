"""The RPC surface of memory: parse, call, make messages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1 import memory_service_pb2_grpc, runbook_pb2
from afteraction.v1.document_pb2 import Document as DocumentMessage
from afteraction.v1.document_pb2 import DocumentKind
from services.memory import messages
from services.memory.documents import LIVE
from services.memory.finding import Finding, Results
from services.memory.follower import Follower
from services.memory.importing.files import File, imported
from services.memory.library import Library
from services.memory.models import Models
from services.memory.reembedding import Reembedding
from services.memory.remembering import Remembering
from services.memory.store import documents as document_store
from services.memory.store import feedback as feedback_store
from services.memory.store import runbooks as runbook_store
from shared.clock import Clock
from shared.offload import Offload
from shared.postgres import requests
from shared.postgres.pool import Pool
from shared.rpc.paging import decode_token, encode_token, page_size
from shared.rpc.server import Context
from shared.timestamps import from_proto, to_proto

DEFAULT_LIMIT = 10


class MemoryService(memory_service_pb2_grpc.MemoryServiceServicer):
    """Documents, search and runbooks over gRPC."""

    def __init__(
        self, *, pool: Pool, models: Models, follower: Follower, remembering: Remembering, finding: Finding,
        library: Library, reembedding: Reembedding, offload: Offload, clock: Clock,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._models = models
        self._follower = follower
        self._remembering = remembering
        self._finding = finding
        self._library = library
        self._reembedding = reembedding
        self._offload = offload
        self._clock = clock

    async def Remember(self, request: pb.RememberRequest, context: Context) -> pb.RememberResponse:
        if not request.request_id:
            return await self._remembered(request)
        seen = messages.fingerprint(request)
        async with self._pool.acquire() as connection, connection.transaction():
            before = await requests.recall(connection, "Remember", request.request_id, seen, pb.RememberResponse)
        if before is not None:
            return before
        answer = await self._remembered(request)
        # The document's identity already makes a retry harmless; what is kept makes its answer the first one's.
        async with self._pool.acquire() as connection, connection.transaction():
            first = await requests.recall(connection, "Remember", request.request_id, seen, pb.RememberResponse)
            if first is not None:
                return first
            await requests.keep(connection, "Remember", request.request_id, seen, answer)
        return answer

    async def Forget(self, request: pb.ForgetRequest, context: Context) -> pb.ForgetResponse:
        return pb.ForgetResponse(position=await self._remembering.forget(request.name))

    async def GetDocument(self, request: pb.GetDocumentRequest, context: Context) -> DocumentMessage:
        return messages.document_message(await document_store.get(self._pool, request.name))

    async def ListDocuments(self, request: pb.ListDocumentsRequest, context: Context) -> pb.ListDocumentsResponse:
        size = page_size(request.page_size)
        found = await document_store.page(
            self._pool, stream=request.stream or LIVE, kinds=sorted(messages.kinds(request.kinds)),
            after=_after(request.page_token), size=size + 1,
        )  # fmt: skip
        last = found[size - 1] if len(found) > size else None
        return pb.ListDocumentsResponse(
            documents=[messages.document_message(each) for each in found[:size]],
            next_page_token=_token(last.created_at, last.name) if last else "",
        )

    async def ImportDocuments(
        self, request_iterator: AsyncIterator[pb.ImportDocumentsRequest], context: Context
    ) -> AsyncIterator[pb.ImportDocumentsResponse]:
        async def files() -> AsyncIterator[File]:
            async for each in request_iterator:
                kind = next(iter(messages.kinds([each.kind])), None)
                yield File(each.path, each.content, kind, each.stream or LIVE)

        async for report in imported(files(), self._remembering, self._offload):
            yield pb.ImportDocumentsResponse(
                path=report.path,
                outcome=pb.ImportDocumentsResponse.Outcome.ValueType(report.outcome.value),
                reason=report.reason,
                document=report.document,
                position=report.position,
                sections=report.sections,
                kind=DocumentKind.ValueType(int(report.kind) if report.kind else 0),
            )

    async def SearchSimilar(self, request: pb.SearchSimilarRequest, context: Context) -> pb.SearchSimilarResponse:
        return messages.results_message(await self._similar(request))

    async def WatchSimilar(
        self, request: pb.WatchSimilarRequest, context: Context
    ) -> AsyncIterator[pb.SearchSimilarResponse]:
        shown: list[tuple[str, int, float]] | None = None
        version = 0
        while True:
            found = await self._similar(request.search)
            ranking = [(each.document.etag, each.hit.passage, round(each.hit.probability, 4)) for each in found.results]
            if ranking != shown:
                shown, version = ranking, version + 1
                yield messages.results_message(found, version=version)
            await self._follower.changed_since(found.position)

    async def GiveFeedback(self, request: pb.GiveFeedbackRequest, context: Context) -> pb.GiveFeedbackResponse:
        seen = messages.fingerprint(request)
        text = messages.query(request.query).for_model()
        model = self._models.active
        vector = (await model.batches.encode([text or " "], is_urgent=True))[0]
        async with self._pool.acquire() as connection, connection.transaction():
            before = await requests.recall(
                connection, "GiveFeedback", request.request_id, seen, pb.GiveFeedbackResponse
            )
            if before is not None:
                return before
            position = await feedback_store.give(
                connection, document=request.document, author=request.author, query=text,
                is_helpful=request.is_helpful, incident=request.incident, model=model.name, vector=vector,
                at=self._clock.now(),
            )  # fmt: skip
            answer = pb.GiveFeedbackResponse(position=position)
            await requests.keep(connection, "GiveFeedback", request.request_id, seen, answer)
        self._follower.wake()
        return answer

    async def LearnRunbook(self, request: pb.LearnRunbookRequest, context: Context) -> runbook_pb2.Runbook:
        await document_store.get(self._pool, request.document)
        return messages.runbook_message(await self._library.learn(messages.lesson(request)))

    async def GetRunbook(self, request: pb.GetRunbookRequest, context: Context) -> runbook_pb2.Runbook:
        return messages.runbook_message(await runbook_store.get(self._pool, request.name))

    async def ListRunbooks(self, request: pb.ListRunbooksRequest, context: Context) -> pb.ListRunbooksResponse:
        size = page_size(request.page_size)
        found = await runbook_store.page(
            self._pool, stream=request.stream or LIVE, service=request.service, after=_after(request.page_token),
            size=size + 1,
        )  # fmt: skip
        last = found[size - 1] if len(found) > size else None
        return pb.ListRunbooksResponse(
            runbooks=[messages.runbook_message(each) for each in found[:size]],
            next_page_token=_token(last.created_at, last.name) if last else "",
        )

    async def UpdateRunbook(self, request: pb.UpdateRunbookRequest, context: Context) -> runbook_pb2.Runbook:
        return messages.runbook_message(
            await self._library.edit(request.name, request.markdown, author=request.author, given_etag=request.etag)
        )

    async def AcceptRunbookProposal(
        self, request: pb.AcceptRunbookProposalRequest, context: Context
    ) -> runbook_pb2.Runbook:
        return messages.runbook_message(
            await self._library.accept(request.name, request.proposal, author=request.author)
        )

    async def RejectRunbookProposal(
        self, request: pb.RejectRunbookProposalRequest, context: Context
    ) -> runbook_pb2.Runbook:
        return messages.runbook_message(
            await self._library.reject(request.name, request.proposal, author=request.author)
        )

    async def ListRunbookRevisions(
        self, request: pb.ListRunbookRevisionsRequest, context: Context
    ) -> pb.ListRunbookRevisionsResponse:
        await runbook_store.get(self._pool, request.name)
        return pb.ListRunbookRevisionsResponse(
            revisions=[
                runbook_pb2.RunbookRevision(number=number, author=author, markdown=markdown, created_at=to_proto(at))
                for number, author, markdown, at in await runbook_store.revisions(self._pool, request.name)
            ]
        )

    async def RecordRunbookUse(self, request: pb.RecordRunbookUseRequest, context: Context) -> runbook_pb2.Runbook:
        used_at = from_proto(request.used_at) if request.HasField("used_at") else None
        return messages.runbook_message(
            await self._library.use(request.name, incident=request.incident, at=used_at, helped=request.helped)
        )

    async def GetIndex(self, request: pb.GetIndexRequest, context: Context) -> pb.Index:
        return self._index()

    async def Reembed(self, request: pb.ReembedRequest, context: Context) -> pb.Index:
        await self._reembedding.begin(request.model)
        return self._index()

    async def _similar(self, request: pb.SearchSimilarRequest) -> Results:
        return await self._finding.similar(
            messages.query(request.query), messages.filter_of(request), limit=request.limit or DEFAULT_LIMIT,
            min_position=request.min_position, include_weak=request.include_weak, method=request.method,
        )  # fmt: skip

    async def _remembered(self, request: pb.RememberRequest) -> pb.RememberResponse:
        written = await self._remembering.remember(messages.document(request.document))
        return pb.RememberResponse(
            document=messages.document_message(written.document),
            position=written.position,
            is_unchanged=written.is_unchanged,
        )

    def _index(self) -> pb.Index:
        collection = self._follower.collection
        return pb.Index(
            model=collection.model,
            position=collection.position,
            documents=collection.documents,
            passages=collection.passages,
            type="+".join(sorted({part.index.type for part in collection.parts})) or "flat",
            bytes=sum(part.index.bytes for part in collection.parts),
            next_model=self._reembedding.next_model,
            next_passages=self._reembedding.passages,
        )


def _after(token: str) -> tuple[datetime, str] | None:
    parts = decode_token(token, 2)
    return (datetime.fromisoformat(parts[0]), parts[1]) if parts else None


def _token(created_at: datetime | None, name: str) -> str:
    assert created_at is not None
    return encode_token(created_at.isoformat(), name)
