"""What memory found."""

from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.incident import Runbook, Similar
from services.drafting.statements import quoted
from services.drafting.wording import number


def similar_evidence(similar: Similar) -> Evidence:
    """A past incident that memory found."""
    past = similar.past
    values = {
        "document": past.document,
        "source": past.source_id,
        "title": past.title,
        "score": f"{past.score:.2f}",
        "resolution": past.resolution,
        "reasons": "; ".join(similar.reasons),
        "kinds": ", ".join(past.kinds),
        "open": "; ".join(similar.open_action_items),
    }
    return Evidence(
        past.key,
        EvidenceKind.POSTMORTEM,
        f"The past post-mortem {quoted(past.title)} is similar with a score of {past.score:.2f}.",
        past.services[0] if past.services else "",
        similar.occurred_at,
        None,
        past.score,
        similar.link,
        values,
        past.passage[:1000],
    )


def runbook_evidence(runbook: Runbook) -> Evidence:
    """A runbook that memory found."""
    steps = "\n".join(runbook.steps)
    verified = {} if runbook.last_verified_at is None else {"verified": runbook.last_verified_at.isoformat()}
    return Evidence(
        f"runbook/{runbook.name}",
        EvidenceKind.RUNBOOK,
        f"The runbook {quoted(runbook.title)} applies with a score of {number(runbook.score)}.",
        strength=runbook.score,
        link=runbook.link,
        values={
            "title": runbook.title,
            "score": number(runbook.score),
            "runbook": runbook.name,
            "reasons": "; ".join(runbook.reasons),
            "steps": steps,
            **verified,
        },
        example=steps[:2000],
    )
