"""Whether the cards and drafts of a case say anything that their own evidence does not hold.

Read from what a client gets over gRPC: the sentences as they were computed, and the Markdown that people see.
"""

from collections.abc import Iterable, Iterator

from afteraction.v1 import card_pb2, evidence_pb2, postmortem_pb2
from services.drafting.drafts.truth import beyond_title, problems_in
from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.statements import Statement, Unsupported, unsupported_in
from shared.timestamps import from_proto


def untrue_in_card(card: card_pb2.Card, markdown: str) -> tuple[Unsupported, ...]:
    """What the card says beyond its evidence; empty when all of it is held."""
    evidence = read(card.evidence)
    said = [*card.situation, *(one.mechanism for one in card.hypotheses), *card.changes, *card.next_checks]
    return (*unsupported_in(_statements(said), evidence), *beyond_title(card.title, evidence),
            *problems_in(markdown, evidence))


def untrue_in_draft(draft: postmortem_pb2.Postmortem) -> tuple[Unsupported, ...]:
    """The same of a draft."""
    evidence = read(draft.evidence)
    said = [each for section in draft.sections for each in section.statements]
    return (*unsupported_in(_statements(said), evidence), *problems_in(draft.markdown, evidence))


def read(messages: Iterable[evidence_pb2.Evidence]) -> dict[str, Evidence]:
    """The evidence by id, as drafting's own checker takes it."""
    return {one.id: Evidence(one.id, EvidenceKind(one.kind), one.statement, one.service, from_proto(one.occurred_at),
                             from_proto(one.ended_at), one.strength, one.link, dict(one.values), one.example, one.id)
            for one in messages}


def _statements(messages: Iterable[card_pb2.Statement]) -> Iterator[Statement]:
    yield from (Statement(one.text, tuple(one.evidence_ids)) for one in messages)
