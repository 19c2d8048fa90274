"""What an engineer has to look at where something gave out, by the kind of the cause and the words of its mechanism."""

import re
from collections.abc import Mapping

from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis

# The first whose word stands in the mechanism is what was used up.
_BY_WORD: Mapping[str, str] = {
    "connection pool": "connection pool settings",
    "descriptor": "limit of open files",
    "threads": "thread pool settings",
    "queue": "queue limits",
    "memory": "memory limits",
    "processor": "processor limits",
    "disk": "disk space and throughput",
    "quota": "quotas",
    "certificate": "certificates",
    "pool": "pool settings",
}
_BY_KIND: Mapping[CauseKind, str] = {
    CauseKind.CAPACITY: "pools and limits",
    CauseKind.CPU: "processor limits",
    CauseKind.MEMORY: "memory limits",
    CauseKind.DISK: "disk space and throughput",
    CauseKind.DATABASE: "database locks and slow queries",
    CauseKind.QUOTA: "quotas",
}
# What would have kept it in bounds, where nobody changed anything. `{service}` is where the cause lies.
_BOUNDS: Mapping[CauseKind, str] = {
    CauseKind.CAPACITY: "Alert on the use of pools and limits of {service} before they are full",
    CauseKind.CPU: "Profile {service} under load, and alert on its CPU use before it is saturated",
    CauseKind.MEMORY: "Find what fills the memory of {service}, and alert on its memory use before it is full",
    CauseKind.DISK: "Alert on the disk of {service} before it is full or saturated",
    CauseKind.DATABASE: "Find and bound the slow or blocking queries of {service}",
    CauseKind.QUOTA: "Alert on the quotas of {service} before they are reached",
    CauseKind.CERTIFICATE: "Alert on the expiry of the certificates of {service}, and renew them by a job",
    CauseKind.NETWORK: "Watch lost packets and failed lookups of {service}",
    CauseKind.NETWORK_DELAY: "Set a timeout on the calls to {service} that is shorter than the wait that was measured",
    CauseKind.DEPENDENCY: "Set a timeout on the calls to {service}, and a fallback for when it fails",
    CauseKind.LATENCY: "Set a timeout on the calls to {service}, and a fallback for when it is slow",
    CauseKind.UNAVAILABLE: "Give the callers of {service} a fallback for when it is away",
    CauseKind.OVERLOAD: "Shed load at {service} before it is overloaded",
    CauseKind.TRAFFIC: "Shed load at {service} before it is overloaded",
    CauseKind.CODE_EXCEPTION: "Write a test for {service} that shows what it did otherwise than before",
    CauseKind.CODE_RETURN: "Write a test for {service} that shows the calls that it stopped making",
    CauseKind.PROCESS: "Alert on restarts of {service}",
    CauseKind.CONFIGURATION: "Check the settings of {service} before they are applied",
}


_THREW = re.compile(r"(exception|threw|throws|raised|panic|traceback|\w+Error\b)", re.IGNORECASE)


def resource(cause: Hypothesis) -> str | None:
    """What was used up; None where the cause is of another kind."""
    said = cause.mechanism.casefold()
    return next((words for word, words in _BY_WORD.items() if word in said), None) or _BY_KIND.get(cause.kind)


def bound(cause: Hypothesis) -> str:
    """The work that would have kept it in bounds."""
    if cause.kind is CauseKind.CODE_EXCEPTION and _THREW.search(cause.mechanism):
        return f"Write a test for {cause.service} that shows the exception that it threw"
    return _BOUNDS.get(cause.kind, "Alert on the measure of {service} that showed the cause").format(
        service=cause.service)
