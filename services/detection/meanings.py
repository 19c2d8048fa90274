"""What a metric counts, told by its name and unit, whoever named it.

`RULES` is the table: OpenTelemetry's semantic conventions, Prometheus', CloudWatch's, and names that people choose.
`rules` puts a team's own lines before it. What no rule knows is evidence: it may join an incident and never opens one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class Meaning(Enum):
    """What a metric's name says that it counts."""

    LATENCY = "latency"
    REQUESTS = "requests"
    ERRORS = "errors"
    ERROR_SHARE = "error_share"
    SUCCESS_SHARE = "success_share"
    UTILIZATION = "utilization"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Rule:
    """A name (regular expression, searched for) with a unit (the same; empty: any) and its meaning."""

    name: re.Pattern[str]
    meaning: Meaning
    unit: re.Pattern[str] | None = None


def _rule(name: str, meaning: Meaning, unit: str = "") -> Rule:
    return Rule(re.compile(name, re.IGNORECASE), meaning, re.compile(unit, re.IGNORECASE) if unit else None)


# First match wins. Names are read with camel case taken apart (`CPUUtilization` as `CPU_Utilization`). Words stand
# between separators, since `latency` in `translatency` is none.
RULES: tuple[Rule, ...] = (
    # Durations that are no user's latency: a garbage collection, a scrape, the age of something, a whole batch.
    _rule(r"(^|[._])(gc|scrape|uptime|age|lag|timeout|interval|start_time|process\.cpu|jvm)([._]|$)", Meaning.EVIDENCE),
    # What belongs to the machine is shared by all that run on it.
    _rule(r"(^|[._])(node|host|system)[._]", Meaning.EVIDENCE),
    # Not memory: what caches and collectors leave full says nothing until requests suffer.
    _rule(r"(cpu|disk|pool|thread\w*|connection\w*|queue|fd)\S*[._](utili[sz]ation|usage[._]ratio|saturation)",
          Meaning.UTILIZATION, r"^(%|1|percent|ratio|)$"),
    # What happens inside a pool shows in requests, or does not matter.
    _rule(r"(^|[._])(pool|connections?)([._]|$)", Meaning.EVIDENCE),
    _rule(r"(success|availab)", Meaning.SUCCESS_SHARE, r"^(%|1|percent|ratio|)$"),
    _rule(r"(error|fail\w*|fault)s?[._ -]?(rate|ratio|share|percent\w*)", Meaning.ERROR_SHARE,
          r"^(%|1|percent|ratio|)$"),
    _rule(r"(^|[._ -])(latency|latencies|duration|durations|response[._ -]?time|rtt|elapsed|ttfb)([._ -]|$)",
          Meaning.LATENCY, r"^(s|ms|us|ns|min|seconds?|milliseconds?|microseconds?|)$"),
    _rule(r"(^|[._ -])(errors?|failures?|failed|faults?|exceptions?|5xx|rejected|timeouts?)([._ -]|$)", Meaning.ERRORS),
    _rule(r"(^|[._ -])(requests?|request[._]rate|rps|qps|tps|throughput|workload|calls|hits|invocations?|"
          r"transactions|orders|checkouts|logins)([._ -]|$)", Meaning.REQUESTS),
    # Proxies and gRPC's interceptors; what goes on otherwise (`response_size`) is something else.
    _rule(r"(^|[._ -])(handled|responses?|(upstream|downstream)_rq(_xx)?)([._ -](count|total))?$|^load$",
          Meaning.REQUESTS),
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def rules(own: Iterable[str] = ()) -> tuple[Rule, ...]:
    """The table with a team's own lines first, each `regular expression=meaning`, such as `checkout_wait=latency`.

    Raises ValueError naming the line that cannot be read.
    """
    parsed = []
    for line in own:
        name, equals, meaning = line.rpartition("=")
        try:
            parsed.append(Rule(re.compile(name, re.IGNORECASE), Meaning(meaning.strip())))
        except (ValueError, re.error) as error:
            raise ValueError(f"{line!r} is not `regular expression=meaning` with one of "
                             f"{', '.join(each.value for each in Meaning)}") from error
        if not equals or not name:
            raise ValueError(f"{line!r} is not `regular expression=meaning`")
    return (*parsed, *RULES)


def meaning(name: str, unit: str, table: tuple[Rule, ...] = RULES) -> Meaning:
    """What a metric of that name and unit counts, by the first rule that fits."""
    words = _CAMEL.sub("_", name)
    for rule in table:
        if (rule.name.search(name) or rule.name.search(words)) and (rule.unit is None or rule.unit.search(unit)):
            return rule.meaning
    return Meaning.EVIDENCE
