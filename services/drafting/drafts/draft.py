"""A post-mortem before a person has read it, as values. sections.py writes it, review's store keeps it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from services.drafting.evidence import Evidence
from services.drafting.hypotheses.hypothesis import Hypothesis
from services.drafting.markdown.document import SectionKind
from services.drafting.observations import Severity
from services.drafting.statements import Statement


@dataclass(frozen=True, slots=True)
class Question:
    """What no data says, asked of the reviewer at its place. `id` is `Q1`, `Q2`, …"""

    id: str
    section: SectionKind
    text: str


@dataclass(frozen=True, slots=True)
class Factor:
    """What contributed. Categories: deployment, database, third-party, capacity, configuration, monitoring, dependency,
    network, security, data, process."""

    category: str
    statement: Statement


@dataclass(frozen=True, slots=True)
class SuggestedItem:
    """Work that a factor, a gap or a past post-mortem asks for; a suggestion until a person accepts it."""

    title: str
    reason: str
    evidence: tuple[str, ...]
    category: str
    # 1 to 3
    priority: int
    due: date
    # Empty where no catalogue names one.
    owner: str = ""


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One line of the timeline."""

    at: datetime
    statement: Statement


@dataclass(frozen=True, slots=True)
class Impact:
    """What it cost. None where it cannot be told from data."""

    duration_s: float
    statements: tuple[Statement, ...] = ()
    failed_requests: float | None = None
    # Half the width of the interval that holds the true number with 95 %.
    failed_requests_uncertainty: float | None = None
    affected_users: float | None = None
    cost: float | None = None
    currency: str = ""
    budget_consumed: float | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """One of the eight parts: its statements, and what it asks."""

    kind: SectionKind
    statements: tuple[Statement, ...] = ()
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything that a draft says. `markdown` is what people read; the rest is what it was written from."""

    # `incidents/{id}`
    incident: str
    stream: str
    title: str
    severity: Severity
    services: tuple[str, ...]
    onset_at: datetime
    detected_at: datetime
    # When its signals were back; None where nobody knows.
    recovered_at: datetime | None
    resolved_at: datetime | None
    sections: tuple[Section, ...]
    timeline: tuple[TimelineRow, ...]
    factors: tuple[Factor, ...]
    impact: Impact
    action_items: tuple[SuggestedItem, ...]
    evidence: tuple[Evidence, ...]
    hypotheses: tuple[Hypothesis, ...] = ()
    tags: tuple[str, ...] = ()
    alert_names: tuple[str, ...] = ()
    log_patterns: tuple[str, ...] = ()
    # What a runbook can be learnt from: when it applies, how one finds out, what helped.
    triggers: tuple[str, ...] = ()
    diagnosis_steps: tuple[str, ...] = ()
    mitigation_steps: tuple[str, ...] = ()
    # Parts that could not be had, and why.
    missing: tuple[str, ...] = ()
    ticket_url: str = ""
    markdown: str = ""
    # Ids of evidence by key, for hypotheses, which name observations by key.
    evidence_ids: Mapping[str, str] = field(default_factory=dict)

    @property
    def questions(self) -> tuple[Question, ...]:
        """Everything that is asked, in order."""
        return tuple(question for section in self.sections for question in section.questions)

    @property
    def is_major(self) -> bool:
        """Whether it is a long text: of a minor incident the summary says the times."""
        return self.severity.is_major

    @property
    def cited(self) -> tuple[Evidence, ...]:
        """What some sentence rests on, in order; the rest of the evidence is frozen with it all the same."""
        ids = {identifier for said in self.statements() for identifier in said.evidence}
        ids |= {identifier for row in self.timeline for identifier in row.statement.evidence}
        ids |= {identifier for factor in self.factors for identifier in factor.statement.evidence}
        return tuple(one for one in self.evidence if one.id in ids)

    def section(self, kind: SectionKind) -> Section:
        """The part of that kind; there is always one."""
        return next(section for section in self.sections if section.kind is kind)

    def statements(self) -> Iterator[Statement]:
        """Every sentence that says something of the incident."""
        for section in self.sections:
            yield from section.statements
        for item in self.action_items:
            yield Statement(item.reason, item.evidence)
