"""OTLP metrics to columns of points: every kind, both temporalities.

What a request has in common with those before it is read from caches whose keys are its bytes: a resource, the
attributes of a point, or all of a resource's metrics but their times and values (shapes.py). Gauges and sums are read
all at once (number_points.py), the others one by one.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

from google.protobuf.message import DecodeError

from services.ingestion import exponential
from services.ingestion.attributes import Redact, Resource, decoded, resource_from_bytes
from services.ingestion.columns import Histogram, PointBuilder
from services.ingestion.number_points import ATTRIBUTES_TAG, LATEST, NO_TIME, NOT_FINITE, NumberPoints
from services.ingestion.otlp_wire import MetricsData, NumberDataPoint, ResourceMetrics
from services.ingestion.rejections import Rejections
from services.ingestion.series import DROPPED, Registry, Series, Source, Type
from services.ingestion.shapes import Shapes

_DELTA, _CUMULATIVE = 1, 2
_NO_RECORDED_VALUE = 1
_LONGEST_NAME = 1_024
NO_UTF8 = "a string is not UTF-8, or a message is cut off"

Ids = dict[Any, int]


@dataclass(slots=True)
class _Known:
    """A resource that was seen, and the ids of its series: by metric, then by the bytes of their attributes."""

    resource: Resource
    metrics: dict[tuple[str, str, Type], Ids] = field(default_factory=dict)


class MetricReader:
    """Reads requests one after the other, keeping what it learnt of resources and series."""

    def __init__(self, registry: Registry, redact: Redact, *, most_keys: int = 1_000_000) -> None:
        self._registry = registry
        self._redact = redact
        self._most_keys = most_keys
        self._keys = 0
        self._generation = registry.generation
        self._known: dict[bytes, _Known] = {}
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
                numbers = NumberPoints(rejections, _over_limit(shape.service))
                found[shape.service].parts += numbers.read_again(shape, part)
        return {service: points for service, points in found.items() if points}

    def _read(self, body: bytes, found: dict[str, PointBuilder], rejections: Rejections) -> None:
        """One resource's metrics, the long way."""
        part = ResourceMetrics.FromString(body)
        known = self._resource(part.resource)
        service, before = known.resource.service, len(rejections)
        numbers, points = NumberPoints(rejections, _over_limit(service)), found[service]
        is_all_numbers = True
        for scope in part.scope_metrics:
            for metric in scope.metrics:
                is_all_numbers &= _Metric(self, known, metric, numbers, points, rejections).read()
        points.parts += numbers.read()
        if is_all_numbers and len(rejections) == before and self._shapes.is_repeated(body):
            places = numbers.places(body)
            if places:
                self._shapes.keep(body, service, places)

    def _resource(self, body: bytes) -> _Known:
        found = self._known.get(body)
        if found is None:
            found = self._known[body] = _Known(resource_from_bytes(body, self._redact))
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


