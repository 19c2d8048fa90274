"""Rate, errors and duration of each service and operation, from spans: `span.duration` and `span.errors`.

Points are deltas over steps of ten seconds that lie within one minute, stamped with the end of the last span in them:
never later than what was seen. A span counts at its end, when its duration is known.
"""

import bisect
import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from services.ingestion.columns import Histogram, PointBuilder
from services.ingestion.records import Span
from services.ingestion.series import DROPPED, Registry, Series, Source, Type

STEP_NS = 10_000_000_000
# Four buckets to the doubling, from 0.1 ms to about 10 minutes: a quantile read off them is within 10 %.
BOUNDS_S = tuple(0.0001 * 2 ** (index / 4) for index in range(91))
OTHER = "(other operations)"


@dataclass(slots=True)
class _Tally:
    first: int
    last: int
    total_s: float
    errors: int
    buckets: dict[int, int]


class Tallies:
    """Durations and errors by series and step, of one request."""

    def __init__(self) -> None:
        self._tallies: dict[tuple[tuple[str, str, str], int], _Tally] = {}

    def add(self, key: tuple[str, str, str], at: int, duration_s: float, is_error: bool) -> None:
        tally = self._tallies.get((key, at // STEP_NS))
        if tally is None:
            tally = self._tallies[key, at // STEP_NS] = _Tally(at, at, 0.0, 0, {})
        bucket = bisect.bisect_left(BOUNDS_S, duration_s)
        tally.buckets[bucket] = tally.buckets.get(bucket, 0) + 1
        tally.first, tally.last = min(tally.first, at), max(tally.last, at)
        tally.total_s += duration_s
        tally.errors += is_error

    def write(self, registry: Registry, source: Source, attribute: str, into: dict[str, PointBuilder]) -> None:
        """Adds the points, by service. attribute: what the third part of a key is called."""
        prefix = "span" if source is Source.SPAN else "call"
        for (key, step), tally in self._tallies.items():
            service, operation, other = key
            attributes = {"operation": operation, attribute: other}
            durations = registry.admit_as((prefix, "duration", key), partial(
                Series, service, f"{prefix}.duration", "s", Type.DELTA_HISTOGRAM, source, attributes))
            errors = registry.admit_as((prefix, "errors", key), partial(
                Series, service, f"{prefix}.errors", "1", Type.DELTA, source, attributes))
            start = step * STEP_NS
            points = into[service]
            if durations != DROPPED:
                bounds, counts = _buckets(tally.buckets)
                points.histograms.append(Histogram(durations, tally.last, start, sum(counts), tally.total_s, bounds,
                                                   counts))
            if errors != DROPPED:
                points.add(errors, tally.last, start, float(tally.errors))


class Operations:
    """Which operations of a service are told apart; what comes after the limit counts as OTHER."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._known: dict[str, set[str]] = defaultdict(set)

    def name(self, service: str, operation: str) -> str:
        known = self._known[service]
        if operation in known:
            return operation
        if len(known) >= self._limit:
            return OTHER
        known.add(operation)
        return operation


def tally(spans: Iterable[Span], operations: Operations) -> Tallies:
    """Every span under its service, operation and kind."""
    tallies = Tallies()
    for span in spans:
        tallies.add((span.service, operations.name(span.service, span.operation), span.kind), span.ended_at,
                    span.duration_s, span.is_error)
    return tallies


def _buckets(found: dict[int, int]) -> tuple[list[float], list[int]]:
    """The buckets from below the lowest that holds anything to +inf: empty ones outside say nothing."""
    low, high = max(min(found) - 1, 0), min(max(found), len(BOUNDS_S) - 1)
    return ([*BOUNDS_S[low:high + 1], math.inf],
            [*(found.get(index, 0) for index in range(low, high + 1)), found.get(len(BOUNDS_S), 0)])
