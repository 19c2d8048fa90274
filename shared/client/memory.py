"""What is similar to this? Memory for dashboards and other services, in plain Python values.

    with Memory("127.0.0.1:7404") as memory:
        for each in memory.similar("connection pool exhausted", services=["checkout-api"]):
            print(each.score, each.title, each.reasons)

    async with AsyncMemory("127.0.0.1:7404") as memory:
        async for answer in memory.watch("connection pool exhausted"):
            print(answer.version, [each.title for each in answer.results])

Both raise the errors of `shared.errors`. A watch sends the present answer at once and then every different one; its
`version` grows, so that an older answer that arrives late is recognised.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import grpc

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DocumentKind, PassageRole
from afteraction.v1.incident_pb2 import Severity
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from shared.errors import InvalidArgument
from shared.rpc.client import Channel
from shared.rpc.status import from_rpc_error
from shared.settings import Common
from shared.timestamps import from_proto, to_proto

DEADLINE_S = 10.0
KINDS = ("postmortem", "runbook")


@dataclass(frozen=True, slots=True)
class Similar:
    """A post-mortem or runbook that was found, with the passage that fits best and why."""

    name: str
    kind: str
    """`postmortem` or `runbook`."""
    title: str
    score: float
    """About the probability that it helps."""
    reasons: tuple[str, ...]
    passage: str
    role: str
    """What the passage says: `symptoms`, `root_cause`, …"""
    services: tuple[str, ...]
    source_id: str
    url: str
    runbook: str
    """`runbooks/{id}` where it is one."""
    occurred_at: datetime | None
    is_weak: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found, best first; nothing when nothing similar is known."""

    results: tuple[Similar, ...]
    position: int
    version: int
    model: str

    def __iter__(self) -> Iterator[Similar]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)


