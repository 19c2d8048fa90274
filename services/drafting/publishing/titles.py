"""What a failure is called: `connection pool exhausted`, and a runbook's title from it.

The name is read off what the systems themselves said (log patterns, then the cause in words); where they said nothing
that people have a name for, the category of the first factor stands for it.
"""

import re
from collections.abc import Iterable

from afteraction.v1.evidence_pb2 import (
    EVIDENCE_KIND_CONFIG_CHANGE,
    EVIDENCE_KIND_DEPLOY,
    EVIDENCE_KIND_FLAG_CHANGE,
    Evidence,
)
from afteraction.v1.postmortem_pb2 import Postmortem

# The narrower before the wider.
_NAMES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("connection pool exhausted",
         r"connection pool|(?<!s)pool.{0,60}(exhaust|time[d ]*out|timeout|full|no (free|available))"
         r"|(time[d ]*out|no (free|available|idle)).{0,60}\bpool|too many connections|remaining connection slots"),
        ("out of memory", r"out ?of ?memory|oom[- ]?kill|cannot allocate memory|heap space|ran out of memory"),
        ("disk full", r"no space left|disk (is |was )?full|enospc|read-only file system"),
        ("out of file descriptors", r"too many open files|emfile|file descriptors?"),
        ("certificate not valid", r"certificate|x509|sslhandshake"),
        ("held back by a quota", r"quota|rate.?limit|too many requests|throttl|resource_exhausted"),
        ("database blocked", r"deadlock|lock wait timeout|could not serialize|statement timeout|replication lag"),
        ("name resolution failing", r"no such host|name resolution|getaddrinfo|nxdomain"),
        ("queue full", r"queue (is |was )?full|rejectedexecution|backlog (is )?full|work queued up"),
        ("dependency refusing connections", r"connection refused|connect: refused|econnrefused"),
        ("wrong configuration",
         r"invalid config|missing (required )?(config|environment|setting)|unknown (flag|option)"),
        ("processes restarting", r"crashloop|processes of \S+ restarted|back-off restarting"),
        ("packet loss", r"lost packets|packet loss"),
        ("processor saturated", r"processor time of \S+ was used up|cpu throttl"),
        ("memory filling", r"memory of \S+ filled"),
        ("more traffic than it can take", r"asked for more than before|overload"),
    )
)  # fmt: skip
_CHANGES = {
    EVIDENCE_KIND_DEPLOY: "after a deploy",
    EVIDENCE_KIND_CONFIG_CHANGE: "after a configuration change",
    EVIDENCE_KIND_FLAG_CHANGE: "after a flag change",
}
# What a category is called where nothing was said that has a name of its own.
_WORDS = {
    "deployment": "failing",
    "database": "database failing",
    "third-party": "third party failing",
    "capacity": "out of capacity",
    "configuration": "wrong configuration",
    "monitoring": "failing unseen",
    "dependency": "dependency failing",
    "network": "network failing",
    "security": "security incident",
    "data": "wrong data",
    "process": "failing",
    "unknown": "failing",
}


def failure(postmortem: Postmortem, category: str) -> str:
    """What people call the failure; `category` in words where nothing said has a name."""
    said = [*postmortem.lesson.log_patterns, *(each.mechanism.text for each in postmortem.hypotheses[:1])]
    found = next((name for text in said for name, pattern in _NAMES if pattern.search(text)), "")
    return found or category.replace("_", " ").replace("-", " ")


def title(service: str, failure: str, causes: Iterable[Evidence]) -> str:
    """`checkout-api: connection pool exhausted after a deploy`. causes: the evidence of the root cause."""
    failure = _WORDS.get(failure.replace(" ", "-"), failure)
    change = next((_CHANGES[each.kind] for each in causes if each.kind in _CHANGES), "")
    words = f"{failure} {change}".strip()
    return f"{service}: {words}" if service else words[:1].upper() + words[1:]
