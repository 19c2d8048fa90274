"""PostmortemService: post-mortems from draft to publication."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from google.protobuf.message import Message

from afteraction.v1 import postmortem_pb2, postmortem_service_pb2_grpc
from afteraction.v1 import postmortem_service_pb2 as pb
from services.drafting.markdown import document as markdown
from services.drafting.review import life as review
from services.drafting.review import messages, revisions
from services.drafting.review.exports import export
from services.drafting.review.findings import findings
from services.drafting.review.gate import what_is_missing
from services.drafting.review.life import Changed, Decision, Finding, Postmortem
from services.drafting.review.settling import settle
from services.drafting.review.watch import Changes
from services.drafting.store.postmortems import PostmortemStore, Retry, Search
from shared.clock import Clock
from shared.errors import Aborted, NotFound
from shared.names import deterministic_id
from shared.offload import Offload
from shared.rpc.etag import check_etag
from shared.rpc.paging import decode_token, encode_token, page_size
from shared.rpc.wrapping import Context
from shared.timestamps import from_proto

# Losing this often against other writers means that something else is wrong.
_MOST_TRIES = 50
_REVISIONS_PAGE = 100
# Drafts the post-mortem of an incident and stores it; raises when it cannot be drafted.
Drafting = Callable[[str], Awaitable[None]]


class PostmortemService(postmortem_service_pb2_grpc.PostmortemServiceServicer):
    """Parses, lets the domain decide, stores, answers."""

    def __init__(
        self,
        *,
        store: PostmortemStore,
        clock: Clock,
        offload: Offload,
        draft: Drafting,
        changes: Changes,
        published: Callable[[], None],
    ) -> None:
        """published: told after every publication, so that its consequences need not wait for their next round."""
        self._store = store
        self._clock = clock
        self._offload = offload
        self._draft = draft
        self._changes = changes
        self._published = published

    async def DraftPostmortem(self, request: pb.DraftPostmortemRequest, context: Context) -> postmortem_pb2.Postmortem:
        try:
            found = await self._store.get(request.incident)
        except NotFound:
            await self._draft(request.incident)
            found = await self._store.get(request.incident)
        return await self._message(found)

    async def GetPostmortem(self, request: pb.GetPostmortemRequest, context: Context) -> postmortem_pb2.Postmortem:
        return await self._message(await self._store.get(request.name))

    async def ListPostmortems(self, request: pb.ListPostmortemsRequest, context: Context) -> pb.ListPostmortemsResponse:
        size, key = page_size(request.page_size), decode_token(request.page_token, 2)
        search = Search(
            stream="" if request.stream == "-" else request.stream or "live",
            states=tuple(map(int, request.states)),
            service=request.service,
            tag=request.tag.casefold(),
            severities=tuple(map(int, request.severities)),
            onset_after=from_proto(request.onset_after) if request.HasField("onset_after") else None,
            onset_before=from_proto(request.onset_before) if request.HasField("onset_before") else None,
            words=request.query,
            after=(messages.time(key[0]), key[1]) if key else None,
        )
        found = await self._store.find(search, size + 1)
        token = encode_token(found[size - 1].created_at.isoformat(), found[size - 1].name) if len(found) > size else ""
        return pb.ListPostmortemsResponse(
            postmortems=[messages.listed(each) for each in found[:size]], next_page_token=token
        )

    async def UpdatePostmortem(
        self, request: pb.UpdatePostmortemRequest, context: Context
    ) -> postmortem_pb2.Postmortem:
        section = messages.section_kind(request.section)
        decide = partial(review.edit, text=request.markdown, section=section, author=request.author)
        return await self._change(request, decide, etag=request.etag, request_id=request.request_id)

    async def SubmitPostmortem(
        self, request: pb.SubmitPostmortemRequest, context: Context
    ) -> postmortem_pb2.Postmortem:
        return await self._change(
            request, partial(review.submit, reviewers=request.reviewers, author=request.author), etag=request.etag
        )

    async def PublishPostmortem(
        self, request: pb.PublishPostmortemRequest, context: Context
    ) -> postmortem_pb2.Postmortem:
        at = self._clock.now()

        def decide(before: Postmortem) -> Changed:
            obstacles = tuple(what_is_missing(before, findings(markdown.parse(before.markdown))))
            return review.publish(before, obstacles, author=request.author, at=at)

        answer = await self._change(request, decide, etag=request.etag, request_id=request.request_id)
        self._published()
        return answer

    async def AmendPostmortem(self, request: pb.AmendPostmortemRequest, context: Context) -> postmortem_pb2.Postmortem:
        base = (
            (await self._store.revision(request.name, request.base_revision)).markdown
            if request.base_revision
            else None
        )
        return await self._change(
            request,
            partial(review.amend, text=request.markdown, base=base, author=request.author),
            request_id=request.request_id,
        )

    async def AddComment(self, request: pb.AddCommentRequest, context: Context) -> postmortem_pb2.Postmortem:
        at = self._clock.now()
        unique = request.request_id or at.isoformat()
        decide = partial(
            review.comment,
            text=request.text,
            section=messages.section_kind(request.section),
            author=request.author,
            at=at,
            identifier="C" + deterministic_id(request.name, request.author, request.text, unique)[:7],
        )
        return await self._change(request, decide, request_id=request.request_id)

    async def ResolveComment(self, request: pb.ResolveCommentRequest, context: Context) -> postmortem_pb2.Postmortem:
        return await self._change(
            request, partial(review.resolve_comment, identifier=request.comment, author=request.author)
        )

    async def AnswerQuestion(self, request: pb.AnswerQuestionRequest, context: Context) -> postmortem_pb2.Postmortem:
        decide = partial(review.answer, question=request.question, words=request.answer, author=request.author)
        return await self._change(request, decide, etag=request.etag)

    async def WaiveFinding(self, request: pb.WaiveFindingRequest, context: Context) -> postmortem_pb2.Postmortem:
        def decide(before: Postmortem) -> Changed:
            return review.waive(
                before,
                findings(markdown.parse(before.markdown)),
                finding=request.finding,
                reason=request.reason,
                author=request.author,
            )

        return await self._change(request, decide)

    async def SettlePostmortem(
        self, request: pb.SettlePostmortemRequest, context: Context
    ) -> postmortem_pb2.Postmortem:
        settlement = messages.settlement(request)
        return await self._change(
            request, partial(settle, settlement=settlement, author=request.author), etag=request.etag
        )

    async def SetReviewers(self, request: pb.SetReviewersRequest, context: Context) -> postmortem_pb2.Postmortem:
        return await self._change(
            request, partial(review.set_reviewers, reviewers=request.reviewers, author=request.author)
        )

    async def SetTags(self, request: pb.SetTagsRequest, context: Context) -> postmortem_pb2.Postmortem:
        return await self._change(request, partial(review.set_tags, tags=request.tags, author=request.author))

    async def ListRevisions(self, request: pb.ListRevisionsRequest, context: Context) -> pb.ListRevisionsResponse:
        await self._store.get(request.name)
        size, key = page_size(request.page_size or _REVISIONS_PAGE), decode_token(request.page_token, 1)
        found = await self._store.revisions(request.name, messages.number(key[0]) if key else 0, size + 1)
        token = encode_token(str(found[size - 1].number)) if len(found) > size else ""
        return pb.ListRevisionsResponse(
            revisions=[messages.revision(each) for each in found[:size]], next_page_token=token
        )

    async def DiffRevisions(self, request: pb.DiffRevisionsRequest, context: Context) -> pb.DiffRevisionsResponse:
        before = await self._store.revision(request.name, getattr(request, "from"))
        after = await self._store.revision(request.name, request.to)
        parts = await self._offload.run(revisions.difference, before.markdown, after.markdown)
        return pb.DiffRevisionsResponse(parts=[messages.part(each) for each in parts])

    async def ListEvidence(self, request: pb.ListEvidenceRequest, context: Context) -> pb.ListEvidenceResponse:
        return pb.ListEvidenceResponse(evidence=messages.evidence(await self._store.get(request.name)))

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, context: Context
    ) -> pb.ListAuditEntriesResponse:
        await self._store.get(request.name)
        return pb.ListAuditEntriesResponse(
            entries=[messages.entry(each) for each in await self._store.audit(request.name)]
        )

    async def LintText(self, request: pb.LintTextRequest, context: Context) -> pb.LintTextResponse:
        found = await self._offload.run(_lint, request.text)
        return pb.LintTextResponse(findings=[messages.finding(each) for each in found])

    async def ExportPostmortem(
        self, request: pb.ExportPostmortemRequest, context: Context
    ) -> pb.ExportPostmortemResponse:
        found = await self._store.get(request.name)
        whole = await self._message(found)
        content, media_type = await self._offload.run(export, whole, request.format)
        return pb.ExportPostmortemResponse(content=content, media_type=media_type)

    async def WatchPostmortems(
        self, request: pb.WatchPostmortemsRequest, context: Context
    ) -> AsyncIterator[pb.WatchPostmortemsResponse]:
        position = request.after_position
        async for _ in self._changes.rounds():
            while batch := await self._store.changes(request.stream, position, 100):
                for position, name in batch:
                    message = await self._message(await self._store.get(name))
                    yield pb.WatchPostmortemsResponse(position=position, postmortem=message)

    async def _change(
        self, request: Message, decide: Decision, *, etag: str = "", request_id: str = ""
    ) -> postmortem_pb2.Postmortem:
        """Decides on what is stored and stores that; again when somebody else was faster and no etag was given.

        A retry answers with the present state: by its request_id, or because nothing would change any more.
        """
        name: str = request.name  # type: ignore[attr-defined]
        retry = Retry(
            type(request).__name__, request_id, hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        )
        for _ in range(_MOST_TRIES):
            before = await self._store.get(name)
            if await self._store.is_known(retry):
                return await self._message(before)
            changed = await self._offload.run(decide, before)
            if changed.after == before:
                return await self._message(before)
            check_etag(etag, before.etag, name)
            after = await self._store.write(before, changed, self._clock.now(), retry)
            if after is not None:
                return await self._message(after)
        raise Aborted(f"{name} is being changed by many at once; try again", reason="BUSY", resource=name)

    async def _message(self, value: Postmortem) -> postmortem_pb2.Postmortem:
        return await self._offload.run(_whole, value)


def _whole(value: Postmortem) -> postmortem_pb2.Postmortem:
    return messages.postmortem(value, findings(markdown.parse(value.markdown)))


def _lint(text: str) -> tuple[Finding, ...]:
    return findings(markdown.parse(text))
