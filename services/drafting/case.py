"""The material of one incident on the desk: everything gathered, its ranked causes, and the book of evidence.

Whoever writes a sentence says it through the case, which looks the facts up by key, numbers them, and makes the
statement. What is not in the material cannot be cited.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.drafting import showing
from services.drafting.drafts.courses import with_rates
from services.drafting.evidence import Book, Evidence
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.hypotheses.ranking import rank
from services.drafting.incident import Gathered, Incident
from services.drafting.observations import Event, IncidentFacts, LogPatternWindow, Observations, PatternChange
from services.drafting.statements import Statement
from services.drafting.variants import without_variants


@dataclass(frozen=True, slots=True)
class Objective:
    """A service level objective that a team configured: share of requests that succeed, over a period."""

    target: float = 0.995
    period: timedelta = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a team decided: values, objectives, and how soon work is due."""

    # What one failed request of an operation costs, by a part of the operation's name.
    operation_values: Mapping[str, float] = field(default_factory=dict)
    currency: str = "USD"
    objective: Objective = Objective()
    # Days until an item of that priority is due: small and larger work.
    due_days: Mapping[int, tuple[int, int]] = field(default_factory=lambda: {1: (7, 14), 2: (7, 21), 3: (30, 30)})
    # Attributes of spans and lines that say which user it was.
    user_attributes: tuple[str, ...] = ("user.id", "enduser.id", "user.hash", "session.id")


class Case:
    """The material of one incident."""

    def __init__(self, gathered: Gathered, policy: Policy, kept: Mapping[str, str] | None = None) -> None:
        """kept: numbers of evidence that were given out before, by key."""
        facts = gathered.incident.facts
        rated = replace(facts, anomalies=with_rates(facts.anomalies, gathered.observations))
        self.gathered = replace(gathered, incident=replace(gathered.incident, facts=rated))
        self.policy = policy
        self.book = Book(gathered.incident.name, kept)
        self._found = gathered.observations.by_key()
        self._anomalies = {one.key: one for one in rated.anomalies}
        self._similar = {one.past.key: one for one in gathered.similar}
        self._events = {event.key: event for event in self._all_events()}
        self._derived: dict[str, Evidence] = {}
        self.hypotheses = rank(self.facts, self.observations, [one.past for one in gathered.similar])
        for figure in (figure for one in self.hypotheses for figure in one.figures):
            self._derived[figure.key] = showing.figure_evidence(figure)

    @property
    def incident(self) -> Incident:
        return self.gathered.incident

    @property
    def facts(self) -> IncidentFacts:
        return self.gathered.incident.facts

    @property
    def observations(self) -> Observations:
        return self.gathered.observations

    @property
    def is_major(self) -> bool:
        """Whether the severity asks for a long text rather than a short one."""
        return self.facts.severity.is_major

    @property
    def events(self) -> Sequence[Event]:
        """Everything that people and other systems told, in order of time."""
        return sorted(self._events.values(), key=lambda event: (event.occurred_at, event.id))

    @property
    def cause(self) -> Hypothesis | None:
        """The likeliest cause, where one is likelier than an unknown one."""
        first = self.hypotheses[0] if self.hypotheses else None
        return None if first is None or first.kind is CauseKind.UNKNOWN else first

    def moved_patterns(self) -> list[LogPatternWindow]:
        """Log patterns that are new or burst, those of the incident's services first, the earliest first."""
        affected = set(self.facts.services) | {self.facts.service}
        if self.cause is not None:
            affected.add(self.cause.service)
        moved = [
            one
            for one in self.observations.log_patterns
            if one.change in (PatternChange.NEW, PatternChange.BURST) and one.count and one.first_seen_at
        ]
        return sorted(
            without_variants(moved, self.observations.log_patterns),
            key=lambda one: (
                one.service not in affected,
                not _is_severe(one),
                one.first_seen_at or self.facts.onset_at,
                -one.count,
            ),
        )

    def derive(self, evidence: Evidence) -> str:
        """Puts a computed number among the material; returns the key to cite it by."""
        self._derived[evidence.key] = evidence
        return evidence.key

    def knows(self, key: str) -> bool:
        """Whether there is anything to cite under `key`."""
        return self._evidence(key) is not None

    def cite(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The numbers of the facts under `keys`; keys that nothing is known under are left out."""
        found = (self._evidence(key) for key in dict.fromkeys(keys))
        return tuple(self.book.cite(one) for one in found if one is not None)

    def say(self, text: str, *keys: str) -> Statement:
        """A statement that rests on the facts under `keys`. Raises ValueError when there are none."""
        return Statement(text, self.cite(keys))

    def _evidence(self, key: str) -> Evidence | None:
        if key == showing.INCIDENT:
            return showing.incident_evidence(self.incident)
        if key in self._derived:
            return self._derived[key]
        if key in self._events:
            return showing.evidence(self._events[key])
        if key in self._found:
            return showing.evidence(self._found[key])
        if key in self._anomalies:
            return showing.anomaly_evidence(self._anomalies[key])
        if key in self._similar:
            return showing.similar_evidence(self._similar[key])
        runbook = next((one for one in self.gathered.runbooks if f"runbook/{one.name}" == key), None)
        return None if runbook is None else showing.runbook_evidence(runbook)

    def _all_events(self) -> Iterable[Event]:
        yield from self.observations.events
        yield from (change.event for change in self.facts.changes)
        yield from (entry.event for entry in self.incident.entries if entry.event is not None)


def _is_severe(pattern: LogPatternWindow) -> bool:
    return pattern.severity.upper() in ("ERROR", "FATAL", "CRITICAL", "SEVERE", "ALERT", "EMERGENCY", "PANIC")
