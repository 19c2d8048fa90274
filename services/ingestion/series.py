"""What a series is, its id, and the limits on how many there may be."""

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from afteraction.v1 import series_pb2 as pb


class Source(IntEnum):
    """As afteraction.v1.SeriesSource."""

    METRIC = pb.SERIES_SOURCE_METRIC
    SPAN = pb.SERIES_SOURCE_SPAN
    CALL = pb.SERIES_SOURCE_CALL
    LOG = pb.SERIES_SOURCE_LOG


class Type(IntEnum):
    """As afteraction.v1.SeriesType."""

    GAUGE = pb.SERIES_TYPE_GAUGE
    DELTA = pb.SERIES_TYPE_DELTA
    CUMULATIVE = pb.SERIES_TYPE_CUMULATIVE
    DELTA_HISTOGRAM = pb.SERIES_TYPE_DELTA_HISTOGRAM
    CUMULATIVE_HISTOGRAM = pb.SERIES_TYPE_CUMULATIVE_HISTOGRAM


@dataclass(frozen=True, slots=True)
class Series:
    """One metric with one set of attributes."""

    service: str
    metric_name: str
    unit: str
    type: Type
    source: Source
    attributes: Mapping[str, str] = field(default_factory=dict)


# The id of a series that a limit turned away; no digest is taken to be it.
DROPPED = 0


def series_id(series: Series) -> int:
    """64 bits of BLAKE2b over every field: the same after a restart and on every machine, never 0."""
    parts = [series.service, series.metric_name, series.unit, str(int(series.type)), str(int(series.source))]
    for key in sorted(series.attributes):
        parts += (key, series.attributes[key])
    # Lengths keep ("ab", "c") apart from ("a", "bc").
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(),
                          "little") or 1


class Registry:
    """Which series there are, within the limits. New definitions wait here until a commit has stored them."""

    def __init__(self, *, per_service: int, in_all: int) -> None:
        self._per_service = per_service
        self._in_all = in_all
        self._services: dict[int, str] = {}
        self._counts: Counter[str] = Counter()
        self._fresh: dict[int, Series] = {}
        # By service, how many points of new series a limit turned away.
        self.dropped: Counter[str] = Counter()
        self._used: set[int] = set()
        self._named: dict[Hashable, int] = {}
        # Rises when ids that callers may have kept are no longer known.
        self.generation = 0

    def admit(self, series: Series) -> int:
        """The id of the series, or DROPPED when it is new and a limit is reached."""
        identifier = series_id(series)
        if identifier not in self._services:
            if self._counts[series.service] >= self._per_service or len(self._services) >= self._in_all:
                self.dropped[series.service if series.service in self._counts else "(new services)"] += 1
                return DROPPED
            self._services[identifier] = series.service
            self._counts[series.service] += 1
            self._fresh[identifier] = series
        self._used.add(identifier)
        return identifier

    def admit_as(self, key: Hashable, make: Callable[[], Series]) -> int:
        """The same for the series that `make` makes, which is asked only when `key` has not been used for it lately."""
        identifier = self._named.get(key)
        if identifier is None:
            identifier = self.admit(make())
            if identifier != DROPPED:
                self._named[key] = identifier
        return identifier

    def restore(self, known: Iterable[tuple[int, str]]) -> None:
        """Takes over what is stored already: ids with their services."""
        for identifier, service in known:
            if identifier not in self._services:
                self._services[identifier] = service
                self._counts[service] += 1

    def forget(self, identifiers: Iterable[int]) -> None:
        """Leaves out series that retention has removed."""
        for identifier in identifiers:
            service = self._services.pop(identifier, None)
            if service is not None:
                self._counts[service] -= 1
        self._renew()

    def fresh(self, identifiers: Iterable[int]) -> dict[int, Series]:
        """Of these, the definitions that no commit has stored yet."""
        return {each: self._fresh[each] for each in identifiers if each in self._fresh} if self._fresh else {}

    def take_used(self) -> list[int]:
        """Series that were seen since the last call, whose definitions retention must not remove yet."""
        used, self._used = sorted(self._used), set()
        self._renew()
        return used

    def _renew(self) -> None:
        """Readers keep ids of their own, which they ask for again when the generation rises."""
        self.generation += 1
        self._named.clear()

    def stored(self, identifiers: Iterable[int]) -> None:
        """These definitions are durable now."""
        for identifier in identifiers:
            self._fresh.pop(identifier, None)

    def __len__(self) -> int:
        return len(self._services)
