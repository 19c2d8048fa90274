"""The incident card: what is broken since when and how badly, why, what changed, what helped before, what next."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.drafting.cards.checks import next_checks
from services.drafting.cards.situation import situation
from services.drafting.case import Case
from services.drafting.drafts.event_sentences import event_sentence
from services.drafting.evidence import Evidence
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.incident import Incident, Runbook, Similar
from services.drafting.observations import Event
from services.drafting.showing import INCIDENT, setting_evidence
from services.drafting.statements import Statement
from services.drafting.wording import between, clock

MOST_CHANGES, MOST_SHOWN = 5, 3
RECENT = timedelta(hours=6)
# A cause less likely than this, or so many times less likely than the first one, costs more reading than it is worth.
LEAST_SHOWN, LESS_LIKELY = 0.05, 8.0
LEAST_UNKNOWN = 0.2
# Evidence beyond what the sentence names already.
MOST_FOR, MOST_AGAINST = 4, 3


@dataclass(frozen=True, slots=True)
class Cause:
    """A hypothesis as the card tells it, with numbers of evidence in place of keys."""

    hypothesis: Hypothesis
    mechanism: Statement
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    # Whether it is worth reading at 3 a.m.; the others are kept for whoever asks for all of them.
    is_shown: bool = True

    @property
    def likelihood(self) -> str:
        """In words, since the number is a judgement and no measurement."""
        probability = self.hypothesis.probability
        return "likely" if probability >= 0.8 else "possible" if probability >= 0.15 else "less likely"

    @property
    def kinds(self) -> str:
        """What it is; where that is not sure, what else it may be."""
        kinds = [self.hypothesis.kind, *self.hypothesis.other_kinds]
        is_change = kinds[0] in (CauseKind.DEPLOYMENT, CauseKind.CONFIGURATION)
        return kinds[0].value if is_change else " or ".join(kind.value for kind in kinds[:2])


@dataclass(frozen=True, slots=True)
class Card:
    """One version. `version`, `created_at` and `latency_s` are given by whoever stores it."""

    incident: Incident
    title: str
    situation: tuple[Statement, ...]
    # Every ranked one; `shown` are those that people read.
    causes: tuple[Cause, ...]
    changes: tuple[Statement, ...]
    similar: tuple[Similar, ...]
    runbooks: tuple[Runbook, ...]
    owner: str
    next_checks: tuple[Statement, ...]
    evidence: tuple[Evidence, ...]
    missing: tuple[str, ...]
    evidence_ids: dict[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> tuple[Cause, ...]:
        """The causes that people read."""
        return tuple(cause for cause in self.causes if cause.is_shown)

    @property
    def cited(self) -> tuple[Evidence, ...]:
        """The evidence of what people read."""
        ids = {identifier for statement in (*self.situation, *self.changes, *self.next_checks)
               for identifier in statement.evidence}
        for cause in self.shown:
            ids |= {*cause.mechanism.evidence, *cause.evidence_for, *cause.evidence_against}
        return tuple(one for one in self.evidence if one.id in ids)

    def statements(self) -> Iterable[Statement]:
        """Every sentence that says something of the incident."""
        yield from self.situation
        yield from (cause.mechanism for cause in self.causes)
        yield from self.changes
        yield from self.next_checks


def card(case: Case) -> Card:
    """What the on-call should see."""
    facts, gathered = case.facts, case.gathered
    said, causes = situation(case), tuple(_causes(case))
    changes, checks = tuple(_changes(case)), next_checks(case)
    owner = gathered.owners.get(facts.service, "")
    if owner:
        case.cite((case.derive(setting_evidence(f"owner/{facts.service}", owner,
                                                f"The ownership catalogue names {owner} for {facts.service}.")),))
    for similar in gathered.similar:
        case.cite((similar.past.key,))
    case.cite(f"runbook/{runbook.name}" for runbook in gathered.runbooks)
    return Card(
        case.incident,
        facts.title or facts.service,
        said,
        causes,
        changes,
        gathered.similar,
        gathered.runbooks,
        owner,
        checks,
        tuple(case.book),
        gathered.missing,
        {one.key: one.id for one in case.book},
    )


def _causes(case: Case) -> Iterable[Cause]:
    likeliest = case.hypotheses[0].probability if case.hypotheses else 0.0
    shown = 0
    for place, one in enumerate(case.hypotheses):
        keys = one.mechanism_keys if case.cite(one.mechanism_keys) else (INCIDENT,)
        if one.kind is not CauseKind.UNKNOWN and keys == (INCIDENT,):
            continue
        is_shown = shown < MOST_SHOWN and one.probability >= max(LEAST_SHOWN, likeliest / LESS_LIKELY)
        if one.kind is CauseKind.UNKNOWN:
            is_shown = place == 0 or one.probability >= LEAST_UNKNOWN
        shown += is_shown
        mechanism = case.say(one.mechanism, *keys)
        more = [identifier for identifier in case.cite(one.evidence_for[:8]) if identifier not in mechanism.evidence]
        yield Cause(one, mechanism, tuple(more[:MOST_FOR]), case.cite(one.evidence_against[:MOST_AGAINST]), is_shown)


def _changes(case: Case) -> Iterable[Statement]:
    onset = case.facts.onset_at
    recent = [event for event in case.events if event.is_change and event.occurred_at >= onset - RECENT]
    nearest = sorted(recent, key=lambda event: abs(event.occurred_at - onset))[:MOST_CHANGES]
    for event in sorted(nearest, key=lambda event: event.occurred_at):
        yield case.say(
            f"{clock(event.occurred_at)}, {_distance(event, onset)}: {event_sentence(event)}", event.key, INCIDENT
        )


def _distance(event: Event, onset: datetime) -> str:
    side = "before" if event.occurred_at <= onset else "after"
    return f"{between(event.occurred_at, onset)} {side} the onset"
