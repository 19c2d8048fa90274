"""The measured moments of an incident: change, start, detection, page, acknowledgement, diagnosis, mitigation, end.

Each is a fact with the key of what shows it, or None where no data says.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from services.drafting.case import Case
from services.drafting.observations import ConfigChange, Deploy, Event, FlagChange, Note, Page, PageState
from services.drafting.showing import INCIDENT

# Words with which people say that they know why, and that they acted.
_KNOWS = re.compile(
    r"\b(because|caus(e|ed|es|ing)|due to|since v?\d|root|reason|culprit|exhaust\w*|leak\w*|found|turns out|"
    r"introduced|regress\w*|full|expired|misconfigur\w*|identified|traced)\b",
    re.IGNORECASE,
)
_ACTS = re.compile(
    r"\b(roll(ed|ing)? ?back|revert\w*|restart\w*|scal(ed|ing) (up|out)|failed over|failover|disabled|"
    r"switched off|turned off|hotfix\w*|mitigat\w*|drained|rate.?limit(ed|ing)|blocked (the|traffic|ip|access)|"
    r"(increased|raised) (the )?(\w+ ){0,2}(limit|pool|quota|timeout|memory|replicas?|size|capacity))\b",
    re.IGNORECASE,
)
# Before such a word: what was left undone, is wished for, asked, or still to come.
_NOT_DONE = re.compile(
    r"(\b(to|should|shall|will|would|could|can|might|must|may|not|never|forgot|without|if|before|let's|maybe|plan\w*|"
    r"about|want\w*|need\w*)|n't)\W+(\w+\W+){0,2}$",
    re.IGNORECASE,
)
_IS_ASKED = re.compile(r"[^.!?\n]*\?")


@dataclass(frozen=True, slots=True)
class Milestone:
    """When it was, and the key of what shows it."""

    name: str
    at: datetime
    key: str


@dataclass(frozen=True, slots=True)
class Milestones:
    """What is known of the course. `change` is the one that the likeliest cause names."""

    onset: Milestone
    detection: Milestone
    change: Milestone | None = None
    page: Milestone | None = None
    acknowledgement: Milestone | None = None
    diagnosis: Milestone | None = None
    mitigation: Milestone | None = None
    recovery: Milestone | None = None

    def in_order(self) -> tuple[Milestone, ...]:
        """Those that are known, as they follow each other in time; the onset stands before its detection."""
        known = (
            self.change,
            self.onset,
            self.detection,
            self.page,
            self.acknowledgement,
            self.diagnosis,
            self.mitigation,
            self.recovery,
        )
        return tuple(sorted((one for one in known if one is not None), key=lambda one: one.at))


def milestones(case: Case) -> Milestones:
    """The moments that the material shows."""
    facts = case.facts
    end = facts.recovered_at or facts.resolved_at
    during = [
        event
        for event in case.events
        if facts.onset_at <= event.occurred_at and (end is None or event.occurred_at <= end)
    ]
    culprit = culprit_change(case)
    acknowledged = next(
        (event for event in during if isinstance(event.detail, Page) and event.detail.state is PageState.ACKNOWLEDGED),
        None,
    )
    acknowledgement = (
        Milestone("acknowledgement", case.incident.acknowledged_at, INCIDENT)
        if case.incident.acknowledged_at
        else _of("acknowledgement", acknowledged)
    )
    page = next(
        (event for event in during if isinstance(event.detail, Page) and event.detail.state is PageState.SENT), None
    )
    mitigation = _mitigation(during, culprit)
    return Milestones(
        onset=Milestone("onset", facts.onset_at, INCIDENT),
        detection=Milestone("detection", facts.detected_at, INCIDENT),
        change=_of("change", culprit),
        page=_of("page", page),
        acknowledgement=acknowledgement,
        diagnosis=_of("diagnosis", _diagnosis(during, culprit, mitigation)),
        mitigation=_of("mitigation", mitigation),
        recovery=Milestone("recovery", facts.recovered_at, INCIDENT) if facts.recovered_at else None,
    )


def culprit_change(case: Case) -> Event | None:
    """The change that the likeliest cause rests on."""
    if case.cause is None:
        return None
    keys = set(case.cause.mechanism_keys) | set(case.cause.evidence_for)
    before = [
        event
        for event in case.events
        if event.is_change
        and event.key in keys
        and event.occurred_at <= case.facts.detected_at
        and not (isinstance(event.detail, Deploy) and event.detail.is_rollback)
    ]
    return max(before, key=lambda event: event.occurred_at, default=None)


def says_why(event: Event) -> bool:
    """Whether a note speaks of a cause."""
    return isinstance(event.detail, Note) and bool(_KNOWS.search(event.detail.text))


def says_done(note: str) -> bool:
    """Whether a note tells of an action that was taken: «restarted it», not «forgot to restart» or «restart it?»."""
    return any(
        not _NOT_DONE.search(note[: found.start()]) and not _IS_ASKED.match(note[found.end() :])
        for found in _ACTS.finditer(note)
    )


def undoes(later: Event, earlier: Event) -> bool:
    """Whether a change takes another one back."""
    if later.service != earlier.service or later.occurred_at <= earlier.occurred_at:
        return False
    match later.detail, earlier.detail:
        case Deploy() as back, Deploy() as forth:
            return back.is_rollback or (bool(forth.previous_version) and back.version == forth.previous_version)
        case ConfigChange() as back, ConfigChange() as forth:
            return back.setting == forth.setting and back.new_value == forth.old_value
        case FlagChange() as back, FlagChange() as forth:
            return back.flag == forth.flag and back.new_value == forth.old_value
        case _:
            return False


def _mitigation(during: Iterable[Event], culprit: Event | None) -> Event | None:
    events = list(during)
    if culprit is not None:
        undone = next((event for event in events if event.is_change and undoes(event, culprit)), None)
        if undone is not None:
            return undone
    changed = next((event for event in events if event.is_change), None)
    acted = next((event for event in events if isinstance(event.detail, Note) and says_done(event.detail.text)), None)
    known = [event for event in (changed, acted) if event is not None]
    return min(known, key=lambda event: event.occurred_at, default=None)


def _diagnosis(during: Iterable[Event], culprit: Event | None, mitigation: Event | None) -> Event | None:
    """The first note that names the change, or that says why."""
    names = _names(culprit)
    for event in during:
        if not isinstance(event.detail, Note) or (
            mitigation is not None and event.occurred_at > mitigation.occurred_at
        ):
            continue
        text = event.detail.text.casefold()
        if any(name in text for name in names) or _KNOWS.search(text):
            return event
    return None


def _names(culprit: Event | None) -> tuple[str, ...]:
    match culprit:
        case Event(detail=Deploy(version=version)):
            return (version.casefold(),)
        case Event(detail=ConfigChange(setting=name)) | Event(detail=FlagChange(flag=name)):
            return (name.casefold(),)
        case _:
            return ()


def _of(name: str, event: Event | None) -> Milestone | None:
    return None if event is None else Milestone(name, event.occurred_at, event.key)
