"""Which causes are likely, from everything that was found, most likely first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import expm1

from services.drafting.hypotheses.behaviour import behaviour
from services.drafting.hypotheses.changes import SuspectedChange, suspected_changes
from services.drafting.hypotheses.departures import departures
from services.drafting.hypotheses.dependency import third_parties
from services.drafting.hypotheses.finding import Finding, explain_away
from services.drafting.hypotheses.graph import call_graph
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.hypotheses.mechanism import SAYS_HOW, sentence, telling
from services.drafting.hypotheses.past import past
from services.drafting.hypotheses.patterns import patterns
from services.drafting.hypotheses.propagation import propagation
from services.drafting.hypotheses.requests import with_counts
from services.drafting.hypotheses.saturation import saturation
from services.drafting.hypotheses.traffic import traffic, without_surge
from services.drafting.observations import INCIDENT, IncidentFacts, Observations, SimilarPast

# The weight that it takes for a named cause to be likelier than one that no data shows.
UNKNOWN_WEIGHT = 1.2
# A second reason of another kind for the same service adds, a third of the same kind hardly does.
REPEATED = 0.25
MOST_HYPOTHESES = 8
# A change that weighs as much is named as the cause, and what it led to as its mechanism.
TELLING_CHANGE = 0.8
# The share that is left for what no rule looks for. On the recorded incidents every ranking that was surer than 0.9 was
# right, but there are no more than thirty of them.
RESERVE = 0.05
# A further kind of the same service that weighs less than this share of its first is not named.
ALSO_POSSIBLE = 0.25
# What symptoms may come of that telemetry often does not tell apart.
_MAY_BE = {
    CauseKind.UNAVAILABLE: (CauseKind.CODE_EXCEPTION,),
    CauseKind.CODE_RETURN: (CauseKind.CODE_EXCEPTION,),
    CauseKind.CODE_EXCEPTION: (CauseKind.CODE_RETURN,),
    CauseKind.LATENCY: (CauseKind.OVERLOAD, CauseKind.CPU),
    CauseKind.TRAFFIC: (CauseKind.OVERLOAD,),
    CauseKind.DEPENDENCY: (CauseKind.LATENCY, CauseKind.UNAVAILABLE),
}
MOST_OTHER_KINDS = 2
# Services whose weights differ by less are told apart by their names alone: the more specific part of the two.
TIED = 0.03


@dataclass(frozen=True, slots=True)
class _Suspect:
    service: str
    weight: float
    # By kind, strongest first.
    kinds: tuple[tuple[CauseKind, float], ...]
    findings: tuple[Finding, ...]


def rank(incident: IncidentFacts, observations: Observations, similar: Sequence[SimilarPast] = ()
         ) -> tuple[Hypothesis, ...]:
    """Likely causes, the likeliest first; an unknown one stands among them where it belongs."""
    graph = call_graph(incident, observations)
    departed = departures(with_counts(observations.series))
    changes = suspected_changes(incident, observations, graph)
    findings = (
        *saturation(departed, observations),
        *without_surge(propagation(incident, departed, observations, graph), departed),
        *explain_away((*behaviour(observations), *patterns(observations)), graph),
        *traffic(departed, graph),
        *past(incident, similar),
        *(change.finding for change in changes),
    )
    suspects = _in_order([_suspect(service, found) for service, found in _by_service(findings).items()])
    strangers = third_parties(observations, graph)
    # What weighs nothing takes no share, however many such services there are.
    total = expm1(UNKNOWN_WEIGHT) + sum(expm1(suspect.weight) for suspect in suspects)
    named = [_hypothesis(suspect, (1 - RESERVE) * expm1(suspect.weight) / total, incident, changes, strangers)
             for suspect in suspects]
    unknown = Hypothesis(CauseKind.UNKNOWN, "", (1 - RESERVE) * expm1(UNKNOWN_WEIGHT) / total + RESERVE,
                         "Nothing that was observed points to a cause.")
    likelier = [one for one in named if one.probability > unknown.probability]
    rest = [one for one in named if one.probability <= unknown.probability]
    return (*likelier, unknown, *rest)[:MOST_HYPOTHESES]


def _by_service(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    grouped: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.service and finding.weight > 0:
            grouped[finding.service].append(finding)
    return grouped


def _suspect(service: str, findings: Sequence[Finding]) -> _Suspect:
    ordered = tuple(sorted(findings, key=lambda finding: -finding.weight))
    kinds: dict[CauseKind, float] = {}
    for finding in ordered:
        if finding.kind in kinds:
            kinds[finding.kind] = kinds[finding.kind] + REPEATED * finding.weight / 4
        else:
            kinds[finding.kind] = finding.weight
    by_weight = tuple(sorted(kinds.items(), key=lambda pair: -pair[1] * SAYS_HOW.get(pair[0], 1.0)))
    return _Suspect(service, sum(weight for _, weight in by_weight), by_weight, ordered)


def _in_order(suspects: Iterable[_Suspect]) -> list[_Suspect]:
    """By weight; of two that weigh the same, the one whose name refines the other's comes first."""
    ordered = sorted(suspects, key=lambda suspect: (-suspect.weight, suspect.service))
    for place in range(len(ordered) - 1, 0, -1):
        above, below = ordered[place - 1], ordered[place]
        is_part = below.service.startswith(above.service) and below.service != above.service
        if is_part and below.weight >= above.weight * (1 - TIED):
            ordered[place - 1], ordered[place] = below, above
    return ordered


