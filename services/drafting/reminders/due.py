"""Who is to be reminded of what: action items around their due date, significant incidents without a post-mortem, and
incidents that came again while what the last one asked for was not done.

Pure: what is due today follows from the facts and the date. Each reminder has an id that is the same whenever the
occasion is, so that it is sent once, and a process that slept over a day catches up with the latest occasion only.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from services.drafting.action_items import Item, State
from services.drafting.insights.facts import Facts, IncidentFacts, recurrences
from shared.names import deterministic_id

# Days before the due date, the nearest last; and days after it, repeated every week.
_BEFORE = (3, 0)
_WEEK = 7
# Working days after which a significant incident is nudged for its post-mortem, again and again.
NUDGE_AFTER = 5


class Kind(Enum):
    """What the reminder is about."""

    DUE = "action_item.due"
    OVERDUE = "action_item.overdue"
    POSTMORTEM = "postmortem.missing"
    RECURRENCE = "incident.recurrence"


@dataclass(frozen=True, slots=True)
class Reminder:
    """One sentence to somebody. subject: the resource that it is about. owner: whose it is; empty where nobody's."""

    id: str
    kind: Kind
    subject: str
    owner: str
    text: str


def due(facts: Facts, now: datetime) -> tuple[Reminder, ...]:
    """Every reminder whose occasion has come, by now."""
    return (*_of_items(facts.items, now.date()), *_of_incidents(facts, now), *_of_recurrences(facts))


def _of_items(items: Iterable[Item], today: date) -> Iterator[Reminder]:
    for item in items:
        if item.state is not State.OPEN or item.due is None:
            continue
        left = (item.due - today).days
        if left >= 0:
            occasions = [days for days in _BEFORE if left <= days]
            if occasions:
                when = "today" if left == 0 else "tomorrow" if left == 1 else f"in {left} days"
                yield _reminder(Kind.DUE, item, f"before {min(occasions)}", f"{item.title} is due {when} ({item.due})")
            continue
        weeks = -left // _WEEK
        late = "since yesterday" if left == -1 else f"for {-left} days"
        yield _reminder(Kind.OVERDUE, item, f"after {weeks}", f"{item.title} has been overdue {late} ({item.due})")


def _of_incidents(facts: Facts, now: datetime) -> Iterator[Reminder]:
    postmortems = facts.postmortem_of()
    for incident in facts.incidents:
        postmortem = postmortems.get(incident.name)
        ended = incident.resolved_at or incident.recovered_at
        if not incident.is_significant or ended is None or (postmortem and postmortem.published_at):
            continue
        waited = working_days(ended.date(), now.date())
        if waited < NUDGE_AFTER:
            continue
        state = "a draft waits for review" if postmortem else "not even a draft is there"
        yield Reminder(deterministic_id("reminder", incident.name, str(waited // NUDGE_AFTER)), Kind.POSTMORTEM,
                       postmortem.name if postmortem else incident.name, incident.service,
                       f"{_named(incident)} ended {waited} working days ago and has no published post-mortem: {state}")


def _of_recurrences(facts: Facts) -> Iterator[Reminder]:
    incidents = {each.name: each for each in facts.incidents}
    for each in recurrences(facts):
        incident = incidents.get(each.incident)
        if incident is None or not each.undone:
            continue
        waiting = "; ".join(item.title for item in each.undone)
        yield Reminder(
            deterministic_id("recurrence", each.incident, each.postmortem), Kind.RECURRENCE, each.incident,
            incident.service, f"{_named(incident)} is of the failure mode of {each.postmortem}, of whose action items "
                              f"these were still open when it began: {waiting}")


def working_days(start: date, end: date) -> int:
    """Mondays to Fridays after `start` up to `end`."""
    days = (end - start).days
    if days <= 0:
        return 0
    weeks, rest = divmod(days, _WEEK)
    return weeks * 5 + sum((start + timedelta(days=weeks * _WEEK + day)).weekday() < 5 for day in range(1, rest + 1))


def _reminder(kind: Kind, item: Item, occasion: str, text: str) -> Reminder:
    return Reminder(deterministic_id("reminder", item.name, str(item.due), occasion), kind, item.name, item.owner, text)


def _named(incident: IncidentFacts) -> str:
    return f"P{incident.severity} {incident.title} ({incident.name})"
