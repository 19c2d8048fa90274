"""OTLP metrics to columns of points: every kind, both temporalities.

What a request has in common with those before it is read from caches whose keys are its bytes: a resource, the
attributes of a point, or all of a resource's metrics but their times and values (shapes.py). Gauges and sums are read
all at once (number_points.py), the others one by one (metric_points.py).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from services.ingestion.attributes import Redact, decoded, resource_from_bytes
from services.ingestion.columns import PointBuilder
from services.ingestion.metric_points import Ids, Known, Metric, over_limit
from services.ingestion.number_points import NumberPoints
from services.ingestion.otlp_wire import MetricsData, ResourceMetrics
from services.ingestion.rejections import Rejections
from services.ingestion.series import DROPPED, Registry, Series
from services.ingestion.shapes import Shapes


class MetricReader:
    """Reads requests one after the other, keeping what it learnt of resources and series."""

    def __init__(self, registry: Registry, redact: Redact, *, most_keys: int = 1_000_000) -> None:
        self._registry = registry
        self._redact = redact
        self._most_keys = most_keys
        self._keys = 0
        self._generation = registry.generation
        self._known: dict[bytes, Known] = {}
        self._shapes = Shapes()

    def read(self, body: bytes, rejections: Rejections) -> dict[str, PointBuilder]:
        """The points of an ExportMetricsServiceRequest, by service. Raises DecodeError when it is none."""
        if self._keys > self._most_keys or self._generation != self._registry.generation:
            self._known, self._keys, self._shapes = {}, 0, Shapes()
            self._generation = self._registry.generation
        found: dict[str, PointBuilder] = defaultdict(PointBuilder)
        for part in MetricsData.FromString(body).resource_metrics:
            shape = self._shapes.find(part)
            if shape is None:
                self._read(part, found, rejections)
            else:
                numbers = NumberPoints(rejections, over_limit(shape.service))
                found[shape.service].parts += numbers.read_again(shape, part)
        return {service: points for service, points in found.items() if points}

    def _read(self, body: bytes, found: dict[str, PointBuilder], rejections: Rejections) -> None:
        """One resource's metrics, the long way."""
        part = ResourceMetrics.FromString(body)
        known = self._resource(part.resource)
        service, before = known.resource.service, len(rejections)
        numbers, points = NumberPoints(rejections, over_limit(service)), found[service]
        is_all_numbers = True
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                is_all_numbers &= Metric(self, known, metric, numbers, points, rejections).read()
        points.parts += numbers.read()
        if is_all_numbers and len(rejections) == before and self._shapes.is_repeated(body):
            places = numbers.places(body)
            if places:
                self._shapes.keep(body, service, places)

    def _resource(self, body: bytes) -> Known:
        found = self._known.get(body)
        if found is None:
            found = self._known[body] = Known(resource_from_bytes(body, self._redact))
            self._keys += 1
        return found

    def admit(self, ids: Ids, key: Any, series: Series) -> int:
        """The id of a series that `ids` did not have; kept there unless a limit turned it away."""
        identifier = self._registry.admit(series)
        if identifier != DROPPED:
            ids[key] = identifier
            self._keys += 1
        return identifier

    def decoded(self, parts: Iterable[bytes]) -> dict[str, str]:
        return decoded(parts, self._redact)
