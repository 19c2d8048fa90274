"""Post-mortems and revisions as rows, and back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson

from services.drafting.markdown.document import SectionKind
from services.drafting.review.life import Answer, Comment, Postmortem, State, Waiver
from services.drafting.review.revisions import Revision
from services.drafting.store.records import strings

COLUMNS = """p.name, p.incident, p.stream, p.state, p.severity, p.title, p.revision, p.version, p.services, p.tags,
  p.reviewers, p.comments, p.answers, p.waivers, p.drafted, p.is_edited, p.created_at, p.updated_at, p.submitted_at,
  p.published_at, p.published_revision, p.document, p.ticket_url, p.onset_at, p.resolved_at, p.latency_s, r.markdown"""
FROM = "postmortems p JOIN revisions r ON r.postmortem = p.name AND r.number = p.revision"
# tsvector holds 1 MB; words beyond this are found by meaning only.
_SEARCHED_CHARACTERS = 200_000
VECTOR = "setweight(to_tsvector('english', {title}), 'A') || to_tsvector('english', {text})"


def revision(row: Any) -> Revision:
    """A row of `revisions`."""
    return Revision(row["number"], row["author"], row["created_at"], row["markdown"].decode(), row["reason"])


def postmortem(row: Any) -> Postmortem:
    """A row of COLUMNS."""
    comments = tuple(
        Comment(
            c["id"],
            SectionKind(c["section"]) if c["section"] else None,
            c["author"],
            c["text"],
            datetime.fromisoformat(c["created_at"]),
            c["is_resolved"],
        )
        for c in orjson.loads(row["comments"])
    )
    answers = tuple(
        Answer(a["question"], SectionKind(a["section"]), a["text"], a["answer"], a["author"])
        for a in orjson.loads(row["answers"])
    )
    waivers = tuple(Waiver(w["finding"], w["reason"], w["author"]) for w in orjson.loads(row["waivers"]))
    return Postmortem(
        name=row["name"],
        incident=row["incident"],
        stream=row["stream"],
        state=State(row["state"]),
        severity=row["severity"],
        title=row["title"],
        markdown=row["markdown"].decode(),
        revision=row["revision"],
        version=row["version"],
        services=strings(row["services"]),
        tags=strings(row["tags"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        drafted=row["drafted"],
        is_edited=row["is_edited"],
        reviewers=strings(row["reviewers"]),
        comments=comments,
        answers=answers,
        waivers=waivers,
        published_at=row["published_at"],
        published_revision=row["published_revision"],
        document=row["document"],
        ticket_url=row["ticket_url"],
        onset_at=row["onset_at"],
        resolved_at=row["resolved_at"],
        latency_s=row["latency_s"],
    )


def json(values: Sequence[Comment | Answer | Waiver]) -> str:
    """What hangs on a post-mortem, for jsonb."""
    # jsonb does not hold U+0000; the text that a person wrote with one stands in the revision.
    return orjson.dumps([_clean(asdict(value)) for value in values]).decode()


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: plain(value) if isinstance(value, str) else value for name, value in fields.items()}


def plain(text: str) -> str:
    """Text that PostgreSQL takes."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def searched(text: str) -> str:
    """As much of a text as the full-text index holds."""
    return plain(text[:_SEARCHED_CHARACTERS])
