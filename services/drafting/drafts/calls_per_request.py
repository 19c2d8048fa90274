"""How many calls a service makes for each request that it serves, and which operations took the place of which."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.drafting.case import Case
from services.drafting.observations import Observations, OperationWindow
from services.drafting.showing import derived_evidence
from services.drafting.wording import number

# So much more of something per request is a change of behaviour, not chance; and so many requests must tell it.
AMPLIFIED, ENOUGH_SPANS = 1.5, 20
# An operation whose calls per request moved by less is not worth naming.
MOVED = 0.2


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that the service calls: calls per request, before and now."""

    name: str
    before: float
    after: float
    key: str


@dataclass(frozen=True, slots=True)
class Amplification:
    """More calls for each request than before. `operations` are those that moved most, the risen ones first."""

    service: str
    before: float
    after: float
    operations: tuple[Operation, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """What shows it."""
        return tuple(operation.key for operation in self.operations)


def amplification(observations: Observations, service: str) -> Amplification | None:
    """How many calls `service` makes for each request that it serves, now and before, where that rose."""
    mine = [one for one in observations.operations if one.service == service]
    served = [one for one in mine if one.span_kind in ("server", "consumer")]
    made = [one for one in mine if one.span_kind in ("client", "producer")]
    now, past = sum(one.count for one in served), sum(one.baseline_count for one in served)
    if now < ENOUGH_SPANS or past < ENOUGH_SPANS or not any(one.baseline_count for one in made):
        return None
    before, after = sum(one.baseline_count for one in made) / past, sum(one.count for one in made) / now
    if after < AMPLIFIED * before:
        return None
    return Amplification(service, before, after, tuple(_moved(made, past, now)))


def amplified_evidence(case: Case, found: Amplification) -> str:
    """Puts the numbers among the material; returns the key to cite them by."""
    values = {"before": number(found.before), "after": number(found.after)}
    for operation in found.operations:
        values |= {f"{operation.name}, before": number(operation.before),
                   f"{operation.name}, after": number(operation.after)}
    return case.derive(derived_evidence(
        f"calls-per-request/{found.service}",
        f"Recorded client spans of {found.service} over its recorded server spans", values, service=found.service))


def _moved(made: Iterable[OperationWindow], past: int, now: int) -> list[Operation]:
    everything = [Operation(one.operation, one.baseline_count / past, one.count / now, one.key) for one in made]
    far = sorted((one for one in everything if abs(one.after - one.before) >= MOVED),
                 key=lambda one: -abs(one.after - one.before))[:2]
    return sorted(far, key=lambda one: one.before - one.after)
