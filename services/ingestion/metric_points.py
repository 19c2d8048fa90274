"""One metric of OTLP to columns of points: every kind, both temporalities."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Protocol

from google.protobuf.message import DecodeError

from services.ingestion import exponential
from services.ingestion.attributes import Resource
from services.ingestion.columns import Histogram, PointBuilder
from services.ingestion.number_points import ATTRIBUTES_TAG, LATEST, NO_TIME, NOT_FINITE, NumberPoints
from services.ingestion.otlp_wire import NumberDataPoint
from services.ingestion.rejections import Rejections
from services.ingestion.series import DROPPED, Series, Source, Type

_DELTA, _CUMULATIVE = 1, 2
_NO_RECORDED_VALUE = 1
_LONGEST_NAME = 1_024
NO_UTF8 = "a string is not UTF-8, or a message is cut off"

Ids = dict[Any, int]


class Learner(Protocol):
    """Who gives series their ids and reads attributes, and remembers both."""

    def admit(self, ids: Ids, key: Any, series: Series) -> int:
        """The id of a series that `ids` did not have; kept there unless a limit turned it away."""

    def decoded(self, parts: Iterable[bytes]) -> dict[str, str]:
        """Attributes that were left as bytes. Raises DecodeError."""


@dataclass(slots=True)
class Known:
    """A resource that was seen, and the ids of its series: by metric, then by the bytes of their attributes."""

    resource: Resource
    metrics: dict[tuple[str, str, Type], Ids] = field(default_factory=dict)


class Metric:
    """One metric of a request: what all its points share."""

    __slots__ = ("_admit", "_decoded", "_known", "_metric", "_numbers", "_points", "_rejections")

    def __init__(self, learner: Learner, known: Known, metric: Any, numbers: NumberPoints, points: PointBuilder,
                 rejections: Rejections) -> None:
        self._admit, self._decoded = learner.admit, learner.decoded
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
                      type_, Source.METRIC, {**resource.attributes, **self._decoded(attributes), **more})

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
            return self._admit(ids, tail, self._series(type_, point.attributes))
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
                identifier = self._admit(ids, key, self._series(type_, point.attributes, name, unit, **more))
            except DecodeError:
                self._rejections.add(NO_UTF8)
                return DROPPED
        if identifier == DROPPED:
            self._rejections.add(over_limit(self._known.resource.service))
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


def over_limit(service: str) -> str:
    """Why a series was turned away."""
    return f"service {service[:64]!r} has as many series as it may; see `afteraction doctor`"
