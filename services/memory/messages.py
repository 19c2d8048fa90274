"""Messages to values and back; nothing else does it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from google.protobuf.message import Message

from afteraction.v1 import document_pb2, incident_pb2, memory_service_pb2, runbook_pb2
from services.memory import runbooks
from services.memory.documents import LIVE, Document, Kind, Passage
from services.memory.finding import Result, Results
from services.memory.query import Filter, Query
from services.memory.runbooks import Lesson, Runbook
from shared.rpc.etag import etag
from shared.timestamps import from_proto, to_proto


def document(message: document_pb2.Document) -> Document:
    """The value of a document that a caller sent; what memory gives (name, etag, times) is left out."""
    return Document(
        kind=Kind(message.kind),
        title=" ".join(message.title.split()),
        markdown=message.markdown,
        services=tuple(dict.fromkeys(message.services)),
        tags=tuple(dict.fromkeys(message.tags)),
        severity=int(message.severity),
        occurred_at=from_proto(message.occurred_at) if message.HasField("occurred_at") else None,
        alert_names=tuple(dict.fromkeys(message.alert_names)),
        log_patterns=tuple(dict.fromkeys(message.log_patterns)),
        source_id=message.source_id,
        url=message.url,
        stream=message.stream or LIVE,
        resolution=message.resolution,
    )


def document_message(value: Document, *, with_markdown: bool = True) -> document_pb2.Document:
    """The message for a stored document."""
    return document_pb2.Document(
        name=value.name,
        kind=document_pb2.DocumentKind.ValueType(int(value.kind)),
        title=value.title,
        markdown=value.markdown if with_markdown else "",
        services=value.services,
        tags=value.tags,
        severity=incident_pb2.Severity.ValueType(value.severity if value.severity <= 4 else 0),
        occurred_at=to_proto(value.occurred_at),
        alert_names=value.alert_names,
        log_patterns=value.log_patterns,
        source_id=value.source_id,
        url=value.url,
        created_at=to_proto(value.created_at),
        updated_at=to_proto(value.updated_at),
        stream=value.stream,
        resolution=value.resolution,
        etag=value.etag,
    )


def query(message: memory_service_pb2.Query) -> Query:
    """What is looked for."""
    return Query(
        text=message.text,
        services=tuple(message.services),
        alert_names=tuple(message.alert_names),
        symptoms=tuple(message.symptoms),
        log_patterns=tuple(message.log_patterns),
        error_messages=tuple(message.error_messages),
        probable_causes=tuple(message.probable_causes),
        tags=tuple(message.tags),
        runbook_urls=tuple(message.runbook_urls),
    )


def filter_of(request: memory_service_pb2.SearchSimilarRequest) -> Filter:
    """What the request lets through."""
    message = request.filter
    return Filter(
        kinds=kinds(message.kinds),
        services=frozenset(message.services),
        tags=frozenset(message.tags),
        severities=frozenset(int(severity) for severity in message.severities),
        occurred_after=from_proto(message.occurred_after) if message.HasField("occurred_after") else None,
        occurred_before=from_proto(message.occurred_before) if message.HasField("occurred_before") else None,
        exclude=frozenset(message.exclude),
        stream=request.stream or LIVE,
        as_of=from_proto(request.as_of) if request.HasField("as_of") else None,
    )


def kinds(message: Sequence[document_pb2.DocumentKind.ValueType]) -> frozenset[Kind]:
    """The kinds named; a kind of a newer caller that we do not know is none of ours."""
    known = {int(kind) for kind in Kind}
    return frozenset(Kind(kind) for kind in message if kind in known)


def results_message(value: Results, *, version: int = 0) -> memory_service_pb2.SearchSimilarResponse:
    """The answer to a search."""
    return memory_service_pb2.SearchSimilarResponse(
        results=[_result(each) for each in value.results],
        position=value.position,
        version=version,
        model=value.model,
    )


def _result(value: Result) -> memory_service_pb2.SearchResult:
    hit = value.hit
    return memory_service_pb2.SearchResult(
        document=document_message(value.document, with_markdown=False),
        score=hit.probability,
        passage=passage_message(value.document.name, value.passage),
        reasons=value.reasons,
        runbook=value.runbook,
        bm25_score=hit.lexical,
        dense_score=hit.dense,
        is_weak=hit.is_weak,
        feedback_score=hit.feedback,
    )


def passage_message(name: str, value: Passage) -> document_pb2.Passage:
    """The message for a passage of the document `name`."""
    return document_pb2.Passage(
        document=name,
        ordinal=value.ordinal,
        role=document_pb2.PassageRole.ValueType(int(value.role)),
        heading=value.heading,
        text=value.text,
    )


def lesson(request: memory_service_pb2.LearnRunbookRequest) -> Lesson:
    """What a published post-mortem teaches."""
    return Lesson(
        postmortem=request.postmortem or request.document,
        service=request.service,
        category=request.category,
        stream=request.stream or LIVE,
        title=request.title,
        triggers=tuple(request.triggers),
        diagnosis_steps=tuple(request.diagnosis_steps),
        mitigation_steps=tuple(request.mitigation_steps),
        alert_names=tuple(request.alert_names),
        verified_at=from_proto(request.verified_at) if request.HasField("verified_at") else None,
        runbook=request.runbook,
    )


def runbook_message(value: Runbook) -> runbook_pb2.Runbook:
    """The message for a runbook, each waiting proposal with its difference against the present text."""
    return runbook_pb2.Runbook(
        name=value.name,
        title=value.title,
        service=value.service,
        category=value.category,
        markdown=value.markdown,
        triggers=value.triggers,
        diagnosis_steps=value.diagnosis_steps,
        mitigation_steps=value.mitigation_steps,
        postmortems=value.postmortems,
        alert_names=value.alert_names,
        url=value.url,
        times_used=value.times_used,
        last_verified_at=to_proto(value.last_verified_at),
        revision=value.revision,
        is_edited=value.is_edited,
        proposals=[
            runbook_pb2.RunbookProposal(
                id=each.id,
                postmortem=each.postmortem,
                markdown=each.markdown,
                diff=runbooks.difference(value.markdown, each.markdown),
                created_at=to_proto(each.created_at),
            )
            for each in value.proposals
        ],
        etag=etag(value.name, value.revision),
        created_at=to_proto(value.created_at),
        updated_at=to_proto(value.updated_at),
        stream=value.stream,
        document=value.document,
    )


def fingerprint(request: Message) -> bytes:
    """A digest by which a retry of the same request is known."""
    return hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
