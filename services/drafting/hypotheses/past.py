"""What past incidents that look alike were found to be caused by."""

from collections.abc import Sequence

from services.drafting.hypotheses.finding import CERTAIN, Finding
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.observations import IncidentFacts, SimilarPast
from services.drafting.statements import quoted

# History repeats, but a likeness of words is weak next to what is measured now.
HISTORY = 0.35
# Below this likeness nothing is claimed.
ALIKE = 0.3
_KINDS = {kind.value: kind for kind in CauseKind}
_CATEGORIES = {"third-party API": CauseKind.DEPENDENCY, "third-party": CauseKind.DEPENDENCY,
               "code": CauseKind.CODE_RETURN, "security": CauseKind.CERTIFICATE}


def past(incident: IncidentFacts, similar: Sequence[SimilarPast]) -> tuple[Finding, ...]:
    """A finding for each likely cause of a similar incident, on the services that both name."""
    affected = (incident.service, *(service for service in incident.services if service != incident.service))
    findings = []
    for memory in similar:
        if memory.score < ALIKE:
            continue
        places = [service for service in affected if service in memory.services] or [incident.service]
        kinds = [kind for word in memory.kinds if (kind := _KINDS.get(word) or _CATEGORIES.get(word)) is not None]
        for kind in kinds[:2]:
            weight = CERTAIN * HISTORY * min(memory.score, 1.0)
            findings.append(Finding(places[0], kind, weight, f"looks as in {quoted(memory.title, 120)}", (memory.key,)))
    return tuple(findings)
