"""Which causes are likely, from everything that was found, most likely first."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp

from services.drafting.hypotheses.behaviour import behaviour
from services.drafting.hypotheses.changes import SuspectedChange, suspected_changes
from services.drafting.hypotheses.departures import departures
from services.drafting.hypotheses.dependency import third_parties
from services.drafting.hypotheses.finding import Finding, explain_away
from services.drafting.hypotheses.graph import call_graph
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.hypotheses.past import past
from services.drafting.hypotheses.patterns import patterns
from services.drafting.hypotheses.propagation import propagation
from services.drafting.hypotheses.requests import with_counts
from services.drafting.hypotheses.saturation import saturation
from services.drafting.hypotheses.traffic import traffic
from services.drafting.observations import IncidentFacts, Observations, SimilarPast

# The weight that it takes for a named cause to be likelier than one that no data shows.
UNKNOWN_WEIGHT = 1.2
# A second reason of another kind for the same service adds, a third of the same kind hardly does.
REPEATED = 0.25
MOST_HYPOTHESES = 8
# A change that weighs as much is named as the cause, and what it led to as its mechanism.
TELLING_CHANGE = 0.8
_COMMON_WORDS = frozenset({"a", "it", "processes", "requests", "the", "time", "version", "work"})
# Services whose weights differ by less are told apart by their names alone: the more specific part of the two.
TIED = 0.03
# Kinds that say what one sees rather than how it came about give way to those that say more.
_SAYS_HOW = {CauseKind.LATENCY: 0.5, CauseKind.UNAVAILABLE: 0.5, CauseKind.TRAFFIC: 0.5, CauseKind.NETWORK_DELAY: 0.5}


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
        *propagation(incident, departed, observations, graph),
        *explain_away((*behaviour(observations), *patterns(observations)), graph),
        *traffic(departed, graph),
        *past(incident, similar),
        *(change.finding for change in changes),
    )
    suspects = _in_order([_suspect(service, found) for service, found in _by_service(findings).items()])
    strangers = third_parties(observations, graph)
    total = exp(UNKNOWN_WEIGHT) + sum(exp(suspect.weight) for suspect in suspects)
    named = [_hypothesis(suspect, exp(suspect.weight) / total, changes, strangers) for suspect in suspects]
    unknown = Hypothesis(CauseKind.UNKNOWN, "", exp(UNKNOWN_WEIGHT) / total,
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
    by_weight = tuple(sorted(kinds.items(), key=lambda pair: -pair[1] * _SAYS_HOW.get(pair[0], 1.0)))
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


def _sentence(clause: str) -> str:
    """Names keep the letters that they have, other first words get a capital."""
    first = clause.split(" ", 1)[0]
    return f"{clause[:1].upper()}{clause[1:]}." if first in _COMMON_WORDS else f"{clause}."


def _telling(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The two findings, of different kinds, that say most of how it came about."""
    ordered = sorted(findings, key=lambda finding: -finding.weight * _SAYS_HOW.get(finding.kind, 1.0))
    kinds: dict[CauseKind, Finding] = {}
    for finding in ordered:
        kinds.setdefault(finding.kind, finding)
    return tuple(kinds.values())[:2]


def _hypothesis(suspect: _Suspect, probability: float, changes: Sequence[SuspectedChange], strangers: frozenset[str]
                ) -> Hypothesis:
    kind = suspect.kinds[0][0]
    if suspect.service in strangers and kind in (CauseKind.LATENCY, CauseKind.UNAVAILABLE):
        kind = CauseKind.DEPENDENCY
    change = next((one.finding for one in changes if one.finding.service == suspect.service), None)
    how = _telling(finding for finding in suspect.findings if finding not in [one.finding for one in changes])
    if change is not None and change.weight >= TELLING_CHANGE:
        kind = change.kind
        how = (change, *how)
    keys = [key for finding in how for key in finding.keys]
    sentence = _sentence(", and ".join(finding.clause for finding in how))
    evidence = dict.fromkeys(key for finding in suspect.findings for key in finding.keys)
    against = dict.fromkeys(key for finding in suspect.findings for key in finding.against)
    return Hypothesis(kind, suspect.service, probability, sentence,
                      tuple(dict.fromkeys(keys)), tuple(evidence), tuple(against))
