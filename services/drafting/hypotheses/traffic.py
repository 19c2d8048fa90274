"""A surge: more requests at the way in than the services are used to."""

from collections.abc import Iterable
from dataclasses import replace
from math import log

from services.drafting.hypotheses.departures import Departure
from services.drafting.hypotheses.finding import CERTAIN, EXPLAINED, RANGE, TREBLED, Finding
from services.drafting.hypotheses.graph import CallGraph
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Measure

# A surge hits whoever is slowest to grow: alone it says little about where.
PLACE = 0.6


# Twice as many requests explain that each takes longer.
DOUBLED = log(2.0)


def without_surge(findings: Iterable[Finding], departed: Iterable[Departure]) -> tuple[Finding, ...]:
    """`findings`, those of slowness less so where the service is asked for so much more that it must become slower."""
    surging = {one.series.service: one.key for one in departed if one.meaning.measure is Measure.TRAFFIC
               and one.certainty > 0 and one.growth >= DOUBLED}
    return tuple(replace(one, weight=one.weight * EXPLAINED, against=(*one.against, surging[one.service]))
                 if one.kind is CauseKind.LATENCY and one.service in surging else one for one in findings)


def traffic(departed: Iterable[Departure], graph: CallGraph) -> tuple[Finding, ...]:
    """Services that are asked for more than before; those whose callers are asked for more as well only pass it on."""
    surges: dict[str, Finding] = {}
    for departure in departed:
        if departure.meaning.measure is not Measure.TRAFFIC or departure.growth <= 0 or departure.certainty <= 0:
            continue
        service = departure.series.service
        size = max(1 + log(max(departure.size, 1e-9)) / RANGE, 0.0)
        weight = CERTAIN * PLACE * departure.certainty * size * min(departure.growth / TREBLED, 1.0)
        if service not in surges or weight > surges[service].weight:
            surges[service] = Finding(
                service, CauseKind.TRAFFIC, weight,
                f"was asked for more than before ({departure.numbers})", (departure.key,), figure=departure.figure)
    return tuple(_passed_on(finding, surges, graph) for finding in surges.values())


def _passed_on(finding: Finding, surges: dict[str, Finding], graph: CallGraph) -> Finding:
    from_above = max((surges[caller].weight for caller in graph.callers.get(finding.service, ()) if caller in surges),
                     default=0.0)
    if from_above < 0.5 * finding.weight:
        return finding
    return replace(finding, weight=finding.weight * EXPLAINED)
