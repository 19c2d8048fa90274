"""One reason to look for the cause in one service."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import log

from services.drafting.hypotheses.graph import CallGraph
from services.drafting.hypotheses.hypothesis import CauseKind, Figure

# How much likelier a certain finding of a family makes its service, as a natural logarithm. All families weigh the
# same but for memory and the like, which also follow a fault that lies elsewhere; there is no data to weigh finer.
CERTAIN = 4.0

# Time, failures or use twenty times smaller than the largest of any service tell nothing.
RANGE = log(20.0)
# What trebled has grown as much as counts.
TREBLED = log(3.0)

# What a caller keeps of a symptom that a service below it shows as well.
EXPLAINED = 0.3


@dataclass(frozen=True, slots=True)
class Finding:
    service: str
    kind: CauseKind
    # Natural logarithm of how much likelier it makes the service; never negative.
    weight: float
    # What is the matter, as a predicate of the service: `took longer to answer`.
    clause: str
    # Keys of the observations that show it, and of those that speak against it.
    keys: tuple[str, ...]
    against: tuple[str, ...] = ()
    # It is known to arise here; nothing that the service calls can explain it.
    is_located: bool = False
    # The numbers in `clause`, where it has any that no observation holds as such.
    figure: Figure | None = None


def explain_away(findings: Iterable[Finding], graph: CallGraph) -> tuple[Finding, ...]:
    """Findings in which a caller is no longer held for what a service below it shows about as strongly.

    Latency and failures go up the call graph, so of two services that show them the lower one is where they come from.
    """
    kept = tuple(findings)
    strongest: dict[str, Finding] = {}
    for finding in kept:
        if finding.service not in strongest or finding.weight > strongest[finding.service].weight:
            strongest[finding.service] = finding
    return tuple(_explained(finding, graph, strongest) for finding in kept)


def _explained(finding: Finding, graph: CallGraph, strongest: dict[str, Finding]) -> Finding:
    if finding.is_located:
        return finding
    below = graph.below(finding.service)
    # In a cycle each is below the other, and neither explains.
    source = max((other for service, other in strongest.items()
                  if service in below and finding.service not in graph.below(service)),
                 key=lambda other: other.weight, default=None)
    if source is None or source.weight < 0.5 * finding.weight:
        return finding
    return replace(finding, weight=finding.weight * EXPLAINED, against=(*finding.against, *source.keys))