def search_request(
    text: str = "",
    *,
    services: Sequence[str] = (),
    alert_names: Sequence[str] = (),
    symptoms: Sequence[str] = (),
    log_patterns: Sequence[str] = (),
    error_messages: Sequence[str] = (),
    probable_causes: Sequence[str] = (),
    tags: Sequence[str] = (),
    runbook_urls: Sequence[str] = (),
    kinds: Sequence[str] = (),
    only_services: Sequence[str] = (),
    only_tags: Sequence[str] = (),
    only_severities: Sequence[int] = (),
    exclude: Sequence[str] = (),
    occurred_after: datetime | None = None,
    occurred_before: datetime | None = None,
    limit: int = 10,
    min_position: int = 0,
    stream: str = "",
    as_of: datetime | None = None,
    include_weak: bool = False,
) -> pb.SearchSimilarRequest:
    """The request for what is similar to a text, to what is known of an incident, or to both.

    kinds: of `postmortem` and `runbook`; none: both. only_…: filters, nothing else is found (severities from 1 to 4,
    as in P1); `services`, `tags` and the others are what the search goes by. Raises InvalidArgument.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise InvalidArgument(f"kind {kind!r} is none of {', '.join(KINDS)}", reason="BAD_PARAMETER", field="kinds")
    for severity in only_severities:
        if severity not in range(1, 5):
            raise InvalidArgument(f"severity {severity!r} is none of 1 to 4", reason="BAD_PARAMETER",
                                  field="only_severities")  # fmt: skip
    return pb.SearchSimilarRequest(
        query=pb.Query(
            text=text,
            services=services,
            alert_names=alert_names,
            symptoms=symptoms,
            log_patterns=log_patterns,
            error_messages=error_messages,
            probable_causes=probable_causes,
            tags=tags,
            runbook_urls=runbook_urls,
        ),
        filter=pb.Filter(
            kinds=[DocumentKind.Value(f"DOCUMENT_KIND_{kind.upper()}") for kind in kinds],
            severities=[Severity.ValueType(severity) for severity in only_severities],
            services=only_services,
            tags=only_tags,
            exclude=exclude,
            occurred_after=to_proto(occurred_after),
            occurred_before=to_proto(occurred_before),
        ),
        limit=limit,
        min_position=min_position,
        stream=stream,
        as_of=to_proto(as_of),
        include_weak=include_weak,
    )


def answer(response: pb.SearchSimilarResponse) -> Answer:
    """The response as values."""
    return Answer(tuple(map(_similar, response.results)), response.position, response.version, response.model)


class AsyncMemory:
    """A connection to memory for asyncio programs."""

    def __init__(self, address: str, *, token: str = "", tls_ca: str = "", deadline_s: float = DEADLINE_S) -> None:
        self._channel = Channel(address, Common(token=token, tls_ca=tls_ca), deadline_s=deadline_s)
        self._stub: Any = self._channel.stub(MemoryServiceStub)

    async def similar(self, text: str = "", **what: Any) -> Answer:
        """What is similar; takes what `search_request` takes."""
        return answer(await self._stub.SearchSimilar(search_request(text, **what)))

    async def feedback(
        self, document: str, *, is_helpful: bool, author: str, text: str = "", incident: str = "", **what: Any
    ) -> None:
        """Whether `document`, by its name, helped; `text` and the rest are what was searched for."""
        await self._stub.GiveFeedback(_feedback(document, is_helpful, author, incident, search_request(text, **what)))

    async def watch(self, text: str = "", **what: Any) -> AsyncIterator[Answer]:
        """The answer, and every different one, until the caller stops; takes what `search_request` takes."""
        async for response in self._stub.WatchSimilar(pb.WatchSimilarRequest(search=search_request(text, **what))):
            yield answer(response)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._channel.close()


class Memory:
    """A connection to memory for everybody else; safe for several threads."""

    def __init__(self, address: str, *, token: str = "", tls_ca: str = "", deadline_s: float = DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        options = [("grpc.enable_http_proxy", 0)]
        if tls_ca:
            credentials = grpc.ssl_channel_credentials(Path(tls_ca).read_bytes())
            self._channel = grpc.secure_channel(address, credentials, options)
        else:
            self._channel = grpc.insecure_channel(address, options)
        self._stub: Any = MemoryServiceStub(self._channel)

    def similar(self, text: str = "", **what: Any) -> Answer:
        """What is similar; takes what `search_request` takes."""
        request = search_request(text, **what)
        return answer(
            _translated(lambda: self._stub.SearchSimilar(request, timeout=self._deadline_s, metadata=self._metadata))
        )

    def feedback(
        self, document: str, *, is_helpful: bool, author: str, text: str = "", incident: str = "", **what: Any
    ) -> None:
        """Whether `document`, by its name, helped; `text` and the rest are what was searched for."""
        request = _feedback(document, is_helpful, author, incident, search_request(text, **what))
        _translated(
            lambda: self._stub.GiveFeedback(request, timeout=self._deadline_s, metadata=self._metadata)
        )

    def watch(self, text: str = "", **what: Any) -> Iterator[Answer]:
        """The answer, and every different one, until the caller stops; takes what `search_request` takes."""
        request = pb.WatchSimilarRequest(search=search_request(text, **what))
        running = self._stub.WatchSimilar(request, metadata=self._metadata)
        try:
            while (response := _translated(lambda: next(running, None))) is not None:
                yield answer(response)
        finally:
            running.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._channel.close()


def _feedback(
    document: str, is_helpful: bool, author: str, incident: str, search: pb.SearchSimilarRequest
) -> pb.GiveFeedbackRequest:
    return pb.GiveFeedbackRequest(
        document=document, query=search.query, is_helpful=is_helpful, author=author, incident=incident
    )


def _translated(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except grpc.RpcError as error:
        raise from_rpc_error(cast(Any, error)) from None


def _similar(result: pb.SearchResult) -> Similar:
    document = result.document
    return Similar(
        name=document.name,
        kind=DocumentKind.Name(document.kind).removeprefix("DOCUMENT_KIND_").lower(),
        title=document.title,
        score=result.score,
        reasons=tuple(result.reasons),
        passage=result.passage.text,
        role=PassageRole.Name(result.passage.role).removeprefix("PASSAGE_ROLE_").lower(),
        services=tuple(document.services),
        source_id=document.source_id,
        url=document.url,
        runbook=result.runbook,
        occurred_at=from_proto(document.occurred_at) if document.HasField("occurred_at") else None,
        is_weak=result.is_weak,
    )
