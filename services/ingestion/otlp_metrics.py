"""OTLP metrics to columns of points: every kind, both temporalities.

Scalar points take the quick way: encoders write start time, time and value first, each with a fixed width, and the
attributes after them. So the head of a point is read with numpy for a whole metric at once, and its tail, as bytes, is
the key under which the id of its series is cached. Whatever is laid out differently is parsed like any message.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from services.ingestion.attributes import Redact, Resource, decoded, resource_from_bytes
from services.ingestion.columns import Histogram, PointBuilder
from services.ingestion.otlp_wire import MetricsData, NumberDataPoint
from services.ingestion.rejections import Rejections
from services.ingestion.series import DROPPED, Registry, Series, Source, Type

_NO_TEMPORALITY, _DELTA, _CUMULATIVE = 0, 1, 2
_NO_RECORDED_VALUE = 1
_LATEST = 2**63 - 1
_LONGEST_NAME = 1_024
NO_TIME = "time_unix_nano is missing or beyond 2262"
NOT_FINITE = "the value is not a finite number"
NO_UTF8 = "a string is not UTF-8, or a message is cut off"
# The tag bytes of start_time_unix_nano, time_unix_nano, as_double, as_int, attributes.
_START, _TIME, _DOUBLE, _INT, _ATTRIBUTES = 0x11, 0x19, 0x21, 0x31, 0x3A
_WITH_START = np.dtype([("start_tag", "u1"), ("start", "<u8"), ("time_tag", "u1"), ("time", "<u8"),
                        ("value_tag", "u1"), ("value", "<f8")])
_WITHOUT_START = np.dtype([("time_tag", "u1"), ("time", "<u8"), ("value_tag", "u1"), ("value", "<f8")])

Ids = dict[Any, int]


class MetricReader:
    """Reads requests one after the other, keeping what it learnt of resources and series."""

    def __init__(self, registry: Registry, redact: Redact, *, most_keys: int = 1_000_000) -> None:
        self._registry = registry
        self._redact = redact
        self._most_keys = most_keys
        self._keys = 0
        self._generation = registry.generation
        self._resources: dict[bytes, Resource] = {}
        self._ids: dict[tuple[Any, ...], Ids] = {}

    def read(self, body: bytes, rejections: Rejections) -> dict[str, PointBuilder]:
        """The points of an ExportMetricsServiceRequest, by service. Raises DecodeError when it is none."""
        if self._keys > self._most_keys or self._generation != self._registry.generation:
            self._ids, self._resources, self._keys = {}, {}, 0
            self._generation = self._registry.generation
        found: dict[str, PointBuilder] = defaultdict(PointBuilder)
        for part in MetricsData.FromString(body).resource_metrics:
            resource = self._resource(part.resource)
            points = found[resource.service]
            for scope in part.scope_metrics:
                for metric in scope.metrics:
                    _Metric(self, part.resource, resource, metric, points, rejections).read()
        return {service: points for service, points in found.items() if points}

    def _resource(self, body: bytes) -> Resource:
        found = self._resources.get(body)
        if found is None:
            found = self._resources[body] = resource_from_bytes(body, self._redact)
            self._keys += 1
        return found

    def ids(self, key: tuple[Any, ...]) -> Ids:
        """The cache of one metric of one resource."""
        return self._ids.setdefault(key, {})

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

    def __init__(self, reader: MetricReader, resource_bytes: bytes, resource: Resource, metric: Any,
                 points: PointBuilder, rejections: Rejections) -> None:
        self._reader = reader
        self._resource_bytes = resource_bytes
        self._resource = resource
        self._metric = metric
        self._points = points
        self._rejections = rejections

    def read(self) -> None:
        kind = self._metric.WhichOneof("data")
        if kind is None:
            self._rejections.add(f"metric {self._metric.name[:64]!r} has no data")
            return
        data = getattr(self._metric, kind)
        count = len(data.data_points)
        if not 0 < len(self._metric.name) <= _LONGEST_NAME or "\0" in self._metric.name:
            self._rejections.add(f"a metric has no name, or one longer than {_LONGEST_NAME} characters", count)
            return
        if kind not in ("gauge", "summary") and data.aggregation_temporality not in (_DELTA, _CUMULATIVE):
            self._rejections.add(f"metric {self._metric.name[:64]!r} has no aggregation_temporality", count)
            return
        readers: dict[str, Callable[[Any], None]] = {
            "gauge": lambda data: self._numbers(data.data_points, Type.GAUGE), "sum": self._sum,
            "histogram": self._histogram, "exponential_histogram": self._exponential, "summary": self._summary}
        readers[kind](data)

    def _sum(self, data: Any) -> None:
        if data.aggregation_temporality == _DELTA:
            self._numbers(data.data_points, Type.DELTA)
        else:
            # What may fall is a level, not a count: it is read like a gauge.
            self._numbers(data.data_points, Type.CUMULATIVE if data.is_monotonic else Type.GAUGE)

    def _series(self, type_: Type, attributes: Iterable[bytes], name: str = "", unit: str | None = None,
                **more: str) -> Series:
        return Series(self._resource.service, name or self._metric.name, self._metric.unit if unit is None else unit,
                      type_, Source.METRIC, {**self._resource.attributes, **self._reader.decoded(attributes), **more})

    def _ids(self, type_: Type) -> Ids:
        return self._reader.ids((self._resource_bytes, self._metric.name, self._metric.unit, type_))

    # Scalar points

    def _numbers(self, bodies: Sequence[bytes], type_: Type) -> None:
        ids = self._ids(type_)
        bodies = list(bodies)
        if not bodies:
            return
        layout = _layout(bodies[0])
        if layout is None or not self._in_bulk(bodies, layout, ids, type_):
            for body in bodies:
                self._number(body, ids, type_)

    def _in_bulk(self, bodies: list[bytes], layout: np.dtype[Any], ids: Ids, type_: Type) -> bool:
        """Reads all points at once; False, with nothing done, when one of them is laid out in another way."""
        width = layout.itemsize
        heads = b"".join([body[:width] for body in bodies])
        if len(heads) != width * len(bodies):
            return False
        rows = np.frombuffer(heads, layout)
        tag = rows["value_tag"]
        is_int = tag == _INT
        if not ((rows["time_tag"] == _TIME).all() and (is_int | (tag == _DOUBLE)).all()):
            return False
        if layout is _WITH_START and not (rows["start_tag"] == _START).all():
            return False
        get = ids.get
        found = [get(body[width:]) for body in bodies]
        if None in found:
            for index, known in enumerate(found):
                if known is None:
                    tail = bodies[index][width:]
                    # Anything but attributes behind the value (exemplars, flags) changes from point to point.
                    if not self._learn(tail, ids, type_):
                        return False
                    found[index] = ids.get(tail, DROPPED)
        values = rows["value"]
        if is_int.any():
            values = np.where(is_int, values.view("<i8") if values.flags.c_contiguous
                              else np.ascontiguousarray(values).view("<i8"), values)
        self._keep(np.array(found, "<u8"), rows["time"], rows["start"] if layout is _WITH_START else None, values)
        return True

    def _learn(self, tail: bytes, ids: Ids, type_: Type) -> bool:
        if tail and tail[0] != _ATTRIBUTES:
            return False
        try:
            point = NumberDataPoint.FromString(tail)
            if point.flags or point.exemplars or point.time_unix_nano or point.WhichOneof("value"):
                return False
            self._reader.admit(ids, tail, self._series(type_, point.attributes))
        except DecodeError:
            return False
        return True

    def _keep(self, found: Any, times: Any, starts: Any, values: Any) -> None:
        timed = (times > 0) & (times <= _LATEST)
        finite = np.isfinite(values)
        admitted = found != DROPPED
        good = timed & finite & admitted
        if not good.all():
            self._rejections.add(NO_TIME, int((~timed).sum()))
            self._rejections.add(NOT_FINITE, int((timed & ~finite).sum()))
            self._rejections.add(_over_limit(self._resource.service), int((timed & finite & ~admitted).sum()))
            found, times, values = found[good], times[good], values[good]
            starts = None if starts is None else starts[good]
        if len(found):
            times = times.astype("<i8")
            starts = np.zeros(len(times), "<i8") if starts is None else np.minimum(starts, _LATEST).astype("<i8")
            self._points.parts.append((found, times, starts, values.astype("<f8")))

    def _number(self, body: bytes, ids: Ids, type_: Type) -> None:
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
        if not 0 < point.time_unix_nano <= _LATEST:
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
            self._rejections.add(_over_limit(self._resource.service))
        return identifier

    # Distributions

    def _histogram(self, data: Any) -> None:
        type_ = _histogram_type(data)
        ids = self._ids(type_)
        for point in data.data_points:
            bounds, counts = list(point.explicit_bounds), list(point.bucket_counts)
            if point.flags & _NO_RECORDED_VALUE:
                continue
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
            if not -10 <= point.scale <= 20:
                self._rejections.add(f"scale {point.scale} of an exponential histogram is not within -10 and 20")
                continue
            bounds, counts = explicit(point)
            if sum(counts) != point.count:
                self._rejections.add("bucket counts do not add up to count")
            else:
                self._distribution(point, ids, type_, bounds, counts)

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


def explicit(point: Any) -> tuple[list[float], list[int]]:
    """The buckets of an exponential histogram with explicit upper bounds, from the lowest to +inf."""
    base = 2.0 ** (2.0 ** -point.scale)
    negative, positive = point.negative, point.positive
    bounds: list[float] = []
    counts: list[int] = []
    for index in reversed(range(len(negative.bucket_counts))):
        bounds.append(-_power(base, negative.offset + index))
        counts.append(negative.bucket_counts[index])
    low = _power(base, positive.offset) if positive.bucket_counts else 0.0
    bounds.append(low if low > point.zero_threshold else point.zero_threshold)
    counts.append(point.zero_count)
    for index, count in enumerate(positive.bucket_counts):
        bounds.append(_power(base, positive.offset + index + 1))
        counts.append(count)
    return [*bounds, math.inf], [*counts, 0]


def _power(base: float, exponent: int) -> float:
    try:
        return float(base ** exponent)
    except OverflowError:
        return 1.7976931348623157e308


def _histogram_type(data: Any) -> Type:
    is_delta = data.aggregation_temporality == _DELTA
    return Type.DELTA_HISTOGRAM if is_delta else Type.CUMULATIVE_HISTOGRAM


def _start(point: Any) -> int:
    return min(int(point.start_time_unix_nano), _LATEST)


def _layout(body: bytes) -> "np.dtype[Any] | None":
    first = body[0] if body else 0
    return _WITH_START if first == _START else _WITHOUT_START if first == _TIME else None


def _over_limit(service: str) -> str:
    return f"service {service[:64]!r} has as many series as it may; see `afteraction doctor`"
