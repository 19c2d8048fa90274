"""Services that do something else than before with the same requests: steps that are left out, new, or repeated.

What a service does is counted by its operations (spans) and by its log patterns. When it is asked for more or less of
something, all that belongs to it follows; so a count that changed otherwise than every way into the service is a
change inside it: code that returns early, throws, or asks a store once per item instead of once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

from services.drafting.hypotheses.finding import CERTAIN, Finding
from services.drafting.hypotheses.hypothesis import CauseKind, Figure
from services.drafting.hypotheses.patterns import COMPLAINT, is_exception
from services.drafting.observations import Observations
from services.drafting.statements import quoted
from services.drafting.wording import counted, number

# Spans and lines come in bunches (a request makes many), so that counts vary more than Poisson's by about this factor.
BUNCHING = 2.0
# Evidence (in units of the likelihood-ratio statistic) that chance reaches among some hundred counts, and certainty.
CHANCE = 6.0
CERTAINTY = 24.0
# So many times before, two steps must have come equally often to be held to belong together.
IN_STEP = 30
# Several changes at once are more than one, though seldom independent of each other.
SEVERAL = 0.5
# So much more often for each request is a query repeated.
REPEATED = 1.5
# A way in that is used much less than something inside cannot be what that follows.
FAN_OUT = 5.0
_QUERY = re.compile(r"\b(select|insert|update|delete|find|aggregate|query|hgetall|getitem|cursor)\b", re.IGNORECASE)
_ERROR_WORDS = ("error", "exception", "fail", "fatal", "panic")


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in the window and before."""

    name: str
    key: str
    now: int
    before: int
    is_log: bool = False
    # It is itself a sign of failure.
    is_error: bool = False


def behaviour(observations: Observations) -> tuple[Finding, ...]:
    """A finding for each service whose inside changed; a caller's may be the answer to its callee's."""
    ways_in = _ways_in(observations)
    return tuple(finding for service, counts in _counts(observations).items()
                 if (finding := _changed_inside(service, counts, ways_in.get(service, ()))) is not None)


def _ways_in(observations: Observations) -> dict[str, tuple[Count, ...]]:
    """By service, the operations by which it is called: told by their kind, or by a caller that is seen."""
    now, before = defaultdict[tuple[str, str], int](int), defaultdict[tuple[str, str], int](int)
    for call in observations.calls:
        now[call.service, call.operation] += call.count
        before[call.service, call.operation] += call.baseline_count
    for operation in observations.operations:
        if operation.span_kind.lower() in ("server", "consumer"):
            now[operation.service, operation.operation] = operation.count
            before[operation.service, operation.operation] = operation.baseline_count
    ways: dict[str, list[Count]] = defaultdict(list)
    for service, name in now:
        ways[service].append(Count(name, "", now[service, name], before[service, name]))
    return {service: tuple(counts) for service, counts in ways.items()}


def _counts(observations: Observations) -> dict[str, list[Count]]:
    counts: dict[str, list[Count]] = defaultdict(list)
    for operation in observations.operations:
        counts[operation.service].append(Count(
            operation.operation, operation.key, operation.count, operation.baseline_count,
            is_error=_is_error(operation.operation)))
    # Where only those who are called make spans, what they are asked for is what their callers do.
    asking = {operation.service for operation in observations.operations
              if operation.span_kind.lower() in ("client", "producer")}
    for call in observations.calls:
        if call.caller not in asking:
            counts[call.caller].append(Count(f"{call.service} {call.operation}", call.key, call.count,
                                             call.baseline_count))
    for pattern in observations.log_patterns:
        counts[pattern.service].append(Count(
            pattern.template, pattern.key, pattern.count, pattern.baseline_count, is_log=True,
            is_error=pattern.severity.upper() in ("ERROR", "FATAL", "CRITICAL") or _is_error(pattern.template)))
    return counts


def _is_error(name: str) -> bool:
    lowered = name.lower()
    return any(word in lowered for word in _ERROR_WORDS)


