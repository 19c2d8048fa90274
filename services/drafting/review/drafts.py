"""A draft as the store keeps it: its text, and the contract's message of what stands beside it."""

from datetime import datetime

from afteraction.v1 import card_pb2, evidence_pb2, postmortem_pb2
from services.drafting.drafts.draft import Draft, Impact
from services.drafting.evidence import Evidence
from services.drafting.hypotheses.hypothesis import Hypothesis
from services.drafting.review.life import Drafted
from services.drafting.statements import Statement
from shared.timestamps import to_proto


def drafted(draft: Draft, *, latency_s: float = 0.0) -> Drafted:
    """`draft` for the store. latency_s: wall clock from the storing of the resolution to now."""
    message = postmortem_pb2.Postmortem(
        sections=[
            postmortem_pb2.Section(
                kind=int(section.kind),  # type: ignore[arg-type]
                statements=[_statement(statement) for statement in section.statements],
            )
            for section in draft.sections
        ],
        factors=[
            postmortem_pb2.Factor(category=factor.category, statement=_statement(factor.statement))
            for factor in draft.factors
        ],
        evidence=[_evidence(each) for each in draft.evidence],
        hypotheses=[_hypothesis(each, draft) for each in draft.hypotheses],
        impact=_impact(draft.impact),
        lesson=postmortem_pb2.Lesson(
            triggers=draft.triggers,
            diagnosis_steps=draft.diagnosis_steps,
            mitigation_steps=draft.mitigation_steps,
            alert_names=draft.alert_names,
            log_patterns=draft.log_patterns,
        ),
    )
    tags = draft.tags or tuple(dict.fromkeys(factor.category for factor in draft.factors))
    return Drafted(
        incident=draft.incident,
        stream=draft.stream,
        severity=draft.severity.value,
        markdown=draft.markdown,
        message=message.SerializeToString(deterministic=True),
        services=draft.services,
        tags=tags,
        onset_at=draft.onset_at,
        resolved_at=_resolved(draft),
        ticket_url=draft.ticket_url,
        latency_s=latency_s,
    )


def _resolved(draft: Draft) -> datetime | None:
    return draft.resolved_at or draft.recovered_at


def _statement(statement: Statement) -> card_pb2.Statement:
    return card_pb2.Statement(text=statement.text, evidence_ids=statement.evidence)


def _evidence(evidence: Evidence) -> evidence_pb2.Evidence:
    return evidence_pb2.Evidence(
        id=evidence.id,
        kind=evidence.kind.value,  # type: ignore[arg-type]
        occurred_at=to_proto(evidence.occurred_at),
        ended_at=to_proto(evidence.ended_at),
        service=evidence.service,
        statement=evidence.statement,
        strength=evidence.strength,
        link=evidence.link,
        values=dict(evidence.values),
        example=evidence.example,
    )


def _hypothesis(hypothesis: Hypothesis, draft: Draft) -> card_pb2.Hypothesis:
    def ids(keys: tuple[str, ...]) -> list[str]:
        """Those of the observations that are evidence of this draft."""
        return [draft.evidence_ids[key] for key in keys if key in draft.evidence_ids]

    return card_pb2.Hypothesis(
        kind=hypothesis.kind.value,
        service=hypothesis.service,
        probability=hypothesis.probability,
        mechanism=card_pb2.Statement(text=hypothesis.mechanism, evidence_ids=ids(hypothesis.mechanism_keys)),
        evidence_for=ids(hypothesis.evidence_for),
        evidence_against=ids(hypothesis.evidence_against),
    )


def _impact(impact: Impact) -> postmortem_pb2.Impact:
    return postmortem_pb2.Impact(
        duration_s=impact.duration_s,
        failed_requests=impact.failed_requests or 0.0,
        failed_requests_uncertainty=impact.failed_requests_uncertainty or 0.0,
        affected_users=impact.affected_users or 0.0,
        cost=impact.cost or 0.0,
        currency=impact.currency,
        budget_consumed=impact.budget_consumed or 0.0,
        statements=[_statement(statement) for statement in impact.statements],
    )
