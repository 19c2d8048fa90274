"""The root cause in prose: what changed, what it did to the service, what gave out, why it showed when it did, what
ended it, and what speaks against it. Each sentence stands only where data carries it."""

from services.drafting.case import Case
from services.drafting.drafts.calls_per_request import Amplification, amplification, amplified_evidence
from services.drafting.drafts.early_signs import early_signs
from services.drafting.drafts.event_sentences import event_sentence, named, taken_back
from services.drafting.drafts.log_story import course_of_log
from services.drafting.drafts.measured import departure, extreme, in_short, measure, metric_of, normal, sentence
from services.drafting.drafts.milestones import Milestones, culprit_change, says_why, undoes
from services.drafting.drafts.notes import mechanism, notes_during
from services.drafting.drafts.traffic_growth import growth_evidence, traffic_growth
from services.drafting.drafts.used_up import limit_line, saturated
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.observations import Deploy, Event, OperationWindow, SeriesWindow
from services.drafting.showing import INCIDENT, evidence
from services.drafting.statements import Statement, quoted
from services.drafting.wording import between, clock, counted, listed, number, percent_change, quantity

# From this on the first cause is called the likeliest, below it a candidate.
LIKELY = 0.5
MOST_MEASURES = {True: 3, False: 0}
MOST_NOTES = 3
# Of a minor incident: what changed or lies where, and what that did.
MOST_SENTENCES = 2


def root_cause(case: Case, course: Milestones) -> tuple[Statement, ...]:
    """What is known of the cause, in the order in which one would tell it."""
    cause, change = case.cause, culprit_change(case)
    if cause is None or not case.cite(cause.mechanism_keys):
        return (*_unknown(case, course), *_diagnosis(case, course), *(course_of_log(case) if case.is_major else ()))
    said = _change(case, change) if change is not None else _origin(case, cause)
    said += _behaviour(case)
    said += _diagnosis(case, course)
    said += _gave_out(case)
    if change is not None:
        said += _why_then(case, change)
        said += _reversal(case, change)
    if case.is_major:
        said += course_of_log(case, told=limit_line(case))
        said += _traces(case)
    return (*said, *_against(case, cause)) if case.is_major else tuple(said[:MOST_SENTENCES])


def is_known(case: Case) -> bool:
    """Whether data carries a cause."""
    return case.cause is not None and bool(case.cite(case.cause.mechanism_keys))


def _unknown(case: Case, course: Milestones) -> list[Statement]:
    noted = "; what responders noted is all that is known of it" if course.diagnosis is not None else ""
    said = [case.say(f"No cause could be told from telemetry{noted}.", INCIDENT)]
    likely = [one for one in case.hypotheses if one.kind is not CauseKind.UNKNOWN and case.cite(one.mechanism_keys)]
    said += [case.say(f"Possible: {one.mechanism}", *one.mechanism_keys) for one in likely[:2]]
    return said


def _change(case: Case, change: Event) -> list[Statement]:
    detail, before = change.detail, between(change.occurred_at, case.facts.onset_at)
    if not isinstance(detail, Deploy):
        when = f"That was at {clock(change.occurred_at)}, {before} before the onset."
        return [case.say(f"{event_sentence(change)} {when}", change.key, INCIDENT)]
    replaced = f" replaced {detail.previous_version}" if detail.previous_version else " went out"
    said = [case.say(f"{named(change)}{replaced} at {clock(change.occurred_at)}, {before} before the onset.",
                     change.key, INCIDENT)]
    if detail.description and case.is_major:
        said.append(case.say(f"Its description{_files(detail)}: {quoted(detail.description, 300)}.", change.key))
    return said


def _files(detail: Deploy) -> str:
    """Which files it touched, in brackets: the first of them by name."""
    files = detail.changed_files
    if not files:
        return ""
    first = quoted(files[0], 120)
    return f" (of {first})" if len(files) == 1 else f" (of {counted(len(files), 'file')}, among them {first})"


def _origin(case: Case, cause: Hypothesis) -> list[Statement]:
    """Where no change explains it: what was seen where, in numbers, and whom it reached."""
    likely = "The likeliest cause" if cause.probability >= LIKELY else "The strongest candidate, though not a sure one,"
    said = [case.say(f"{likely} lies in {cause.service}: {_clause(cause)}", *cause.mechanism_keys)]
    # What the sentence holds already is not told again.
    said += measured(case, cause, beside=said[0].text)[: MOST_MEASURES[case.is_major]]
    callers = sorted({one.caller for one in case.observations.calls if one.service == cause.service
                      and one.caller != cause.service} & set(case.facts.services))
    if callers:
        calls = [one.key for one in case.observations.calls if one.service == cause.service and one.caller in callers]
        said.append(case.say(f"It reached {listed(callers, 8)}, which {'call' if len(callers) > 1 else 'calls'} it.",
                             INCIDENT, *calls[:4]))
    return said


def measured(case: Case, cause: Hypothesis, beside: str = "") -> list[Statement]:
    """The measures that the cause rests on, in numbers, one of each kind; none that `beside` names."""
    series = {one.key: one for one in case.observations.series}
    keys = (*cause.mechanism_keys, *cause.evidence_for)
    told = {in_short(series[key].metric_name): series[key] for key in keys
            if key in series and f"{series[key].metric_name} " not in beside}
    windows = [window for words, window in told.items() if words not in _in_words(beside)]
    return [said for said in (_measured(case, window) for window in windows) if said is not None]


