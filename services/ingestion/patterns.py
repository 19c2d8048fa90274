"""Log patterns per service, with names that survive a restart, and `log.lines`: how many lines of each, when."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from services.ingestion.columns import PointBuilder
from services.ingestion.drain import Tree
from services.ingestion.records import Line
from services.ingestion.series import DROPPED, Registry, Series, Source, Type
from services.ingestion.span_metrics import STEP_NS
from shared.names import deterministic_id

_LONGEST_TEMPLATE = 400


@dataclass(frozen=True, slots=True)
class Pattern:
    """A log template of a service. birth_template: as it was first seen; the id and the series' name come from it."""

    service: str
    id: str
    template: str
    birth_template: str
    severity: str
    first_seen_at: int
    example: str


class Miner:
    """The patterns of all services of one stream."""

    def __init__(self, most_per_service: int) -> None:
        self._most = most_per_service
        self._trees: dict[str, Tree] = {}
        self._patterns: dict[tuple[str, int], Pattern] = {}
        self._fresh: dict[tuple[str, str], Pattern] = {}
        # By service and id, what `log.lines` of the pattern are called.
        self._births: dict[tuple[str, str], str] = {}

    def restore(self, patterns: Iterable[Pattern]) -> None:
        """Takes over what an earlier life has stored, in the order in which it was found."""
        for pattern in patterns:
            number, = self._tree(pattern.service).restore([pattern.template])
            self._patterns.setdefault((pattern.service, number), pattern)
            self._births[pattern.service, pattern.id] = pattern.birth_template

    def assign(self, lines: Sequence[Line]) -> list[Line]:
        """The lines with the ids of their patterns."""
        return [Line(line.service, line.occurred_at, line.severity, line.body, line.trace_id, line.span_id,
                     self._pattern(line).id) for line in lines]

    def _tree(self, service: str) -> Tree:
        tree = self._trees.get(service)
        if tree is None:
            tree = self._trees[service] = Tree(self._most)
        return tree

    def _pattern(self, line: Line) -> Pattern:
        cluster = self._tree(line.service).add(line.body)
        known = self._patterns.get((line.service, cluster.number))
        if known is None:
            template = cluster.template[:_LONGEST_TEMPLATE]
            known = Pattern(line.service, deterministic_id(line.service, template), template, template, line.severity,
                            line.occurred_at, line.body[:2000])
            self._keep(cluster.number, known)
            self._forget(line.service)
        elif cluster.has_changed:
            known = replace(known, template=cluster.template[:_LONGEST_TEMPLATE])
            self._keep(cluster.number, known)
        return known

    def _keep(self, number: int, pattern: Pattern) -> None:
        self._patterns[pattern.service, number] = pattern
        self._fresh[pattern.service, pattern.id] = pattern
        self._births[pattern.service, pattern.id] = pattern.birth_template

    def _forget(self, service: str) -> None:
        if len(self._patterns) > 2 * self._most * max(len(self._trees), 1):
            kept = {(name, number) for name, tree in self._trees.items() for number in tree.numbers()}
            self._patterns = {key: pattern for key, pattern in self._patterns.items() if key in kept}
            self._births = {(pattern.service, pattern.id): pattern.birth_template
                            for pattern in self._patterns.values()}

    def count(self, lines: Iterable[Line], registry: Registry) -> dict[str, PointBuilder]:
        """`log.lines` of lines that have their patterns: deltas over steps of ten seconds, by service."""
        times: dict[tuple[str, str, str, int], list[int]] = defaultdict(list)
        for line in lines:
            times[line.service, line.pattern, line.severity, line.occurred_at // STEP_NS].append(line.occurred_at)
        found: dict[str, PointBuilder] = defaultdict(PointBuilder)
        for (service, pattern, severity, step), seen in times.items():
            identifier = registry.admit_as(
                ("log.lines", service, pattern, severity), partial(self._series, service, pattern, severity))
            if identifier != DROPPED:
                found[service].add(identifier, max(seen), step * STEP_NS, float(len(seen)))
        return found

    def _series(self, service: str, pattern: str, severity: str) -> Series:
        return Series(service, "log.lines", "{line}", Type.DELTA, Source.LOG, {
            "pattern": pattern, "severity": severity, "template": self._births.get((service, pattern), "")})

    def fresh(self) -> list[Pattern]:
        """Patterns that are new or have changed, and that no commit has stored yet."""
        return list(self._fresh.values())

    def stored(self, patterns: Iterable[Pattern]) -> None:
        """These are durable now."""
        for pattern in patterns:
            if self._fresh.get((pattern.service, pattern.id)) == pattern:
                del self._fresh[pattern.service, pattern.id]
