"""Resources that are used up: processor, memory, disk, pools, queues, descriptors, certificates, quotas.

Metrics tell it by a level that rose (or what is left, that fell); logs tell it in the words in which the systems below
us complain, whoever wrote the program.
"""

import re
from collections.abc import Iterable, Mapping
from math import log

from services.drafting.hypotheses.departures import Departure
from services.drafting.hypotheses.finding import CERTAIN, Finding
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Measure
from services.drafting.hypotheses.propagation import RANGE
from services.drafting.observations import LogPatternWindow, Observations, PatternChange

# What a measure says when it is used up, how surely that is a cause rather than a consequence, and in which words.
_MEASURES: Mapping[Measure, tuple[CauseKind, float, str]] = {
    Measure.CPU: (CauseKind.CPU, 1.0, "the processor time of {service} was used up ({metric})"),
    Measure.MEMORY: (CauseKind.MEMORY, 0.6, "the memory of {service} filled ({metric})"),
    Measure.DISK: (CauseKind.DISK, 0.8, "the disk of {service} was busy or full ({metric})"),
    Measure.POOL: (CauseKind.CAPACITY, 0.8, "the connection pool of {service} was used up ({metric})"),
    Measure.QUEUE: (CauseKind.CAPACITY, 0.7, "work queued up in {service} ({metric})"),
    Measure.DESCRIPTORS: (CauseKind.CAPACITY, 0.7, "{service} ran out of file descriptors ({metric})"),
    Measure.THREADS: (CauseKind.CAPACITY, 0.5, "the threads of {service} were used up ({metric})"),
    Measure.CERTIFICATE: (CauseKind.CERTIFICATE, 1.0, "a certificate of {service} ran out ({metric})"),
    Measure.QUOTA: (CauseKind.QUOTA, 0.8, "{service} was held back by a quota ({metric})"),
    Measure.RESTARTS: (CauseKind.PROCESS, 0.8, "processes of {service} restarted ({metric})"),
    Measure.PACKETS_LOST: (CauseKind.NETWORK, 0.9, "the network of {service} lost packets ({metric})"),
}
# A level that doubled is as bad as it gets; less is less.
DOUBLED = log(2.0)
# A machine's metric is shown by every service on it, and one of them at most is to blame.
SHARED = 0.25

_WORDS: tuple[tuple[re.Pattern[str], CauseKind, float, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, weight, clause) for pattern, kind, weight, clause in (
        (r"pool\b.{0,60}(exhaust|time[d ]*out|timeout|full|empty|wait|limit|no (free|available))"
         r"|(time[d ]*out|timeout|wait\w*|no (free|available|idle)).{0,60}(\bpool|connection from|checkout of a conn)"
         r"|too many (clients|connections)|max(imum)? (number of )?connections|remaining connection slots",
         CauseKind.CAPACITY, 1.0, "the connection pool of {service} was used up"),
        (r"out ?of ?memory|oom[- ]?kill|cannot allocate memory|heap space|gc overhead",
         CauseKind.MEMORY, 1.0, "{service} ran out of memory"),
        (r"no space left|disk (is )?full|read-only file system|enospc|i/o error",
         CauseKind.DISK, 1.0, "the disk of {service} was full or failing"),
        (r"too many open files|emfile|file descriptor", CauseKind.CAPACITY, 1.0,
         "{service} ran out of file descriptors"),
        (r"queue (is )?full|rejectedexecution|thread pool (is )?exhausted|backlog (is )?full",
         CauseKind.CAPACITY, 0.9, "a queue of {service} was full"),
        (r"certificate (has )?expired|certificate verify failed|x509|certificate is not (yet )?valid|sslhandshake",
         CauseKind.CERTIFICATE, 1.0, "a certificate that {service} depends on was not valid"),
        (r"quota|rate.?limit|too many requests|throttl|\b429\b|provisionedthroughputexceeded|resource_exhausted",
         CauseKind.QUOTA, 0.9, "{service} was held back by a quota"),
        (r"deadlock|lock wait timeout|could not serialize|slow query|statement timeout|replication lag",
         CauseKind.DATABASE, 0.9, "the database of {service} was blocked"),
        (r"no such host|name resolution|getaddrinfo|network is unreachable|no route to host|nxdomain",
         CauseKind.NETWORK, 0.7, "{service} could not find or reach the network"),
        (r"invalid config|missing (required )?(config|environment|setting)|unknown (flag|option|property)"
         r"|parse.{0,20}config",
         CauseKind.CONFIGURATION, 0.8, "{service} found its configuration wrong"),
    )
)


def saturation(departed: Iterable[Departure], observations: Observations) -> tuple[Finding, ...]:
    """What was used up in which service, by metrics and by logs."""
    everything = tuple(departed)
    traffic = _traffic_growth(everything)
    findings = [finding for departure in everything
                if (finding := _of_metric(departure, traffic.get(departure.series.service, 0.0))) is not None]
    findings += [finding for pattern in observations.log_patterns if (finding := _of_log(pattern)) is not None]
    return tuple(findings)


def _traffic_growth(departed: Iterable[Departure]) -> dict[str, float]:
    """By service: how far more requests explain that more is used. Logarithm, at least 0."""
    growth: dict[str, float] = {}
    for departure in departed:
        if departure.meaning.measure is Measure.TRAFFIC and departure.certainty > 0:
            growth[departure.series.service] = max(growth.get(departure.series.service, 0.0), departure.growth)
    return growth


def _of_metric(departure: Departure, traffic_growth: float) -> Finding | None:
    said = _MEASURES.get(departure.meaning.measure)
    if said is None or departure.certainty <= 0:
        return None
    kind, share, clause = said
    growth = departure.growth if departure.meaning.is_bad_high else -departure.growth
    effect = min((growth - traffic_growth) / DOUBLED, 1.0)
    size = 1 + log(max(departure.size, 1e-9)) / RANGE
    if effect <= 0 or size <= 0:
        return None
    weight = CERTAIN * share * departure.certainty * effect * size * (SHARED if departure.meaning.is_shared else 1.0)
    series = departure.series
    return Finding(series.service, kind, weight, clause.format(service=series.service, metric=series.metric_name),
                   (departure.key,))


def _of_log(pattern: LogPatternWindow) -> Finding | None:
    if not pattern.count or pattern.change not in (PatternChange.NEW, PatternChange.BURST):
        return None
    text = f"{pattern.template} {pattern.example}"
    for words, kind, weight, clause in _WORDS:
        if words.search(text):
            return Finding(pattern.service, kind, CERTAIN * 0.75 * weight, clause.format(service=pattern.service),
                           (pattern.key,))
    return None