def _in_words(sentence: str) -> set[str]:
    """What the metrics that a sentence names are called: «memory.usage» and «memory.utilization» are one thing."""
    return {in_short(word.strip("(,;)")) for word in sentence.split() if "." in word.strip("(,;).")}


def _clause(cause: Hypothesis) -> str:
    text = cause.mechanism
    if text.startswith(f"{cause.service} "):
        return f"it {text.removeprefix(f'{cause.service} ')}"
    return text[0].lower() + text[1:] if text.startswith(("The ", "A ", "An ", "Work ")) else text


def _measured(case: Case, window: SeriesWindow) -> Statement | None:
    if window.extreme_at is None:
        return None
    return case.say(
        sentence(f"{metric_of(window.metric_name, window.service)} was {quantity(window.extreme_value, window.unit)} "
                 f"at {clock(window.extreme_at)}, against {quantity(window.baseline_median, window.unit)} before"),
        window.key)


def _behaviour(case: Case) -> list[Statement]:
    service = case.cause.service if case.cause else case.facts.service
    said = []
    more = amplification(case.observations, service)
    if more is not None:
        key = amplified_evidence(case, more)
        said.append(case.say(
            f"From then on {service} made {number(more.after)} calls for each request that it served, against "
            f"{number(more.before)} before{_operations(more)}.", key, *more.keys))
    signs = early_signs(case)[:1] if culprit_change(case) is not None else []
    said += [case.say(f"At {clock(sign.detected_at)} {departure(sign, verb='was')}.", sign.key) for sign in signs]
    return said


def _operations(more: Amplification) -> str:
    if not more.operations:
        return ""
    told = [f"{quoted(one.name, 80)} {'rose' if one.after > one.before else 'fell'} from {number(one.before)} to "
            f"{number(one.after)} per request" for one in more.operations]
    return f": {' while '.join(told)}"


def _diagnosis(case: Case, course: Milestones) -> list[Statement]:
    told = notes_during(case)
    chosen = next((event for event in told if course.diagnosis and event.key == course.diagnosis.key), None)
    events = [event for event in (chosen, *told[:1]) if event is not None][:1]
    if not is_known(case):
        # Where telemetry says nothing, people's own words are all there is.
        events += [event for event in told if event not in events and says_why(event)][:MOST_NOTES - 1]
    return [case.say(f"A responder noted at {clock(event.occurred_at)}: {quoted(mechanism(event), 600)}", event.key)
            for event in events]


def _gave_out(case: Case) -> list[Statement]:
    # Where no change explains it, the origin was told by its measures already.
    full, limit = saturated(case) if culprit_change(case) is not None else None, limit_line(case)
    if full is None and limit is None:
        return []
    keys: list[str] = []
    parts: list[str] = []
    if full is not None:
        keys += full.keys
        parts.append(f"{measure(full.whole)} rose from {normal(full.whole)} to {extreme(full.whole)}")
    if limit is not None and limit.first_seen_at is not None:
        keys.append(limit.key)
        before = "never before" if not limit.baseline_count else f"{counted(limit.baseline_count, 'time')} before"
        parts.append(f"the log of {limit.service} names the limit: {quoted(limit.example, 200)}, "
                     f"{counted(limit.count, 'time')} from {clock(limit.first_seen_at)} on and {before}")
    return [case.say(sentence("; ".join(parts)), *keys)] if parts else []


def _why_then(case: Case, change: Event) -> list[Statement]:
    growth = traffic_growth(case)
    if growth is None:
        return []
    return [case.say(
        f"Why it showed {between(change.occurred_at, case.facts.onset_at)} after the change: traffic to "
        f"{case.facts.service} rose by {percent_change(growth.before, growth.after)} in between, from "
        f"{number(growth.before)} to {number(growth.after)} requests per minute.",
        growth_evidence(case, growth), *growth.keys, change.key, INCIDENT)]


def _reversal(case: Case, change: Event) -> list[Statement]:
    undone = next((event for event in case.events if undoes(event, change)), None)
    if undone is None or case.facts.recovered_at is None:
        return []
    return [case.say(
        sentence(f"{taken_back(undone)} began at {clock(undone.occurred_at)}, and {case.facts.service} was back in its "
                 f"baseline {between(undone.occurred_at, case.facts.recovered_at)} later, which speaks for the change "
                 "as the cause"), undone.key, INCIDENT)]


def _traces(case: Case) -> list[Statement]:
    """The way along which a recorded request failed, where it leads to the likeliest cause; one of several."""
    service = case.cause.service if case.cause else case.facts.service
    for trace in case.observations.traces:
        path = list(dict.fromkeys(trace.error_path))
        if len(path) > 1 and path[-1] == service:
            return [case.say(f"The recorded trace {trace.trace_id} failed along {listed(path)}; the error began in "
                             f"{path[-1]}.", trace.key)]
    return []


def _against(case: Case, cause: Hypothesis) -> list[Statement]:
    """What does not fit, in its own words; never a measure that speaks for it as well."""
    found = case.observations.by_key()
    supporting = {*cause.mechanism_keys, *cause.evidence_for}
    keys = [key for key in cause.evidence_against
            if key not in supporting and isinstance(found.get(key), SeriesWindow | OperationWindow)][:1]
    return [case.say(f"What does not fit: {evidence(found[key]).statement}", key) for key in keys]
