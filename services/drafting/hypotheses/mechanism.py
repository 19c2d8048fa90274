"""How a cause led to what one sees, in one sentence: the change, what the service does since, what ran out of it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from services.drafting.hypotheses.changes import SuspectedChange
from services.drafting.hypotheses.finding import Finding
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.observations import ConfigChange, Deploy, Event, FlagChange, IncidentFacts
from services.drafting.wording import between, clock

# What a service does otherwise comes before what that uses up, and both before what others feel of it.
_ORDER = {
    CauseKind.DATABASE: 0, CauseKind.CODE_EXCEPTION: 0, CauseKind.CODE_RETURN: 0, CauseKind.TRAFFIC: 0,
    CauseKind.LATENCY: 2, CauseKind.UNAVAILABLE: 2, CauseKind.NETWORK_DELAY: 2,
}
# Kinds that say what one sees rather than how it came about give way to those that say more.
SAYS_HOW = {CauseKind.LATENCY: 0.5, CauseKind.UNAVAILABLE: 0.5, CauseKind.TRAFFIC: 0.5, CauseKind.NETWORK_DELAY: 0.5}
MOST_EFFECTS = 2
# A reason this much weaker than the first one is left out of the sentence.
WORTH_TELLING = 0.15


def telling(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, of different kinds, that say most of how it came about, in the order in which it came about."""
    ordered = sorted(findings, key=lambda finding: -finding.weight * SAYS_HOW.get(finding.kind, 1.0))
    kinds: dict[CauseKind, Finding] = {}
    for finding in ordered:
        if finding.weight >= WORTH_TELLING * max(ordered[0].weight, 1e-9):
            kinds.setdefault(finding.kind, finding)
    chosen = sorted(tuple(kinds.values())[:MOST_EFFECTS], key=lambda finding: _ORDER.get(finding.kind, 1))
    return tuple(chosen)


def sentence(service: str, effects: Sequence[Finding], change: SuspectedChange | None, incident: IncidentFacts) -> str:
    """One sentence about `service`; effects: what was found in it, at least one where there is no change."""
    predicates = [effect.clause for effect in effects]
    if change is None:
        return f"{service} {', and it '.join(predicates)}."
    said = _changed(change.event, service, incident)
    if predicates:
        said += f"; since then it {', and it '.join(predicates)}"
    if change.taken_back_by is not None:
        said += f"; taken back at {clock(change.taken_back_by.occurred_at)}, before it recovered"
    return said + "."


def _changed(event: Event, service: str, incident: IncidentFacts) -> str:
    when = f"{between(event.occurred_at, incident.onset_at)} before the onset"
    if incident.onset_at - event.occurred_at < timedelta(minutes=1):
        when = f"at {clock(event.occurred_at)}, when it began"
    match event.detail:
        case Deploy() as deploy:
            if deploy.is_rollback:
                return f"{service} was rolled back to {deploy.version} {when}"
            return f"{deploy.version} of {service} was deployed {when}"
        case ConfigChange() as setting:
            return f"The setting {setting.setting} of {service} was changed {when}"
        case FlagChange() as flag:
            return f"The flag {flag.flag} of {service} was switched {when}"
        case _:
            return f"{service} was changed {when}"