class _Metric:
    """One metric of a request: what all its points share."""

    __slots__ = ("_known", "_metric", "_numbers", "_points", "_reader", "_rejections")

    def __init__(self, reader: MetricReader, known: _Known, metric: Any, numbers: NumberPoints, points: PointBuilder,
                 rejections: Rejections) -> None:
        self._reader = reader
        self._known = known
        self._metric = metric
        self._numbers = numbers
        self._points = points
        self._rejections = rejections

    def read(self) -> bool:
        """Whether it holds nothing but numbers, which are now with `numbers`."""
        kind = self._metric.WhichOneof("data")
        if kind is None:
            self._rejections.add(f"metric {self._metric.name[:64]!r} has no data")
            return False
        data = getattr(self._metric, kind)
        count = len(data.data_points)
        if not 0 < len(self._metric.name) <= _LONGEST_NAME or "\0" in self._metric.name:
            self._rejections.add(f"a metric has no name, or one longer than {_LONGEST_NAME} characters", count)
        elif kind == "gauge":
            self._scalars(data.data_points, Type.GAUGE)
        elif kind == "summary":
            self._summary(data)
        elif data.aggregation_temporality not in (_DELTA, _CUMULATIVE):
            self._rejections.add(f"metric {self._metric.name[:64]!r} has no aggregation_temporality", count)
        elif kind == "sum":
            self._sum(data)
        elif kind == "histogram":
            self._histogram(data)
        else:
            self._exponential(data)
        return kind in ("gauge", "sum")

    def _series(self, type_: Type, attributes: Iterable[bytes], name: str = "", unit: str | None = None,
                **more: str) -> Series:
        resource = self._known.resource
        return Series(resource.service, name or self._metric.name, self._metric.unit if unit is None else unit,
                      type_, Source.METRIC, {**resource.attributes, **self._reader.decoded(attributes), **more})

    def _ids(self, type_: Type) -> Ids:
        key = (self._metric.name, self._metric.unit, type_)
        found = self._known.metrics.get(key)
        if found is None:
            found = self._known.metrics[key] = {}
        return found

    # Scalar points

    def _sum(self, data: Any) -> None:
        if data.aggregation_temporality == _DELTA:
            self._scalars(data.data_points, Type.DELTA)
        else:
            # What may fall is a level, not a count: it is read like a gauge.
            self._scalars(data.data_points, Type.CUMULATIVE if data.is_monotonic else Type.GAUGE)

    def _scalars(self, bodies: Sequence[bytes], type_: Type) -> None:
        if bodies:
            ids = self._ids(type_)
            self._numbers.add(list(bodies), ids, partial(self._learn, ids, type_), partial(self._number, ids, type_))

    def _learn(self, ids: Ids, type_: Type, tail: bytes) -> int | None:
        """The id of the series whose points end in `tail`; None when there is more in it than attributes, which would
        change from point to point: exemplars, flags."""
        if tail in ids:
            return ids[tail]
        if tail and tail[0] != ATTRIBUTES_TAG:
            return None
        try:
            point = NumberDataPoint.FromString(tail)
            if point.flags or point.exemplars or point.time_unix_nano or point.WhichOneof("value"):
                return None
            return self._reader.admit(ids, tail, self._series(type_, point.attributes))
        except DecodeError:
            return None

    def _number(self, ids: Ids, type_: Type, body: bytes) -> None:
        try:
            point = NumberDataPoint.FromString(body)
        except DecodeError:
            self._rejections.add(NO_UTF8)
            return
        kind = point.WhichOneof("value")
        if point.flags & _NO_RECORDED_VALUE:
            return
        value = float(getattr(point, kind)) if kind else math.nan
        if not math.isfinite(value):
            self._rejections.add(NOT_FINITE)
        elif identifier := self._admitted(point, ids, type_):
            self._points.add(identifier, point.time_unix_nano, _start(point), value)

    def _admitted(self, point: Any, ids: Ids, type_: Type, name: str = "", unit: str | None = None,
                  **more: str) -> int:
        """The id of the point's series; DROPPED, and the reason counted, when the point cannot be taken."""
        if not 0 < point.time_unix_nano <= LATEST:
            self._rejections.add(NO_TIME)
            return DROPPED
        key = (tuple(point.attributes), name, *more.values())
        identifier = ids.get(key)
        if identifier is None:
            try:
                identifier = self._reader.admit(ids, key, self._series(type_, point.attributes, name, unit, **more))
            except DecodeError:
                self._rejections.add(NO_UTF8)
                return DROPPED
        if identifier == DROPPED:
            self._rejections.add(_over_limit(self._known.resource.service))
        return identifier

    # Distributions

    def _histogram(self, data: Any) -> None:
        type_ = _histogram_type(data)
        ids = self._ids(type_)
        for point in data.data_points:
            if point.flags & _NO_RECORDED_VALUE:
                continue
            bounds, counts = list(point.explicit_bounds), list(point.bucket_counts)
            if counts and len(counts) != len(bounds) + 1:
                self._rejections.add("bucket_counts must have one more than explicit_bounds")
            elif any(not left < right for left, right in pairwise(bounds)):
                self._rejections.add("explicit_bounds must rise")
            elif counts and sum(counts) != point.count:
                self._rejections.add("bucket_counts do not add up to count")
            else:
                # Without buckets, one that holds everything.
                self._distribution(point, ids, type_, [*bounds, math.inf] if counts else [math.inf],
                                   counts or [point.count])

    def _exponential(self, data: Any) -> None:
        type_ = _histogram_type(data)
        ids = self._ids(type_)
        for point in data.data_points:
            if point.flags & _NO_RECORDED_VALUE:
                continue
            problem = exponential.problem(point)
            if problem:
                self._rejections.add(problem)
            else:
                self._distribution(point, ids, type_, *exponential.explicit(point))

    def _distribution(self, point: Any, ids: Ids, type_: Type, bounds: Sequence[float],
                      counts: Sequence[int]) -> None:
        total = point.sum if point.HasField("sum") else math.nan
        if math.isinf(total) or any(math.isnan(bound) for bound in bounds):
            self._rejections.add(NOT_FINITE)
        elif identifier := self._admitted(point, ids, type_):
            self._points.histograms.append(Histogram(identifier, point.time_unix_nano, _start(point), point.count,
                                                     total, bounds, counts))

    def _summary(self, data: Any) -> None:
        """A summary is its quantiles, as gauges, and its count and sum."""
        name = self._metric.name
        ids = self._ids(Type.GAUGE)
        for point in data.data_points:
            if point.flags & _NO_RECORDED_VALUE:
                continue
            for part, value, unit in (("count", float(point.count), "1"), ("sum", point.sum, None)):
                if math.isfinite(value) and (found := self._admitted(point, ids, Type.CUMULATIVE, f"{name}_{part}",
                                                                     unit)):
                    self._points.add(found, point.time_unix_nano, _start(point), value)
            for each in point.quantile_values:
                # NaN is what a summary says when nothing was observed lately.
                if math.isfinite(each.value) and (found := self._admitted(
                        point, ids, Type.GAUGE, name, None, quantile=f"{each.quantile:g}")):
                    self._points.add(found, point.time_unix_nano, _start(point), each.value)


def _histogram_type(data: Any) -> Type:
    is_delta = data.aggregation_temporality == _DELTA
    return Type.DELTA_HISTOGRAM if is_delta else Type.CUMULATIVE_HISTOGRAM


def _start(point: Any) -> int:
    return min(int(point.start_time_unix_nano), LATEST)


def _over_limit(service: str) -> str:
    return f"service {service[:64]!r} has as many series as it may; see `afteraction doctor`"
