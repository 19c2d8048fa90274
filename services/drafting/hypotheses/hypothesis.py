"""A possible cause: what kind, where, how sure, and what speaks for it and against it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class CauseKind(StrEnum):
    """What a cause can be. The values are the words that cards, drafts and memory use."""

    DEPLOYMENT = "deployment"
    CONFIGURATION = "configuration"
    CODE_EXCEPTION = "code-exception"
    # Answers that are wrong or missing without an exception.
    CODE_RETURN = "code-return"
    LATENCY = "latency"
    UNAVAILABLE = "unavailable"
    OVERLOAD = "overload"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    DATABASE = "database"
    # A limited resource is used up: connections, threads, descriptors, a queue.
    CAPACITY = "capacity"
    NETWORK_DELAY = "network-delay"
    NETWORK = "network"
    # Somebody else's service.
    DEPENDENCY = "dependency"
    CERTIFICATE = "certificate"
    QUOTA = "quota"
    TRAFFIC = "traffic"
    PROCESS = "process"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Figure:
    """Numbers that were computed from observations, to be shown as evidence of their own."""

    key: str
    service: str
    statement: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A possible cause. Its mechanism is one sentence that rests on the observations named beside it."""

    kind: CauseKind
    # Empty where unknown.
    service: str
    # 0 to 1; those of one ranking add up to at most 1.
    probability: float
    mechanism: str
    # Keys of the observations, anomalies or past incidents that the sentence rests on.
    mechanism_keys: tuple[str, ...] = ()
    evidence_for: tuple[str, ...] = ()
    evidence_against: tuple[str, ...] = ()
    # Kinds that the same evidence allows as well, the likelier first.
    other_kinds: tuple[CauseKind, ...] = ()
    # The computed numbers among the keys.
    figures: tuple[Figure, ...] = ()