def _hypothesis(suspect: _Suspect, probability: float, incident: IncidentFacts, changes: Sequence[SuspectedChange],
                strangers: frozenset[str]) -> Hypothesis:
    kinds = [kind for kind, _ in suspect.kinds]
    if suspect.service in strangers and kinds[0] in (CauseKind.LATENCY, CauseKind.UNAVAILABLE):
        kinds.insert(0, CauseKind.DEPENDENCY)
    of_changes = [one.finding for one in changes]
    change = next((one for one in changes if one.finding.service == suspect.service
                   and one.finding.weight >= TELLING_CHANGE), None)
    how = telling(finding for finding in suspect.findings if finding not in of_changes)
    told = how
    if change is not None:
        kinds.insert(0, change.finding.kind)
        told = (change.finding, *how)
    elif not how:
        told = suspect.findings[:1]
    figures = {finding.figure.key: finding.figure for finding in told if finding.figure is not None}
    keys = [key for finding in told for key in finding.keys]
    when = (INCIDENT,) if change is not None else ()
    evidence = dict.fromkeys(key for finding in suspect.findings for key in finding.keys)
    against = dict.fromkeys(key for finding in suspect.findings for key in finding.against)
    return Hypothesis(
        kinds[0], suspect.service, probability, sentence(suspect.service, how or told, change, incident),
        tuple(dict.fromkeys((*keys, *figures, *when))), tuple(evidence), tuple(against),
        _other_kinds(kinds, suspect), tuple(figures.values()))


def _other_kinds(kinds: Sequence[CauseKind], suspect: _Suspect) -> tuple[CauseKind, ...]:
    """What the evidence allows as well: further kinds that weigh enough, and what a symptom may come of."""
    strongest = max(weight * SAYS_HOW.get(kind, 1.0) for kind, weight in suspect.kinds)
    weighty = {kind for kind, weight in suspect.kinds
               if weight * SAYS_HOW.get(kind, 1.0) >= ALSO_POSSIBLE * strongest}
    others = (*(kind for kind in kinds[1:] if kind in weighty or kind is suspect.kinds[0][0]),
              *_MAY_BE.get(kinds[0], ()))
    return tuple(kind for kind in dict.fromkeys(others) if kind is not kinds[0])[:MOST_OTHER_KINDS]
