"""What the insights are computed from: plain values of incidents, post-mortems and action items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from services.drafting.action_items import Item, State
from services.drafting.insights.survival import SectionSurvival

# Severities for which a post-mortem is due.
SIGNIFICANT = frozenset({1, 2})
# A pause longer than this between two things that a person did is not review.
_SESSION = timedelta(minutes=10)
# What reading before the first thing that a person does is taken to last, at least.
_SHORTEST_SESSION = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """An incident's moments, event time. None where it is not known, or has not happened."""

    name: str
    title: str
    service: str
    severity: int
    onset_at: datetime
    detected_at: datetime | None = None
    acknowledged_at: datetime | None = None
    mitigated_at: datetime | None = None
    recovered_at: datetime | None = None
    resolved_at: datetime | None = None

    @property
    def is_significant(self) -> bool:
        return self.severity in SIGNIFICANT

    def length_s(self, until: datetime) -> float:
        """How long it lasted; one still out lasts until `until`."""
        return max(0.0, ((self.recovered_at or until) - self.onset_at).total_seconds())


@dataclass(frozen=True, slots=True)
class PostmortemFacts:
    """A post-mortem's life, wall clock, and what it says.

    resolved_at: when its incident's resolution was stored. touched: when people did something to it. factors: the
    categories of its contributing factors. sections: how its draft survived; empty until published. failure: what
    people call what failed, where the systems named it. resembles: post-mortems that its card held to be alike.
    """

    name: str
    incident: str
    title: str
    service: str
    onset_at: datetime | None
    created_at: datetime
    latency_s: float
    published_at: datetime | None
    factors: tuple[str, ...] = ()
    touched: tuple[datetime, ...] = ()
    sections: tuple[SectionSurvival, ...] = ()
    failure: str = ""
    resembles: tuple[str, ...] = ()

    @property
    def resolved_at(self) -> datetime:
        return self.created_at - timedelta(seconds=self.latency_s)

    @property
    def review_s(self) -> float:
        """Time that people spent on it: the lengths of the sessions in which they touched it."""
        total, session_start, last = timedelta(), None, None
        for at in sorted(self.touched):
            if last is None or session_start is None or at - last > _SESSION:
                total += _session(session_start, last)
                session_start = at
            last = at
        return (total + _session(session_start, last)).total_seconds()

    def is_repeat_of(self, earlier: "PostmortemFacts") -> bool:
        """Whether it is of the failure mode that `earlier` describes: of the same service, or found alike by memory,
        and failed in the same way or through the same kind of factor."""
        is_akin = bool(set(self.factors) & set(earlier.factors)) or self.failure == earlier.failure != ""
        return is_akin and (self.service == earlier.service or earlier.name in self.resembles)


@dataclass(frozen=True, slots=True)
class RunbookFacts:
    """A runbook's use."""

    name: str
    title: str
    times_used: int
    last_verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything of a stream, or of all."""

    incidents: tuple[IncidentFacts, ...] = ()
    postmortems: tuple[PostmortemFacts, ...] = ()
    items: tuple[Item, ...] = ()

    def in_window(self, start: datetime | None, end: datetime | None) -> "Facts":
        """The incidents that began in [start, end), and what belongs to them."""
        kept = tuple(each for each in self.incidents
                     if (start is None or each.onset_at >= start) and (end is None or each.onset_at < end))
        names = {each.name for each in kept}
        postmortems = tuple(each for each in self.postmortems if each.incident in names)
        return Facts(kept, postmortems, tuple(each for each in self.items if each.incident in names))

    def postmortem_of(self) -> Mapping[str, PostmortemFacts]:
        """By the incident's name."""
        return {each.incident: each for each in self.postmortems}

    def items_of(self) -> Mapping[str, Sequence[Item]]:
        """By the post-mortem's name."""
        found: dict[str, list[Item]] = {}
        for each in self.items:
            found.setdefault(each.postmortem, []).append(each)
        return found


@dataclass(frozen=True, slots=True)
class Recurrence:
    """An incident of a failure mode that a published post-mortem describes, and what of it was not done by then."""

    incident: str
    postmortem: str
    earlier_incident: str
    undone: tuple[Item, ...]


def recurrences(facts: Facts) -> tuple[Recurrence, ...]:
    """Each incident counts once, against the latest published post-mortem that describes its failure mode."""
    items = facts.items_of()
    found = []
    for later in sorted(facts.postmortems, key=_onset):
        began = later.onset_at
        if began is None:
            continue
        earlier = [each for each in facts.postmortems
                   if each.onset_at is not None and each.onset_at < began and each.published_at is not None
                   and later.is_repeat_of(each)]
        if earlier:
            latest = max(earlier, key=_onset)
            undone = tuple(item for item in items.get(latest.name, ()) if was_undone(item, later.created_at))
            found.append(Recurrence(later.incident, latest.name, latest.incident, undone))
    return tuple(found)


def was_undone(item: Item, at: datetime) -> bool:
    """Whether the item was open at that time."""
    if item.state is State.DONE:
        return item.done_at is not None and item.done_at > at
    return item.state is State.OPEN


def is_late(item: Item, today: date) -> bool:
    return item.state is State.OPEN and item.due is not None and item.due < today


def month_of(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m")


def _onset(postmortem: PostmortemFacts) -> datetime:
    return postmortem.onset_at or postmortem.created_at


def _session(start: datetime | None, end: datetime | None) -> timedelta:
    return max(end - start, _SHORTEST_SESSION) if start is not None and end is not None else timedelta()
