"""What to do or look at next: the step that would confirm the likeliest cause or rule it out, and where to take it."""

from collections.abc import Callable, Iterable, Mapping

from services.drafting.case import Case
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.observations import ConfigChange, Deploy, Event, FlagChange, SeriesWindow
from services.drafting.statements import Statement, quoted
from services.drafting.wording import clock

MOST_CHECKS = 5
# A cause less likely than this is not worth somebody's minutes yet.
WORTH_CHECKING = 0.1


def next_checks(case: Case) -> tuple[Statement, ...]:
    """The most useful first. None of them says again what the causes say."""
    said: list[Statement] = []
    for one in case.hypotheses[:3]:
        if one.kind is not CauseKind.UNKNOWN and one.probability >= WORTH_CHECKING:
            said += _of_cause(case, one)
    said += _of_runbook(case)
    said += _of_past(case)
    return tuple({statement.text: statement for statement in said}.values())[:MOST_CHECKS]


def _of_cause(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    keys = (*cause.mechanism_keys, *cause.evidence_for)
    yield from _of_change(case, cause, keys)
    by_kind = _BY_KIND.get(cause.kind)
    if by_kind is not None:
        yield from by_kind(case, cause)
    looks = [*_trace(case, cause), *_lines(case, keys)]
    yield from looks or _direct(case, cause)


def _of_change(case: Case, cause: Hypothesis, keys: Iterable[str]) -> Iterable[Statement]:
    known = set(keys)
    change = next((one for one in case.events if one.key in known and one.is_change
                   and one.occurred_at <= case.facts.onset_at), None)
    if change is None:
        return
    back = next((one for one in case.events if isinstance(one.detail, Deploy) and one.detail.is_rollback
                 and one.service == change.service and one.occurred_at > change.occurred_at), None)
    if case.facts.recovered_at is None and back is not None:
        yield case.say(f"The roll-back of {back.service} began at {clock(back.occurred_at)}: see whether what is broken"
                       " recovers, and look further if it does not.", back.key)
    elif case.facts.recovered_at is None:
        yield case.say(_take_back(change, cause.service), change.key)
    elif isinstance(change.detail, Deploy) and change.detail.changed_files:
        first = change.detail.changed_files[0]
        yield case.say(f"Read what {change.detail.version} changes, {first} first.", change.key)


def _take_back(change: Event, service: str) -> str:
    match change.detail:
        case Deploy(previous_version=previous) if previous:
            return f"Roll {service} back to {previous}; a roll-back is the quickest test of this cause."
        case Deploy(version=version):
            return f"Roll back {version} of {service}; a roll-back is the quickest test of this cause."
        case ConfigChange(setting=setting, old_value=old) if old:
            return f"Set {setting} of {service} back to {quoted(old, 60)}."
        case ConfigChange(setting=setting):
            return f"Take the change of {setting} in {service} back."
        case FlagChange(flag=flag):
            return f"Switch the flag {flag} of {service} back."
        case _:
            return f"Take the change of {service} back."


def _resource(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    """Which resource, by instance, beside its limit."""
    series = _first_series(case, cause)
    if series is None:
        return
    where = next((f" {quoted(value, 60)}" for name, value in sorted(series.attributes.items())
                  if name in ("pod", "instance", "host.name", "k8s.pod.name")), "")
    yield case.say(f"Look at {series.metric_name} of {series.service}{where}, by instance and beside its limit.",
                   series.key)


def _network(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    call = next((one for one in case.observations.calls if one.key in cause.mechanism_keys), None)
    if call is not None:
        yield case.say(f"Measure the way from {call.caller} to {call.service}: round trip, retransmits, sidecars, DNS.",
                       call.key)


def _outside(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    yield case.say(f"Look at the status page of {cause.service}, and for what its clients do when it is slow.",
                   *cause.mechanism_keys)


def _load(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    yield case.say(f"Find out who sends the requests to {cause.service}: by client, route and address.",
                   *cause.mechanism_keys)


def _direct(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    """Where neither trace nor line says more: what would tell the service from what is around it."""
    if cause.kind in (CauseKind.LATENCY, CauseKind.UNAVAILABLE, CauseKind.CODE_EXCEPTION, CauseKind.CODE_RETURN):
        does = "is it slow" if cause.kind is CauseKind.LATENCY else "does it fail"
        yield case.say(f"Call {cause.service} directly, past its callers: {does} by itself?", *cause.mechanism_keys)


def _trace(case: Case, cause: Hypothesis) -> Iterable[Statement]:
    """A recorded trace that leads to the service."""
    for trace in case.observations.traces:
        if cause.service in {span.service for span in trace.spans}:
            what = "which span fails first" if trace.error_path else "where its time goes"
            yield case.say(f"Open trace {trace.trace_id}: {what} in {cause.service}?", trace.key)
            return


def _lines(case: Case, keys: Iterable[str]) -> Iterable[Statement]:
    """A search in the logs for the first pattern among the evidence."""
    known = set(keys)
    for pattern in case.moved_patterns():
        if pattern.key in known and pattern.first_seen_at is not None:
            yield case.say(f"Search the logs of {pattern.service} from {clock(pattern.first_seen_at)} on for "
                           f"{quoted(pattern.template, 80)}.", pattern.key)
            return


def _of_runbook(case: Case) -> Iterable[Statement]:
    for runbook in case.gathered.runbooks[:1]:
        if runbook.steps:
            yield case.say(f"First step of the runbook {quoted(runbook.title, 100)}: {quoted(runbook.steps[0], 200)}",
                           f"runbook/{runbook.name}")


def _of_past(case: Case) -> Iterable[Statement]:
    for similar in case.gathered.similar[:1]:
        if similar.past.resolution:
            yield case.say(f"What fixed {quoted(similar.past.title, 100)}: {quoted(similar.past.resolution, 200)}",
                           similar.past.key)


def _first_series(case: Case, cause: Hypothesis) -> SeriesWindow | None:
    known = {series.key: series for series in case.observations.series}
    return next((known[key] for key in (*cause.mechanism_keys, *cause.evidence_for) if key in known), None)


_BY_KIND: Mapping[CauseKind, Callable[[Case, Hypothesis], Iterable[Statement]]] = {
    **dict.fromkeys((CauseKind.CPU, CauseKind.MEMORY, CauseKind.DISK, CauseKind.CAPACITY, CauseKind.QUOTA,
                     CauseKind.CERTIFICATE, CauseKind.PROCESS, CauseKind.DEPLOYMENT), _resource),
    CauseKind.NETWORK_DELAY: _network, CauseKind.NETWORK: _network,
    CauseKind.DEPENDENCY: _outside,
    CauseKind.TRAFFIC: _load, CauseKind.OVERLOAD: _load,
}
