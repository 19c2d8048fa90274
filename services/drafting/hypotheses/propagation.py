"""Where time is lost and requests fail, and who only suffers from it.

Three views of the same question, each used as far as the data goes. Spans say it best (`spans`). Metrics about a peer
say it for a pair of services. Metrics of a service alone leave the question how much (`losses`).
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from services.drafting.hypotheses.departures import Departure
from services.drafting.hypotheses.finding import CERTAIN, TREBLED, Finding, explain_away
from services.drafting.hypotheses.graph import CallGraph, other_end
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.losses import failures, lost_time, unseen
from services.drafting.hypotheses.measures import Measure, Side
from services.drafting.hypotheses.spans import failed_operations, gaps, self_time
from services.drafting.observations import IncidentFacts, Observations, Signal

# Having left its baseline first, or at all, where several did.
FIRST, AMONG = 0.15, 0.05
# What a gateway or a balancer keeps of a symptom: it does little that can go wrong.
PASSING = 0.7
_PASSES_ON = frozenset({"gateway", "apigateway", "elb", "alb", "nlb", "balancer", "loadbalancer", "ingress", "proxy",
                        "nginx", "envoy", "haproxy", "traefik", "router"})
_WORD, _CAMEL = re.compile(r"[a-z]+"), re.compile(r"(?<=[a-z])(?=[A-Z])")


def propagation(incident: IncidentFacts, departed: Iterable[Departure], observations: Observations, graph: CallGraph
                ) -> tuple[Finding, ...]:
    """Findings of every view."""
    everything = tuple(departed)
    known = frozenset(graph.callees) | frozenset(graph.callers) | {d.series.service for d in everything}
    slow = (*self_time(observations), *gaps(observations), *_peers(everything, known, graph),
            *unseen(lost_time(everything, known), everything, observations), *_first(incident))
    failing = (*failures(everything, known, graph), *failed_operations(observations))
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
