"""Where time is lost and requests fail, and who only suffers from it.

Three views of the same question, each used as far as the data goes. Spans say it best: what a span lasts beyond its
children is its own (self time), and what a caller's span lasts beyond the callee's lies between them (gap). Metrics
about a peer say both for a pair of services. Metrics of a service alone leave the question how much: a callee loses
at least the time and the requests that its callers lose through it, and the loss is a larger share of what it does.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp, log

from services.drafting.hypotheses.departures import Departure
from services.drafting.hypotheses.finding import CERTAIN, Finding, explain_away
from services.drafting.hypotheses.graph import CallGraph, other_end
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Measure, Side
from services.drafting.observations import CallWindow, IncidentFacts, Observations, OperationWindow, Signal
from services.drafting.statements import quoted

# Time or failures twenty times smaller than the largest of any service tell nothing.
RANGE = log(20.0)
# Time that trebled is as slow as it counts.
TREBLED = log(3.0)
# Fewer spans than these have no median worth the name.
FEWEST_SPANS = 3
# Having left its baseline first, or at all, where several did.
FIRST, AMONG = 0.15, 0.05
# Less than this share of the time of all calls is not looked for.
NOTICED = 0.05
# More than this share of a service's time being extra says no more.
MOSTLY = 0.8
# A smaller share of failed requests is nobody's outage.
FEW_FAIL = 0.002
# What a gateway or a balancer keeps of a symptom: it does little that can go wrong.
PASSING = 0.7
_PASSES_ON = frozenset({"gateway", "apigateway", "elb", "alb", "nlb", "balancer", "loadbalancer", "ingress", "proxy",
                        "nginx", "envoy", "haproxy", "traefik", "router"})
_WORD, _CAMEL = re.compile(r"[a-z]+"), re.compile(r"(?<=[a-z])(?=[A-Z])")
# Spans that did not become slower as the metric says speak against it; fewer of them say nothing.
UNSEEN, ENOUGH_SPANS = 0.5, 20
_SHARE = re.compile(r"(rate|ratio|share|percent)", re.IGNORECASE)
UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}


def propagation(incident: IncidentFacts, departed: Iterable[Departure], observations: Observations, graph: CallGraph
                ) -> tuple[Finding, ...]:
    """Findings of every view."""
    everything = tuple(departed)
    known = frozenset(graph.callees) | frozenset(graph.callers) | {d.series.service for d in everything}
    slow = (*_self_time(observations), *_gaps(observations), *_peers(everything, known, graph),
            *_unseen(_lost_time(everything, known), everything, observations), *_first(incident))
    failing = (*_failures(everything, known, graph), *_failed_operations(observations))
    return tuple(map(_passed_on, explain_away(slow, graph) + explain_away(failing, graph)))


def _passed_on(finding: Finding) -> Finding:
    """What only passes requests on shows whatever is behind it, though no call graph may say what that is."""
    if finding.is_located or not _PASSES_ON & frozenset(_WORD.findall(_CAMEL.sub("_", finding.service).lower())):
        return finding
    return replace(finding, weight=finding.weight * PASSING)


def _first(incident: IncidentFacts) -> Iterable[Finding]:
    """The services that left their baseline, the first of them before the others; both say little."""
    # What a person or somebody's alerting said first was not measured to be first.
    measured = [one for one in incident.anomalies if one.signal not in (Signal.DECLARED, Signal.ALERT)]
    if not measured:
        return
    first = min(measured, key=lambda anomaly: anomaly.onset_at)
    for service in dict.fromkeys(anomaly.service for anomaly in measured):
        own = [anomaly for anomaly in measured if anomaly.service == service]
        earliest = min(own, key=lambda anomaly: anomaly.onset_at)
        is_first = earliest.onset_at == first.onset_at
        yield Finding(service, CauseKind.LATENCY if earliest.signal is Signal.LATENCY else CauseKind.UNAVAILABLE,
                      CERTAIN * (FIRST if is_first else AMONG),
                      "was the first to leave its baseline" if is_first else "left its baseline",
                      (earliest.key,), () if is_first else (first.key,))


# Spans


def _self_time(observations: Observations) -> Iterable[Finding]:
    """Services whose operations last longer by themselves: extra seconds, and their share of all extra seconds."""
    gaps: dict[str, float] = defaultdict(float)
    for call in observations.calls:
        gaps[call.caller] += max(_extra_gap(call, 0.0) * call.count, 0.0)
    extra, base = defaultdict[str, float](float), defaultdict[str, float](float)
    worst: dict[str, tuple[float, OperationWindow]] = {}
    for operation in observations.operations:
        own, before = operation.self_p50_s, operation.baseline_self_p50_s
        if own is None or before is None or min(operation.count, operation.baseline_count) < FEWEST_SPANS:
            continue
        seconds = (own - before) * operation.count
        extra[operation.service] += seconds
        base[operation.service] += before * operation.count
        if seconds > worst.get(operation.service, (0.0, operation))[0]:
            worst[operation.service] = (seconds, operation)
    own_extra = {service: max(seconds - gaps[service], 0.0) for service, seconds in extra.items()}
    total = sum(own_extra.values()) + sum(gaps.values())
    for service, seconds in own_extra.items():
        if service not in worst or total <= 0:
            continue
        growth = min(log(1 + seconds / max(base[service], 1e-9)) / TREBLED, 1.0)
        operation = worst[service][1]
        yield Finding(service, CauseKind.LATENCY, CERTAIN * growth * seconds / total,
                      f"took longer by itself in {quoted(operation.operation, 80)}, not in what it calls",
                      (operation.key,), is_located=True)


def _gaps(observations: Observations) -> Iterable[Finding]:
    """Services between which and their callers time is lost, neither side working: the network, or a queue."""
    known = [call for call in observations.calls if call.gap_p50_s is not None and call.count >= FEWEST_SPANS]
    usual = sorted(call.baseline_gap_p50_s for call in known
                   if call.baseline_gap_p50_s is not None and call.baseline_count >= FEWEST_SPANS)
    default = usual[len(usual) // 2] if usual else 0.0
    extra = {call.key: max(_extra_gap(call, default) * call.count, 0.0) for call in known}
    total = sum(extra.values())
    if total <= 0:
        return
    noticed = min(total / max(sum(call.p50_s * call.count for call in known), 1e-9) / NOTICED, 1.0)
    ends = {(call.service, Side.SERVER) for call in known} | {(call.caller, Side.CLIENT) for call in known}
    for service, side in sorted(ends, key=lambda end: (end[0], end[1].name)):
        edges = [call for call in known if (call.service if side is Side.SERVER else call.caller) == service]
        covered = sum(extra[call.key] for call in edges) / total
        calls = sum(call.count for call in edges)
        slow = [call for call in edges if extra[call.key] > 0.5 * call.count * (call.baseline_gap_p50_s or default)]
        consistent = sum(call.count for call in slow) / calls
        if not slow:
            continue
        most = max(slow, key=lambda call: extra[call.key])
        base = sum(call.p50_s * call.count for call in slow)
        size = min(log(1 + sum(extra[call.key] for call in slow) / max(base, 1e-9)) / TREBLED, 1.0)
        yield Finding(service, CauseKind.NETWORK_DELAY, CERTAIN * noticed * size * covered * consistent,
                      _between(service, most),
                      tuple(call.key for call in slow[:5]), is_located=True)


def _between(service: str, call: CallWindow) -> str:
    other, way = (call.caller, "from") if call.service == service else (call.service, "to")
    return f"lost time on the way {way} {other}, while neither of the two worked"


def _extra_gap(call: CallWindow, default: float) -> float:
    if call.gap_p50_s is None or call.count < FEWEST_SPANS:
        return 0.0
    before = call.baseline_gap_p50_s if call.baseline_count >= FEWEST_SPANS else default
    return call.gap_p50_s - (before if before is not None else default)


def _failed_operations(observations: Observations) -> Iterable[Finding]:
    """Services whose spans end in errors more often than before, less what the services that they call return."""
    caused: dict[str, float] = defaultdict(float)
    for call in observations.calls:
        caused[call.caller] += _extra_errors(call)
    failed: dict[str, float] = defaultdict(float)
    worst: dict[str, tuple[float, OperationWindow]] = {}
    for operation in observations.operations:
        errors = _extra_errors(operation)
        failed[operation.service] = max(failed[operation.service], errors)
        if errors > worst.get(operation.service, (0.0, operation))[0]:
            worst[operation.service] = (errors, operation)
    most = max(failed.values(), default=0.0)
    for service, (errors, operation) in worst.items():
        own = max(errors - caused[service], 0.1 * errors)
        size = min(errors / 10.0, 1.0)
        yield Finding(service, CauseKind.UNAVAILABLE, CERTAIN * size * max(1 + log(own / most) / RANGE, 0.0),
                      f"failed in {quoted(operation.operation, 80)}", (operation.key,))


def _extra_errors(window: OperationWindow | CallWindow) -> float:
    """Errors beyond what the share of errors before would give."""
    usual = window.baseline_errors / window.baseline_count if window.baseline_count else 0.0
    return max(window.errors - usual * window.count, 0.0)


# Metrics of a pair of services


def _peers(departed: tuple[Departure, ...], known: frozenset[str], graph: CallGraph) -> Iterable[Finding]:
    """What callers measure of a callee, beside what the callee measures of itself."""
    seen: dict[tuple[str, str], Departure] = {}
    served: dict[tuple[str, str], Departure] = {}
    for departure in departed:
        if departure.meaning.measure is not Measure.LATENCY:
            continue
        end = other_end(departure.series, known)
        if end is None:
            continue
        pair = (departure.series.service, end[0]) if end[1] is Side.CLIENT else (end[0], departure.series.service)
        (seen if end[1] is Side.CLIENT else served)[pair] = departure
    slow_calls = {pair: departure.level - departure.baseline for pair, departure in seen.items()
                  if departure.certainty > 0 and departure.growth > 0}
    for pair in seen.keys() | served.keys():
        caller, callee = pair
        outside, inside = seen.get(pair), served.get(pair)
        departure = outside if outside is not None else served[pair]
        if departure.certainty <= 0 or departure.growth <= 0:
            continue
        extra = departure.level - departure.baseline
        inner = _inner(inside, outside, extra)
        passed_on = max((seconds for (above, _), seconds in slow_calls.items() if above == callee), default=0.0)
        own = max(1.0 - passed_on / inner, 0.0) if inner > 0 else 0.0
        callers = [above for above in graph.callers.get(callee, ()) if (above, callee) in seen]
        alike = sum((above, callee) in slow_calls for above in callers) / len(callers) if callers else 1.0
        size = CERTAIN * departure.certainty * min(departure.growth / TREBLED, 1.0)
        keys = tuple(one.key for one in (outside, inside) if one is not None)
        between = max(extra - inner, 0.0) / extra if outside is not None else 0.0
        yield Finding(callee, CauseKind.NETWORK_DELAY, size * between * alike,
                      f"kept {caller} waiting longer than it worked itself", keys, is_located=True)
        yield Finding(callee, CauseKind.LATENCY, size * (1 - between) * own,
                      f"took longer to answer {caller} ({departure.numbers})", keys, figure=departure.figure)


def _inner(inside: Departure | None, outside: Departure | None, extra: float) -> float:
    """Extra seconds inside the callee; where nobody measured there, all of what its caller sees."""
    if inside is None:
        return extra
    return extra if outside is None else min(max(inside.level - inside.baseline, 0.0), extra)


# Metrics of one service


@dataclass(frozen=True, slots=True)
class _Loss:
    """What a service loses: seconds or requests in a unit that is the same for all of one metric name."""

    departure: Departure
    amount: float
    # Share of what it does that is lost, 0 to 1.
    share: float


def _lost_time(departed: tuple[Departure, ...], known: frozenset[str]) -> Iterable[Finding]:
    rates = _rates(departed)
    losses: dict[str, _Loss] = {}
    for departure in departed:
        meaning = departure.meaning
        # What a caller measures of all that it calls says nothing of the caller.
        if (meaning.measure is not Measure.LATENCY or meaning.side is Side.CLIENT or departure.growth <= 0
                or other_end(departure.series, known) is not None):
            continue
        # Of a quantile we know that so many requests at least became that much slower.
        slower = 1.0 if meaning.quantile is None else 1.0 - meaning.quantile
        amount = (departure.level - departure.baseline) * departure.certainty * slower * rates(departure.series.service)
        share = 1.0 - departure.baseline / departure.level if departure.level > 0 else 0.0
        _keep_larger(losses, departure.series.service, _Loss(departure, amount, min(share, MOSTLY) / MOSTLY))
    return _of_losses(losses, CauseKind.LATENCY, "took longer to answer ({numbers})")


def _unseen(findings: Iterable[Finding], departed: tuple[Departure, ...], observations: Observations
            ) -> Iterable[Finding]:
    """`findings`, less so where spans of the same service do not show it, or show the time lost elsewhere."""
    elsewhere = _elsewhere(observations)
    departures = {departure.key: departure for departure in departed}
    spans: dict[str, list[OperationWindow]] = defaultdict(list)
    for operation in observations.operations:
        if operation.count >= ENOUGH_SPANS:
            spans[operation.service].append(operation)
    for finding in findings:
        seen = spans.get(finding.service, [])
        if seen and (finding.service in elsewhere or _contradicts(seen, departures[finding.keys[0]])):
            yield replace(finding, weight=finding.weight * UNSEEN,
                          against=(*finding.against, max(seen, key=lambda one: one.count).key))
        else:
            yield finding


def _elsewhere(observations: Observations) -> frozenset[str]:
    """Services that, of all the time that spans lost, themselves or on the way to them, lost next to nothing."""
    lost: dict[str, float] = defaultdict(float)
    for call in observations.calls:
        lost[call.service] += max(_extra_gap(call, 0.0) * call.count, 0.0)
    for operation in observations.operations:
        own, before = operation.self_p50_s, operation.baseline_self_p50_s
        if own is not None and before is not None and min(operation.count, operation.baseline_count) >= FEWEST_SPANS:
            lost[operation.service] += max(own - before, 0.0) * operation.count
    total = sum(lost.values())
    return frozenset(service for service, seconds in lost.items() if seconds < NOTICED * total)


def _contradicts(seen: Iterable[OperationWindow], departure: Departure) -> bool:
    level_s = departure.level * UNITS.get(departure.series.unit, 0.0)
    if max(one.p95_s for one in seen) < 0.5 * level_s:
        return True
    growth = [log(max(one.p95_s, 1e-9) / one.baseline_p95_s) for one in seen
              if one.baseline_count >= ENOUGH_SPANS and one.baseline_p95_s > 0]
    return bool(growth) and max(growth) < 0.5 * departure.growth


def _failures(departed: tuple[Departure, ...], known: frozenset[str], graph: CallGraph) -> Iterable[Finding]:
    rates, grown = _rates(departed), _grown(departed)
    losses: dict[str, _Loss] = {}
    for departure in departed:
        measure = departure.meaning.measure
        if measure not in (Measure.AVAILABILITY, Measure.ERRORS) or departure.certainty <= 0:
            continue
        service = departure.series.service
        if measure is Measure.AVAILABILITY:
            whole = 100.0 if departure.baseline > 1.5 else 1.0
            share = (departure.baseline - departure.level) / whole
            amount = share * rates(service)
        else:
            # As many more requests fail as there are more.
            usual = 1.0 if _is_share(departure) else exp(grown.get(service, 0.0))
            amount = departure.level - departure.baseline * usual
            share = min(amount / max(rates(service), amount, 1e-9), 1.0)
        if share >= FEW_FAIL:
            _keep_larger(losses, service, _Loss(departure, amount * departure.certainty, share))
    largest = max((loss.share for loss in losses.values()), default=1.0)
    losses = {service: _Loss(loss.departure, loss.amount, (loss.share / largest) ** 0.25)
              for service, loss in losses.items()}
    return _of_losses(losses, CauseKind.UNAVAILABLE, "answered fewer of its requests well ({numbers})", graph)


def _grown(departed: Iterable[Departure]) -> dict[str, float]:
    """By service, how much more it is asked for, as a logarithm."""
    grown: dict[str, float] = {}
    for departure in departed:
        if departure.meaning.measure is Measure.TRAFFIC and departure.certainty > 0 and departure.growth > 0:
            grown[departure.series.service] = max(grown.get(departure.series.service, 0.0), departure.growth)
    return grown


def _is_share(departure: Departure) -> bool:
    series = departure.series
    return series.unit in ("%", "percent", "ratio", "1") or bool(_SHARE.search(series.metric_name))


def _keep_larger(losses: dict[str, _Loss], service: str, loss: _Loss) -> None:
    if service not in losses or loss.amount > losses[service].amount:
        losses[service] = loss


def _of_losses(losses: Mapping[str, _Loss], kind: CauseKind, clause: str, graph: CallGraph | None = None
               ) -> Iterable[Finding]:
    """graph: where given, a service that calls others is half as likely, since a failure may be any of theirs."""
    most = max((loss.amount for loss in losses.values()), default=0.0)
    for service, loss in losses.items():
        if loss.amount <= 0:
            continue
        part = max(1 + log(loss.amount / most) / RANGE, 0.0)
        own = 0.5 if graph is not None and graph.callees.get(service) else 1.0
        yield Finding(service, kind, CERTAIN * own * loss.departure.certainty * part * loss.share,
                      clause.replace("{numbers}", loss.departure.numbers), (loss.departure.key,),
                      figure=loss.departure.figure)


def _rates(departed: tuple[Departure, ...]) -> Callable[[str], float]:
    """Requests to a service in whatever unit its senders count them; the usual number where it has none."""
    rates: dict[str, float] = defaultdict(float)
    for departure in departed:
        if departure.meaning.measure is Measure.TRAFFIC and not departure.series.attributes.get("peer"):
            rates[departure.series.service] = max(rates[departure.series.service],
                                                  departure.baseline, departure.level)
    ordered = sorted(rates.values())
    usual = ordered[len(ordered) // 2] if ordered else 1.0
    return lambda service: rates.get(service, usual)