def _changed_inside(service: str, counts: Iterable[Count], ways_in: tuple[Count, ...]) -> Finding | None:
    """What changed most, if more than chance does and otherwise than every way into the service."""
    everything = tuple(counts)
    entries = {way.name for way in ways_in}
    ways = tuple(way for way in ways_in if way.now and way.before)
    # New lines are no measure of how much there was to do: beside them everything else would seem to come less often.
    lines = _total(count for count in everything if count.is_log and (ways or count.before))
    if not ways_in and any(not count.is_log for count in everything):
        # The way in from outside: what its users do more or less of is up to them.
        return None
    has_lines = bool(lines.now and lines.before)
    inside = [count for count in everything if (has_lines if count.is_log else count.name not in entries)]
    # Lines may be kept for other minutes than spans are: then all of them change alike.
    surprises = sorted(((max(_least(count, (*ways, lines) if count.is_log else ways),
                             _left_behind(count, inside, ways)), count) for count in inside), key=lambda pair: -pair[0])
    if not surprises:
        return None
    references = ways or (lines,)
    strongest = surprises[0][0] + SEVERAL * sum(surprise for surprise, _ in surprises[1:] if surprise > CHANCE / 2)
    certainty = min(max((strongest - CHANCE) / (CERTAINTY - CHANCE), 0.0), 1.0)
    if certainty <= 0:
        return None
    surprising = [other for surprise, other in surprises if surprise > CHANCE]
    ratio = _ratio(references)
    queries = [other for other in surprising if _is_repeated_query(other, ratio)]
    has_errors = any(other.is_error and other.now > other.before * ratio for other in surprising)
    # More queries for each request say how it came about; the errors that follow only that it did.
    count = (queries or surprising or [surprises[0][1]])[0]
    keys = dict.fromkeys((count.key, *(other.key for surprise, other in surprises[:4] if surprise > CHANCE / 2)))
    kind = CauseKind.DATABASE if queries else CauseKind.CODE_EXCEPTION if has_errors else CauseKind.CODE_RETURN
    figure = None if count.is_log or not ways else _per_request(service, count, ways)
    # Without requests to hold it against, a log says that something is otherwise, and not that it is the code.
    weight = CERTAIN * certainty * (1.0 if ways else COMPLAINT)
    if not ways and not any(is_exception(other.name) for other in surprising):
        kind = CauseKind.UNAVAILABLE
    return Finding(service, kind, weight, _clause(count, figure, count.before * ratio, "requests" if ways else
                                                  "other lines"), tuple(keys), figure=figure)


def _is_repeated_query(count: Count, ratio: float) -> bool:
    return (not count.is_log and bool(_QUERY.search(count.name)) and count.before > 0
            and count.now > REPEATED * count.before * ratio)


def _per_request(service: str, count: Count, ways: tuple[Count, ...]) -> Figure | None:
    """How often it happens for each request that comes in, now and before."""
    now, before = sum(way.now for way in ways), sum(way.before for way in ways)
    if not count.before:
        return None
    return Figure(
        f"figure/{count.key}", service, f"{quoted(count.name, 80)} for each request to {service}",
        {"now": number(count.now / now), "before": number(count.before / before),
         "recorded spans now": f"{count.now:,} of {now:,}", "recorded spans before": f"{count.before:,} of {before:,}"})


def _clause(count: Count, figure: Figure | None, expected: float, references: str) -> str:
    how = "more" if count.now > expected else "less"
    if count.is_log:
        times = counted(count.now, "time")
        return f"logged {quoted(count.name, 120)} {times}, {how} often than its {references} explain"
    if not count.now:
        return f"no longer gets to {quoted(count.name, 80)}"
    if figure is None:
        return f"gets to {quoted(count.name, 80)} {how} often than its {references} explain"
    now, before = figure.values["now"], figure.values["before"]
    return f"makes {now} {quoted(count.name, 80)} calls for each request, against {before} before"


def _total(counts: Iterable[Count]) -> Count:
    chosen = tuple(counts)
    return Count("", "", sum(count.now for count in chosen), sum(count.before for count in chosen))


def _ratio(references: tuple[Count, ...]) -> float:
    return sum(way.now for way in references) / max(sum(way.before for way in references), 1)


def _least(count: Count, ways: tuple[Count, ...]) -> float:
    """The surprise that is left when the count follows whichever way explains it best; 0 where none is known."""
    able = [way for way in ways if FAN_OUT * (way.now + way.before) >= count.now + count.before]
    return min((_surprise(count, way) for way in able), default=0.0)


def _left_behind(count: Count, inside: Sequence[Count], ways: tuple[Count, ...]) -> float:
    """The surprise at a step that used to come exactly as often as another, and now comes less often while others
    still move like that other; 0 where there is no such pair."""
    if count.before < IN_STEP or any(_moves_like(count, other) for other in ways):
        return 0.0
    leaders = [other for other in inside if other is not count and other.now > count.now
               and abs(other.before - count.before) <= 0.02 * count.before
               and _is_followed(other, inside, ways, count)]
    return min((_surprise(count, leader) for leader in leaders), default=0.0)


def _is_followed(leader: Count, inside: Sequence[Count], ways: tuple[Count, ...], left: Count) -> bool:
    return any(_moves_like(leader, other) for other in (*inside, *ways) if other is not leader and other is not left)


def _moves_like(one: Count, other: Count) -> bool:
    """Whether two counts changed by the same factor, give or take a tenth, and are large enough to tell."""
    if min(one.before, other.before) < IN_STEP / 2:
        return False
    return abs((one.now + 0.5) / one.before - (other.now + 0.5) / other.before) <= 0.1 * (one.now + 0.5) / one.before


def _surprise(count: Count, way: Count) -> float:
    """Likelihood-ratio statistic (G) of the count having changed by another factor than the way, less their bunching.

    What happens once a request at most is a share of the requests; what happens more often is a count beside a count.
    """
    if count.now <= way.now and count.before <= way.before:
        table = ((count.now, count.before), (way.now - count.now, way.before - count.before))
    else:
        table = ((count.now, count.before), (way.now, way.before))
    total = sum(sum(row) for row in table)
    statistic = 0.0
    for row in table:
        for column in (0, 1):
            if row[column] > 0:
                expected = sum(row) * (table[0][column] + table[1][column]) / total
                statistic += 2.0 * row[column] * log(row[column] / expected)
    return statistic / BUNCHING
