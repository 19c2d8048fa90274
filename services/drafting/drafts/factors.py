"""What contributed, each with a category and what shows it. Where data shows fewer than three, questions.py asks.

A factor is a way in which the system or the process made the incident possible, longer or worse; it is found in a
number that moved, an attribute of a change, or words that a responder wrote, never assumed.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from math import ceil

from services.drafting.case import Case
from services.drafting.drafts.calls_per_request import amplification, amplified_evidence
from services.drafting.drafts.draft import Factor
from services.drafting.drafts.event_sentences import named
from services.drafting.drafts.gaps import gaps
from services.drafting.drafts.measured import extreme, measure, normal, sentence
from services.drafting.drafts.milestones import Milestones, culprit_change
from services.drafting.drafts.notes import undocumented
from services.drafting.drafts.root_cause import measured
from services.drafting.drafts.traffic_growth import growth_evidence, traffic_growth
from services.drafting.drafts.used_up import saturated
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.observations import ConfigChange, Deploy, Event, FlagChange
from services.drafting.showing import INCIDENT
from services.drafting.statements import quoted
from services.drafting.wording import between, clock, length, listed, number, percent_change

MOST_FACTORS, FEWEST_FACTORS = {True: 6, False: 3}, 3
CATEGORIES: dict[CauseKind, str] = {
    CauseKind.DEPLOYMENT: "deployment",
    CauseKind.CONFIGURATION: "configuration",
    # Without a change at hand nobody knows that a deploy brought it.
    CauseKind.CODE_EXCEPTION: "process",
    CauseKind.CODE_RETURN: "process",
    CauseKind.LATENCY: "dependency",
    CauseKind.UNAVAILABLE: "dependency",
    CauseKind.OVERLOAD: "capacity",
    CauseKind.CPU: "capacity",
    CauseKind.MEMORY: "capacity",
    CauseKind.DISK: "capacity",
    CauseKind.DATABASE: "database",
    CauseKind.CAPACITY: "capacity",
    CauseKind.NETWORK_DELAY: "network",
    CauseKind.NETWORK: "network",
    CauseKind.DEPENDENCY: "third-party",
    CauseKind.CERTIFICATE: "security",
    CauseKind.QUOTA: "capacity",
    CauseKind.TRAFFIC: "capacity",
    CauseKind.PROCESS: "dependency",
}
# A second cause is told from this probability on.
LIKELY_TOO = 0.15
MOST_LEFT_OPEN = 3
_CHECK_WORDS = re.compile(r"(review|test|approv|canary|load|check|scan|gate|dry.?run)", re.IGNORECASE)
_NOT_DONE = frozenset({"false", "no", "none", "skipped", "0", "missing", "bypassed", "disabled", "not run", "failed"})


def factors(case: Case, course: Milestones) -> tuple[Factor, ...]:
    """What data shows, what says most first; at most six."""
    found = [
        *_cause(case, course),
        *_amplified(case),
        *_used_up(case),
        *_watched_too_short(case),
        *_checks(case),
        *_undocumented(case),
        *_left_open(case),
        *_traffic(case),
        *gaps(case, course),
        *_reached(case),
        *_second_cause(case),
    ]
    unique = {factor.statement.text: factor for factor in found}
    return tuple(unique.values())[: MOST_FACTORS[case.is_major]]


def _cause(case: Case, course: Milestones) -> Iterable[Factor]:
    cause, change = case.cause, culprit_change(case)
    if cause is None or not case.cite(cause.mechanism_keys):
        return
    if change is None:
        # The whole mechanism stands under the root cause; the measure behind it is what contributed.
        shown = measured(case, cause)[:1] or [case.say(cause.mechanism, *cause.mechanism_keys)]
        yield Factor(CATEGORIES.get(cause.kind, "process"), shown[0])
        return
    # With a note of the cause, a fault that data ties to the change has its own factor.
    if amplification(case.observations, cause.service) is not None:
        return
    is_setting = isinstance(change.detail, ConfigChange | FlagChange)
    yield Factor("configuration" if is_setting else "deployment", case.say(
        sentence(f"{named(change)} reached production {between(change.occurred_at, case.facts.onset_at)} before the "
                 "onset"), change.key, INCIDENT))


def _amplified(case: Case) -> Iterable[Factor]:
    service, change = case.cause.service if case.cause else case.facts.service, culprit_change(case)
    found = amplification(case.observations, service)
    if found is None:
        return
    since = f"{named(change)} makes" if change is not None else f"{service} makes"
    yield Factor("deployment" if change is not None else "dependency", case.say(
        sentence(f"{since} {number(found.after)} calls for each request that is served, {number(found.before)} before"),
        amplified_evidence(case, found), *found.keys, *((change.key,) if change else ())))


def _used_up(case: Case) -> Iterable[Factor]:
    full = saturated(case)
    if full is None or culprit_change(case) is None:
        return
    whole = full.whole
    category = "database" if whole.metric_name.startswith(("db.", "mongodb.", "postgresql.", "mysql.", "sql.")) else (
        "capacity")
    yield Factor(category, case.say(
        sentence(f"a limited resource of {whole.service} gave out: {measure(whole)} rose from {normal(whole)} to "
                 f"{extreme(whole)}"), *full.keys))


def _watched_too_short(case: Case) -> Iterable[Factor]:
    change = culprit_change(case)
    if change is None or not isinstance(change.detail, Deploy) or not change.detail.watch_window:
        return
    ended = change.occurred_at + change.detail.watch_window
    if ended >= case.facts.onset_at:
        return
    yield Factor("monitoring", case.say(
        f"The watch after the deploy lasted {length(change.detail.watch_window)}, until {clock(ended)}; the failures "
        f"showed {between(ended, case.facts.onset_at)} later.", change.key, INCIDENT))


def wider_window(watched: timedelta, needed: timedelta) -> timedelta:
    """The next multiple of what was watched that would have seen it."""
    return watched * ceil(needed / watched + 1e-9)


def skipped_checks(change: Event | None) -> list[tuple[str, str]]:
    """Checks of a change that its own event says were not done."""
    attributes = sorted(change.attributes.items()) if change else []
    return [
        (name, value)
        for name, value in attributes
        if _CHECK_WORDS.search(name) and value.strip().casefold() in _NOT_DONE
    ]


def _checks(case: Case) -> Iterable[Factor]:
    """About the process, whoever made the change."""
    change = culprit_change(case)
    if change is not None:
        for name, value in skipped_checks(change):
            yield Factor("process", case.say(
                f"The pipeline let {named(change)} pass with {quoted(f'{name}: {value}', 80)}.", change.key))


def _undocumented(case: Case) -> Iterable[Factor]:
    for event, said in undocumented(case)[:2]:
        yield Factor("process", case.say(
            f"What a responder had to find out is written down nowhere, as noted at {clock(event.occurred_at)}: "
            f"{quoted(said)}", event.key))


def _left_open(case: Case) -> Iterable[Factor]:
    """Work that a similar incident asked for: it has its items already, and a copy would be a second issue."""
    for similar in case.gathered.similar[:1]:
        titles = similar.open_action_items
        if titles:
            shown = listed([quoted(title, 100) for title in titles[:MOST_LEFT_OPEN]], MOST_LEFT_OPEN)
            more = " and others" if len(titles) > MOST_LEFT_OPEN else ""
            yield Factor("process", case.say(
                f"Action items of a similar incident ({quoted(similar.past.title, 100)}) were open when this one "
                f"began: {shown}{more}.", similar.past.key))


def _traffic(case: Case) -> Iterable[Factor]:
    growth = traffic_growth(case)
    if growth is None:
        return
    yield Factor("capacity", case.say(
        f"Traffic to {case.facts.service} rose by {percent_change(growth.before, growth.after)} in the "
        f"{between(growth.before_at, growth.after_at)} up to the onset, from {number(growth.before)} to "
        f"{number(growth.after)} requests per minute.", growth_evidence(case, growth), *growth.keys))


def _reached(case: Case) -> Iterable[Factor]:
    """Services that call the faulty one and left their normal with it: nothing kept it from them."""
    cause = case.cause
    if cause is None:
        return
    affected = set(case.facts.services) | {case.facts.service}
    calls = [one for one in case.observations.calls if one.service == cause.service and one.caller in affected
             and one.caller != cause.service]
    callers = sorted({one.caller for one in calls})
    if callers:
        yield Factor("dependency", case.say(
            f"{listed(callers, 8)} {'call' if len(callers) > 1 else 'calls'} {cause.service} and left "
            f"{'their' if len(callers) > 1 else 'its'} normal with it.", INCIDENT, *(one.key for one in calls[:4])))


def _second_cause(case: Case) -> Iterable[Factor]:
    """What else is likely, of another service."""
    for hypothesis in case.hypotheses[1:3] if case.cause is not None else ():
        is_likely = hypothesis.kind is not CauseKind.UNKNOWN and hypothesis.probability >= LIKELY_TOO
        if is_likely and case.cite(hypothesis.mechanism_keys):
            yield Factor(CATEGORIES.get(hypothesis.kind, "process"),
                         case.say(hypothesis.mechanism, *hypothesis.mechanism_keys))
