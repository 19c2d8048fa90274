"""Resources that are used up: processor, memory, disk, pools, queues, descriptors, certificates, quotas.

Metrics tell it by a level that rose (or what is left, that fell); logs tell it in the words in which the systems below
us complain, whoever wrote the program.
"""

import re
from collections.abc import Iterable, Mapping
from math import log

from services.drafting.hypotheses.departures import Departure
from services.drafting.hypotheses.finding import CERTAIN, RANGE, Finding
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Measure
from services.drafting.observations import LogPatternWindow, Observations, PatternChange
from services.drafting.statements import quoted
from services.drafting.wording import counted

# What a measure says when it is used up, how surely that is a cause rather than a consequence, and in which words.
_MEASURES: Mapping[Measure, tuple[CauseKind, float, str]] = {
    Measure.CPU: (CauseKind.CPU, 1.0, "used up its processor time ({numbers})"),
    Measure.MEMORY: (CauseKind.MEMORY, 0.6, "filled its memory ({numbers})"),
    Measure.DISK: (CauseKind.DISK, 0.8, "kept its disk busy or full ({numbers})"),
    Measure.POOL: (CauseKind.CAPACITY, 0.8, "ran short of connections in its pool ({numbers})"),
    Measure.QUEUE: (CauseKind.CAPACITY, 0.7, "let work queue up ({numbers})"),
    Measure.DESCRIPTORS: (CauseKind.CAPACITY, 0.7, "ran short of file descriptors ({numbers})"),
    Measure.THREADS: (CauseKind.CAPACITY, 0.5, "ran short of threads ({numbers})"),
    Measure.CERTIFICATE: (CauseKind.CERTIFICATE, 1.0, "has a certificate that runs out ({numbers})"),
    Measure.QUOTA: (CauseKind.QUOTA, 0.8, "was held back by a quota ({numbers})"),
    Measure.RESTARTS: (CauseKind.PROCESS, 0.8, "had its processes restarted ({numbers})"),
    Measure.PACKETS_LOST: (CauseKind.NETWORK, 0.9, "lost packets on its network ({numbers})"),
}
# A level that doubled is as bad as it gets; less is less.
DOUBLED = log(2.0)
# What is used up first holds the rest up: a process without processor time piles its work up in memory.
FOLLOWED = 0.5
# A machine's metric is shown by every service on it, and one of them at most is to blame.
SHARED = 0.25

_WORDS: tuple[tuple[re.Pattern[str], CauseKind, float, str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, weight, clause) for pattern, kind, weight, clause in (
        (r"pool\b.{0,60}(exhaust|time[d ]*out|timeout|full|empty|wait|limit|no (free|available))"
         r"|(time[d ]*out|timeout|wait\w*|no (free|available|idle)).{0,60}(\bpool|connection from|checkout of a conn)"
         r"|too many (clients|connections)|max(imum)? (number of )?connections|remaining connection slots",
         CauseKind.CAPACITY, 1.0, "ran out of connections in its pool"),
        (r"out ?of ?memory|oom[- ]?kill|cannot allocate memory|heap space|gc overhead",
         CauseKind.MEMORY, 1.0, "ran out of memory"),
        (r"no space left|disk (is )?full|read-only file system|enospc|i/o error",
         CauseKind.DISK, 1.0, "found its disk full or failing"),
        (r"too many open files|emfile|file descriptor", CauseKind.CAPACITY, 1.0,
         "ran out of file descriptors"),
        (r"queue (is )?full|rejectedexecution|thread pool (is )?exhausted|backlog (is )?full",
         CauseKind.CAPACITY, 0.9, "found a queue full"),
        (r"certificate (has )?expired|certificate verify failed|x509|certificate is not (yet )?valid|sslhandshake",
         CauseKind.CERTIFICATE, 1.0, "met a certificate that was not valid"),
        (r"quota|rate.?limit|too many requests|throttl|\b429\b|provisionedthroughputexceeded|resource_exhausted",
         CauseKind.QUOTA, 0.9, "was held back by a quota"),
        (r"deadlock|lock wait timeout|could not serialize|slow query|statement timeout|replication lag",
         CauseKind.DATABASE, 0.9, "was blocked by its database"),
        (r"no such host|name resolution|getaddrinfo|network is unreachable|no route to host|nxdomain",
         CauseKind.NETWORK, 0.7, "could not find or reach something on the network"),
        (r"invalid config|missing (required )?(config|environment|setting)|unknown (flag|option|property)"
         r"|parse.{0,20}config",
         CauseKind.CONFIGURATION, 0.8, "found its configuration wrong"),
    )
)


def saturation(departed: Iterable[Departure], observations: Observations) -> tuple[Finding, ...]:
    """What was used up in which service, by metrics and by logs."""
    everything = tuple(departed)
    traffic = _traffic_growth(everything)
    filled = _first_filled(everything)
    findings = [finding for departure in everything
                if (finding := _of_metric(departure, traffic.get(departure.series.service, 0.0), filled)) is not None]
    findings += [finding for pattern in observations.log_patterns if (finding := _of_log(pattern)) is not None]
    return tuple(findings)


def _traffic_growth(departed: Iterable[Departure]) -> dict[str, float]:
    """By service: how far more requests explain that more is used. Logarithm, at least 0."""
    growth: dict[str, float] = {}
    for departure in departed:
        if departure.meaning.measure is Measure.TRAFFIC and departure.certainty > 0:
            growth[departure.series.service] = max(growth.get(departure.series.service, 0.0), departure.growth)
    return growth


def _first_filled(departed: Iterable[Departure]) -> dict[str, Departure]:
    """By service, the resource that was used up before any other of it."""
    first: dict[str, Departure] = {}
    for departure in departed:
        if departure.filled_at is None or departure.certainty <= 0 or departure.meaning.is_shared:
            continue
        known = first.get(departure.series.service)
        if known is None or known.filled_at is None or departure.filled_at < known.filled_at:
            first[departure.series.service] = departure
    return first


def _of_metric(departure: Departure, traffic_growth: float, filled: Mapping[str, Departure]) -> Finding | None:
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
    against: tuple[str, ...] = ()
    first = filled.get(series.service)
    if first is not None and first.meaning.measure is departure.meaning.measure:
        # However little it rose to there: what is used up holds everything up.
        weight = max(weight, CERTAIN * share * departure.certainty * size)
    elif first is not None:
        weight, against = weight * FOLLOWED, (first.key,)
    return Finding(series.service, kind, weight, clause.replace("{numbers}", departure.numbers),
                   (departure.key,), against, figure=departure.figure)


def _of_log(pattern: LogPatternWindow) -> Finding | None:
    if not pattern.count or pattern.change not in (PatternChange.NEW, PatternChange.BURST):
        return None
    text = f"{pattern.template} {pattern.example}"
    for words, kind, weight, clause in _WORDS:
        if words.search(text):
            how_often = f"{quoted(pattern.example or pattern.template, 120)}, {counted(pattern.count, 'time')}"
            return Finding(pattern.service, kind, CERTAIN * 0.75 * weight, f"{clause} ({how_often})", (pattern.key,))
    return None
