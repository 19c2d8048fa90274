"""The monthly review: what last month's incidents taught, for the meeting, and the meeting itself."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar, Event

from services.drafting.action_items import Item, State
from services.drafting.insights.facts import (
    Facts,
    IncidentFacts,
    PostmortemFacts,
    Recurrence,
    RunbookFacts,
    is_late,
    month_of,
    recurrences,
)
from shared.names import deterministic_id

MEETING_AT, MEETING_LENGTH = time(14, 0, tzinfo=UTC), timedelta(minutes=45)
# A runbook that nobody has verified for this long is stale.
_STALE = timedelta(days=180)
# Months before this one, with whose mean its factors are compared.
_TREND_MONTHS = 3
_SEVERITIES = {1: "P1", 2: "P2", 3: "P3", 4: "P4"}


def bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of `2026-10`, and that of the month after."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return start, (start + timedelta(days=32)).replace(day=1)


def markdown(month: str, facts: Facts, runbooks: Sequence[RunbookFacts] | None, now: datetime) -> str:
    """The review as Markdown. runbooks: None where memory could not be asked, which is then said."""
    start, end = bounds(month)
    this = facts.in_window(start, end)
    seen_at = min(now, end)
    repeats = [each for each in recurrences(facts) if each.incident in {one.name for one in this.incidents}]
    blocks = (_head(month, this, seen_at), _incidents(this), _actions(facts, start, end, now), _repeats(repeats, facts),
              _trends(month, facts), _runbooks(runbooks, start, end, now))
    return "\n".join(line for block in blocks for line in (*block, "")).rstrip() + "\n"


def icalendar(month: str, markdown: str, now: datetime) -> str:
    """The meeting: the first Tuesday after the month, its review in the description. The same month is the same
    event, so that a calendar updates it."""
    meeting = datetime.combine(_first_tuesday(bounds(month)[1].date()), MEETING_AT)
    event = Event()
    event.add("uid", f"monthly-review-{deterministic_id('monthly review', month)}@afteraction")
    event.add("dtstamp", now)
    event.add("dtstart", meeting)
    event.add("dtend", meeting + MEETING_LENGTH)
    event.add("summary", f"Incident review {month}")
    event.add("description", markdown)
    calendar = Calendar()
    calendar.add("prodid", "-//Afteraction//Monthly review//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    return bytes(calendar.to_ical()).decode()


def _head(month: str, facts: Facts, seen_at: datetime) -> Iterator[str]:
    significant = [each for each in facts.incidents if each.is_significant]
    published = _published(facts)
    hours = sum(each.length_s(seen_at) for each in facts.incidents) / 3600
    covered = sum(each.name in published for each in significant)
    yield f"# Incident review {month}"
    yield ""
    yield (f"{_count(len(facts.incidents), 'incident')}, {len(significant)} of them P1 or P2, "
           f"{hours:.1f} hours in all. {covered} of {len(significant)} P1 and P2 have a published post-mortem.")


def _incidents(facts: Facts) -> Iterator[str]:
    postmortems, published = facts.postmortem_of(), _published(facts)
    yield "## Incidents"
    yield ""
    if not facts.incidents:
        yield "None began in this month."
        return
    yield "| onset (UTC) | severity | service | incident | lasted | post-mortem |"
    yield "|---|---|---|---|---|---|"
    for each in sorted(facts.incidents, key=lambda one: (one.name in published, one.severity or 9, one.onset_at)):
        lasted = f"{each.length_s(each.onset_at) / 60:.0f} min" if each.recovered_at else "still out"
        state = "published" if each.name in published else "draft" if each.name in postmortems else "**none**"
        yield (f"| {each.onset_at:%Y-%m-%d %H:%M} | {_SEVERITIES.get(each.severity, '–')} | {_cell(each.service)} | "
               f"{_cell(each.title)} (`{each.name}`) | {lasted} | {state} |")


def _actions(facts: Facts, start: datetime, end: datetime, now: datetime) -> Iterator[str]:
    done = [each for each in facts.items if each.done_at is not None and start <= each.done_at < end]
    still_open = [each for each in facts.items if each.state is State.OPEN and each.created_at < end]
    late = [each for each in still_open if is_late(each, now.date())]
    yield "## Action items"
    yield ""
    yield f"{len(done)} done in this month, {len(still_open)} open, {len(late)} of them late."
    for title, items in (("Late", late), ("Open", [each for each in still_open if each not in late]), ("Done", done)):
        if items:
            yield ""
            yield f"### {title}"
            yield ""
            yield "| priority | what | owner | due | age |"
            yield "|---|---|---|---|---|"
            items = sorted(items, key=lambda one: (one.due or date.max, one.priority or 9, one.created_at))
            yield from (_item_row(each, now) for each in items)


def _item_row(item: Item, now: datetime) -> str:
    age = ((item.done_at or now) - item.created_at).days
    return (f"| P{item.priority or '–'} | {_cell(item.title)} (`{item.name}`) | {_cell(item.owner) or '–'} | "
            f"{item.due or '–'} | {_count(age, 'day')} |")


def _repeats(repeats: Sequence[Recurrence], facts: Facts) -> Iterator[str]:
    incidents = {each.name: each for each in facts.incidents}
    yield "## Repeats"
    yield ""
    if not repeats:
        yield "No incident repeated a failure mode of a published post-mortem."
        return
    for each in repeats:
        incident: IncidentFacts | None = incidents.get(each.incident)
        title = _cell(incident.title) if incident else each.incident
        undone = "; ".join(f"{_cell(item.title)} (`{item.name}`)" for item in each.undone)
        yield (f"- {title} (`{each.incident}`) is of the failure mode of `{each.postmortem}`"
               + (f". Not done by then: {undone}." if undone else "; its action items were done."))


def _trends(month: str, facts: Facts) -> Iterator[str]:
    by_month: dict[str, Counter[str]] = {}
    for each in facts.postmortems:
        if each.onset_at is not None:
            by_month.setdefault(month_of(each.onset_at), Counter()).update(set(each.factors))
    before = [by_month.get(name, Counter[str]()) for name in _months_before(month, _TREND_MONTHS)]
    present = by_month.get(month, Counter[str]())
    yield "## Factors"
    yield ""
    if not present:
        yield "No contributing factor was found in this month."
        return
    if not any(before):
        yield f"Nothing is known of the {_TREND_MONTHS} months before, so no direction is told."
        yield ""
        yield "| factor | this month |"
        yield "|---|---|"
        yield from (f"| {_cell(category)} | {count} |" for category, count in _ranked(present))
        return
    yield f"| factor | this month | mean of the {_TREND_MONTHS} before | |"
    yield "|---|---|---|---|"
    for category, count in _ranked(present):
        mean = sum(counter[category] for counter in before) / _TREND_MONTHS
        yield f"| {_cell(category)} | {count} | {mean:.1f} | {'up' if count > mean + 0.5 else ''} |"


def _ranked(counted: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))


def _runbooks(runbooks: Sequence[RunbookFacts] | None, start: datetime, end: datetime, now: datetime) -> Iterator[str]:
    yield "## Runbooks"
    yield ""
    if runbooks is None:
        yield "Not known: memory could not be asked."
        return
    verified = [each for each in runbooks if each.last_verified_at is not None and start <= each.last_verified_at < end]
    stale = [each for each in runbooks if each.last_verified_at is None or now - each.last_verified_at > _STALE]
    yield f"{_count(len(runbooks), 'runbook')}, {len(verified)} verified in this month, {len(stale)} stale."
    if runbooks:
        yield ""
    for each in sorted(verified, key=lambda one: -one.times_used):
        used = f"used {_count(each.times_used, 'time')} in all" if each.times_used else "not used yet"
        yield f"- verified: {_cell(each.title)} (`{each.name}`), {used}"
    for each in stale:
        when = f"last verified {each.last_verified_at:%Y-%m-%d}" if each.last_verified_at else "never verified"
        yield f"- stale: {_cell(each.title)} (`{each.name}`), {when}"


def _published(facts: Facts) -> dict[str, PostmortemFacts]:
    return {each.incident: each for each in facts.postmortems if each.published_at is not None}


def _months_before(month: str, count: int) -> list[str]:
    start = bounds(month)[0]
    names = []
    for _ in range(count):
        start = (start - timedelta(days=1)).replace(day=1)
        names.append(start.strftime("%Y-%m"))
    return names


def _first_tuesday(day: date) -> date:
    return day + timedelta(days=(1 - day.weekday()) % 7)


def _cell(text: str) -> str:
    """Text that breaks no table and makes no markup."""
    escaped = "".join(f"\\{character}" if character in "\\`*_[]<>|~#" else character for character in text)
    return " ".join(escaped.split())


def _count(number: int, one: str) -> str:
    return f"{number} {one}" if number == 1 else f"{number} {one}s"
