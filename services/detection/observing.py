"""What telemetry saw, brought into the stored incident: into its own, into the one it was merged into, and into those
that people split off it.

All pure and idempotent: a step that stands on the timeline changes nothing. What a person decided is not overruled:
severity and title stay, and what a person resolved stays resolved until something new goes wrong in it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from services.detection.incident import Anomaly, Entry, Incident, Kind, State, Transition, headlines_first, noted
from services.detection.series import Signal

# Steps that can bring something that was not there before.
_BRINGING = (Kind.ANOMALY_JOINED, Kind.ALERT)


def observe(stored: Incident | None, step: Transition, *, at: datetime) -> Incident:
    """The incident after what detection saw of it. at: wall clock, kept as the time of opening or closing."""
    if stored is None:
        return noted(replace(step.seen, opened_at=at, timeline=()), _entry(step))
    if stored.state is State.MERGED or _entry(step) in stored.timeline:
        return stored
    moved = dict(stored.moved)
    title = stored.title if stored.is_title_set or step.seen.service in moved else step.seen.title
    after = replace(
        stored, title=title, changes=step.seen.changes or stored.changes,
        objectives=step.seen.objectives or stored.objectives)
    anomalies = tuple(each for each in step.seen.anomalies if each.service not in moved)
    services = tuple(each for each in step.seen.services if each not in moved)
    return _seen(after, anomalies, services, step, at)


def absorb(target: Incident, step: Transition, *, at: datetime) -> Incident:
    """The incident that another was merged into, after what was seen of that other."""
    if _entry(step) in target.timeline:
        return target
    after = replace(target, onset_at=min(target.onset_at, step.seen.onset_at))
    return _seen(after, step.seen.anomalies, step.seen.services, step, at)


def branch(split_off: Incident, services: Iterable[str], step: Transition, *, at: datetime) -> Incident:
    """An incident that was split off another with `services`, after what was seen of that other."""
    own = frozenset(services)
    anomalies = tuple(each for each in step.seen.anomalies if each.service in own)
    known = {each.key: replace(each, is_opening=False) for each in split_off.anomalies}
    is_news = any(known.get(each.key) != replace(each, is_opening=False) for each in anomalies)
    if split_off.state is State.MERGED or not (is_news or step.kind is Kind.RESOLVED):
        return split_off
    if _entry(step) in split_off.timeline:
        return split_off
    mine = replace(step, seen=replace(step.seen, operations=tuple(dict.fromkeys(
        each.operation for each in anomalies if each.operation)), call_graph=(), severity=split_off.severity))
    return _seen(split_off, anomalies, tuple(each for each in step.seen.services if each in own), mine, at)


def _seen(before: Incident, anomalies: tuple[Anomaly, ...], services: tuple[str, ...], step: Transition,
          at: datetime) -> Incident:
    """With these anomalies of the step as they are now, and what follows from them."""
    after = replace(
        before, anomalies=united(before.anomalies, anomalies), services=both(before.services, services),
        operations=both(before.operations, step.seen.operations),
        call_graph=tuple(sorted(set(before.call_graph) | set(step.seen.call_graph))))
    after = _worse(after, step)
    if before.state is State.RESOLVED:
        if step.kind not in _BRINGING or not _brings_news(before, anomalies, step):
            return headlines_first(noted(after, _entry(step)))
        after = noted(reopened(after), Entry(step.at, Kind.REOPENED, f"reopened: {step.text}"))
    after = replace(after, recovered_at=recovered(after.anomalies))
    if step.kind is Kind.RESOLVED and after.recovered_at is not None and step.seen.resolved_at is not None:
        after = replace(after, state=State.RESOLVED, closed_at=at,
                        resolved_at=max(step.seen.resolved_at, after.recovered_at))
    return headlines_first(noted(after, _entry(step)))


def _brings_news(resolved: Incident, anomalies: tuple[Anomaly, ...], step: Transition) -> bool:
    """Whether something went wrong after it was resolved: for the first time, or again."""
    if resolved.resolved_at is None:
        return False
    known = {each.key: each for each in resolved.anomalies}
    for each in anomalies:
        before = known.get(each.key)
        is_again = before is not None and before.recovered_at is not None and each.recovered_at is None
        began_at = step.at if is_again else each.onset_at
        if each.signal is not Signal.EVIDENCE and (before is None or is_again) and began_at >= resolved.resolved_at:
            return True
    return False


def recovered(anomalies: Iterable[Anomaly]) -> datetime | None:
    """When the last golden signal, alert or declaration was over; None while one is not."""
    golden = [each.recovered_at for each in anomalies if each.signal is not Signal.EVIDENCE]
    over = [each for each in golden if each is not None]
    return max(over) if over and len(over) == len(golden) else None


def reopened(incident: Incident) -> Incident:
    """Open as if it had never been resolved; who takes it on has to say so again."""
    return replace(incident, state=State.OPEN, recovered_at=None, resolved_at=None, closed_at=None,
                   acknowledged_at=None, acknowledged_by="", is_resolved_by_person=False)


def united(before: tuple[Anomaly, ...], newer: tuple[Anomaly, ...]) -> tuple[Anomaly, ...]:
    """The anomalies of both, each in its newer state; an incident keeps the one that opened it."""
    latest = {each.key: each for each in newer}
    kept = tuple(replace(latest.pop(each.key, each), is_opening=each.is_opening) for each in before)
    return (*kept, *(replace(each, is_opening=each.is_opening and not before) for each in latest.values()))


def both(before: Iterable[str], newer: Iterable[str]) -> tuple[str, ...]:
    """The words of both, each once, those of `before` first."""
    return tuple(dict.fromkeys((*before, *newer)))


def _worse(after: Incident, step: Transition) -> Incident:
    if after.is_severity_set or step.seen.severity > after.severity:
        return after
    if step.seen.severity == after.severity:
        return replace(after, severity_reason=step.seen.severity_reason)
    changed = replace(after, severity=step.seen.severity, severity_reason=step.seen.severity_reason)
    if step.kind is Kind.SEVERITY_CHANGED:
        return changed  # the step itself stands on the timeline
    return noted(changed, Entry(step.at, Kind.SEVERITY_CHANGED,
                                 f"severity P{after.severity} to P{changed.severity}: {changed.severity_reason}"))


def _entry(step: Transition) -> Entry:
    return Entry(step.at, step.kind, step.text, step.event.actor if step.event else "",
                 step.event.payload if step.event else b"")
