"""Cards as messages."""

from afteraction.v1 import card_pb2, evidence_pb2, incident_pb2
from services.drafting.cards.card import Card, Cause
from services.drafting.evidence import Evidence
from services.drafting.incident import Runbook, Similar
from services.drafting.statements import Statement
from shared.names import deterministic_id
from shared.timestamps import to_proto

# Memory's scores are about probabilities: from here on it is more likely than not.
ALIKE = 0.5


def card(value: Card) -> card_pb2.Card:
    """The card without version, times of its making and latency, which whoever stores it adds."""
    facts = value.incident.facts
    return card_pb2.Card(
        name=f"{facts.name}/card",
        incident=facts.name,
        title=value.title,
        severity=incident_pb2.Severity.ValueType(facts.severity.value),
        state=incident_pb2.IncidentState.ValueType(value.incident.state.value),
        onset_at=to_proto(facts.onset_at),
        detected_at=to_proto(facts.detected_at),
        situation=[_statement(one) for one in value.situation],
        hypotheses=[_hypothesis(one) for one in value.causes],
        changes=[_statement(one) for one in value.changes],
        similar=[_similar(one) for one in value.similar],
        runbooks=[_runbook(one) for one in value.runbooks],
        owner=value.owner,
        next_checks=[_statement(one) for one in value.next_checks],
        evidence=[evidence(one) for one in value.evidence],
        missing=value.missing,
        stream=facts.stream,
        services=facts.services,
    )


def evidence(value: Evidence) -> evidence_pb2.Evidence:
    """One fact."""
    return evidence_pb2.Evidence(
        id=value.id,
        kind=evidence_pb2.EvidenceKind.ValueType(value.kind.value),
        occurred_at=to_proto(value.occurred_at),
        ended_at=to_proto(value.ended_at),
        service=value.service,
        statement=value.statement,
        strength=value.strength,
        link=value.link,
        values=dict(value.values),
        example=value.example,
    )


def resembled(message: card_pb2.Card) -> tuple[str, ...]:
    """The post-mortems that a card names as more likely than not about the same."""
    return tuple(
        one.source_id for one in message.similar if one.source_id.startswith("postmortems/") and one.score >= ALIKE
    )


def fingerprint(message: card_pb2.Card) -> str:
    """The same for two cards that say the same."""
    return deterministic_id("card", message.SerializeToString(deterministic=True).hex())


def _statement(value: Statement) -> card_pb2.Statement:
    return card_pb2.Statement(text=value.text, evidence_ids=value.evidence)


def _hypothesis(value: Cause) -> card_pb2.Hypothesis:
    hypothesis = value.hypothesis
    return card_pb2.Hypothesis(
        kind=hypothesis.kind.value,
        service=hypothesis.service,
        probability=hypothesis.probability,
        mechanism=_statement(value.mechanism),
        evidence_for=value.evidence_for,
        evidence_against=value.evidence_against,
        other_kinds=[kind.value for kind in hypothesis.other_kinds],
    )


def _similar(value: Similar) -> card_pb2.SimilarIncident:
    past = value.past
    return card_pb2.SimilarIncident(
        document=past.document,
        title=past.title,
        score=past.score,
        occurred_at=to_proto(value.occurred_at),
        reasons=value.reasons,
        resolution=past.resolution,
        open_action_items=value.open_action_items,
        link=value.link,
        passage=past.passage,
        source_id=past.source_id,
    )


def _runbook(value: Runbook) -> card_pb2.RunbookMatch:
    return card_pb2.RunbookMatch(
        runbook=value.name,
        title=value.title,
        score=value.score,
        reasons=value.reasons,
        first_steps=value.steps[:8],
        link=value.link,
        last_verified_at=to_proto(value.last_verified_at),
        times_used=value.times_used,
    )
