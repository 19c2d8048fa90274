"""What memory found: past post-mortems and runbooks."""

from afteraction.v1 import document_pb2, memory_service_pb2, runbook_pb2
from services.drafting.incident import Runbook, Similar
from services.drafting.observations import SimilarPast
from shared.timestamps import from_proto

# Of a runbook's looks for the cause, the quickest ones.
_DIAGNOSIS = 3


def similar(message: memory_service_pb2.SearchResult) -> Similar:
    """A post-mortem that memory found."""
    document = message.document
    past = SimilarPast(
        document=document.name,
        source_id=document.source_id,
        title=document.title,
        score=message.score,
        kinds=tuple(document.tags),
        services=tuple(document.services),
        resolution=document.resolution,
        passage=message.passage.text,
    )
    link = document.url or (
        f"/{document.source_id}" if document.source_id.startswith("postmortems/") else f"/{document.name}"
    )
    return Similar(past, from_proto(document.occurred_at), tuple(message.reasons), link)


def is_runbook(message: memory_service_pb2.SearchResult) -> bool:
    """Whether memory found a runbook rather than a post-mortem."""
    return bool(message.runbook) or message.document.kind == document_pb2.DOCUMENT_KIND_RUNBOOK


def runbook(found: memory_service_pb2.SearchResult, message: runbook_pb2.Runbook | None) -> Runbook:
    """A runbook that memory found; its steps where memory gave the runbook itself."""
    if message is None:
        return Runbook(
            found.runbook or found.document.name,
            found.document.title,
            found.score,
            tuple(found.reasons),
            (),
            found.document.url or f"/{found.document.name}",
        )
    return Runbook(
        message.name,
        message.title,
        found.score,
        tuple(found.reasons),
        # In a card's few lines there must be what ended it.
        (*message.diagnosis_steps[:_DIAGNOSIS], *message.mitigation_steps),
        message.url or f"/{message.name}",
        from_proto(message.last_verified_at),
        message.times_used,
    )
