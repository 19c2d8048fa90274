"""Prometheus remote write, 1.0 and 2.0, to columns of points.

A classic histogram stays what it is in Prometheus, a counter for each `le`: its buckets may arrive in different
requests, since a sender spreads series over its shards, so that nothing here could put them together without waiting.
Detection reads quantiles from such counters. A native histogram comes whole, and becomes a histogram.
"""

import math
import struct
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.message import DecodeError

from afteraction.wire.v1 import remote_write_pb2 as wire
from services.ingestion.attributes import LONGEST_VALUE, MOST_ATTRIBUTES, UNKNOWN_SERVICE, Redact, storable
from services.ingestion.columns import PointBuilder
from services.ingestion.native_histograms import NotReadable, histogram
from services.ingestion.prometheus_names import OPENTELEMETRY_LABELS, series_type, unit_of, unit_said
from services.ingestion.rejections import Rejections
from services.ingestion.series import DROPPED, Registry, Series, Source, Type

STALE_MARKER = 0x7FF0000000000002
NO_TIME = "the timestamp is missing, before 1970 or beyond 2262"
NO_NAME = "a series has no __name__"
REPEATED_LABEL = "a series has a label twice, or one without a name"
NO_UTF8 = "a label is not UTF-8, or is cut off"
GAUGE_HISTOGRAM = "a native histogram of a gauge cannot be followed: its counts may fall"
_LATEST_MS = (2**63 - 1) // 1_000_000
_MOST_FAMILIES = 50_000
_LONGEST_NAME = 256
_NAME = "__name__"

Labels = dict[str, str]


@dataclass(slots=True)
class Written:
    """How much of a request was taken, as remote write 2.0 wants it told."""

    samples: int = 0
    histograms: int = 0
    exemplars: int = 0


class SeriesReader:
    """Reads requests one after the other, keeping what it learnt of series and metric families."""

    def __init__(self, registry: Registry, redact: Redact, service_labels: Sequence[str], *,
                 most_keys: int = 1_000_000) -> None:
        self._registry = registry
        self._redact = redact
        self._service_labels = tuple(service_labels)
        self._most_keys = most_keys
        self._generation = registry.generation
        self._ids: dict[tuple[object, ...], tuple[str, int]] = {}
        # Types that senders of 1.0 told, by metric family; they come in requests of their own.
        self._families: OrderedDict[str, int] = OrderedDict()

    def read_1(self, body: bytes, rejections: Rejections) -> tuple[dict[str, PointBuilder], Written]:
        """A prometheus.WriteRequest. Raises DecodeError when it is none."""
        request = wire.WriteRequest.FromString(body)
        self._begin()
        for family in request.metadata:
            self._learn(family.metric_family_name, family.type)
        batch = _Batch(rejections)
        for series in request.timeseries:
            key = tuple(series.labels)
            for is_histogram in _kinds(series):
                # A family's type may have become known since the series was cached.
                service, identifier = self._ids.get((*key, is_histogram)) or self._admit_1(key, is_histogram, batch)
                batch.add(series, service, identifier, is_histogram, 0)
            batch.written.exemplars += len(series.exemplars)
        return batch.found(), batch.written

    def read_2(self, body: bytes, rejections: Rejections) -> tuple[dict[str, PointBuilder], Written]:
        """An io.prometheus.write.v2.Request. Raises DecodeError when it is none."""
        request = wire.SymbolizedRequest.FromString(body)
        self._begin()
        symbols = list(request.symbols)
        if request.timeseries and (not symbols or symbols[0]):
            raise DecodeError("symbols[0] is not the empty text")
        batch = _Batch(rejections)
        for series in request.timeseries:
            try:
                texts = tuple([symbols[place] for place in series.labels_refs])
                unit = symbols[series.metadata.unit_ref]
            except IndexError:
                raise DecodeError(f"a reference is beyond the {len(symbols)} symbols") from None
            if len(texts) % 2:
                raise DecodeError("labels_refs has an odd number of references")
            for is_histogram in _kinds(series):
                key = (*texts, series.metadata.type, unit, is_histogram)
                service, identifier = self._ids.get(key) or self._admit(
                    key, list(zip(texts[::2], texts[1::2], strict=True)), series.metadata.type, unit, is_histogram,
                    batch)
                batch.add(series, service, identifier, is_histogram, series.created_timestamp)
            batch.written.exemplars += len(series.exemplars)
        return batch.found(), batch.written

    def _begin(self) -> None:
        if len(self._ids) > self._most_keys or self._generation != self._registry.generation:
            self._ids, self._generation = {}, self._registry.generation

    def _learn(self, name: str, type_: int) -> None:
        if self._families.get(name) == type_:
            return
        self._families[name] = type_
        if len(self._families) > _MOST_FAMILIES:
            self._families.popitem(last=False)
        self._ids.clear()

    def _admit_1(self, key: tuple[bytes, ...], is_histogram: bool, batch: "_Batch") -> tuple[str, int]:
        try:
            pairs = [(label.name, label.value) for label in map(wire.Label.FromString, key)]
        except DecodeError:
            batch.reason = NO_UTF8
            return "", DROPPED
        name = next((value for label, value in pairs if label == _NAME), "")
        stem = name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
        type_ = self._families.get(name, self._families.get(stem, wire.METRIC_TYPE_UNSPECIFIED))
        return self._admit((*key, is_histogram), pairs, type_, "", is_histogram, batch)

    def _admit(self, key: tuple[object, ...], pairs: Iterable[tuple[str, str]], type_: int, unit: str,
               is_histogram: bool, batch: "_Batch") -> tuple[str, int]:
        """The service and id of a series that was not known; DROPPED, with the reason in `batch`, when it cannot be
        taken."""
        labels: Labels = {}
        for name, value in pairs:
            if not name or name in labels:
                batch.reason = REPEATED_LABEL
                return "", DROPPED
            labels[storable(name)] = storable(value)
        name = labels.pop(_NAME, "")[:_LONGEST_NAME]
        if not name:
            batch.reason = NO_NAME
            return "", DROPPED
        service_label, service = service_of(labels, self._service_labels)
        labels.pop(service_label, None)
        series = Series(service, name, unit_said(unit) or unit_of(name),
                        Type.CUMULATIVE_HISTOGRAM if is_histogram else series_type(name, type_, "le" in labels),
                        Source.METRIC, self._attributes(labels))
        identifier = self._registry.admit(series)
        if identifier == DROPPED:
            batch.reason = f"service {service[:64]!r} has as many series as it may; see `afteraction doctor`"
        else:
            self._ids[key] = service, identifier
        return service, identifier

    def _attributes(self, labels: Labels) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in labels.items():
            if value and len(found) < MOST_ATTRIBUTES:
                key = OPENTELEMETRY_LABELS.get(name, name)[:_LONGEST_NAME]
                found[key] = self._redact(key, value[:LONGEST_VALUE])
        return found


def service_of(labels: Mapping[str, str], order: Sequence[str]) -> tuple[str, str]:
    """The first label in `order` that is there, and the service that it names.

    A job of the form `namespace/name`, as OpenTelemetry and the Prometheus operator write it, is its name.
    """
    for label in order:
        value = labels.get(label, "")
        if label == "job":
            parts = [part for part in value.split("/") if part and not part.isdigit()]
            value = parts[-1] if parts else value
        if value:
            return label, value[:_LONGEST_NAME]
    return "", UNKNOWN_SERVICE


class _Batch:
    """The points of one request, by service."""

    def __init__(self, rejections: Rejections) -> None:
        self.written = Written()
        # Why the series at hand was turned away.
        self.reason = ""
        self._points: dict[str, PointBuilder] = defaultdict(PointBuilder)
        self._rejections = rejections

    def found(self) -> dict[str, PointBuilder]:
        return {service: points for service, points in self._points.items() if points}

    def add(self, series: "wire.LabelledSeries | wire.SymbolizedSeries", service: str, identifier: int,
            is_histogram: bool, created_ms: int) -> None:
        """The samples of a series, or its histograms."""
        if identifier == DROPPED:
            self._rejections.add(self.reason, len(series.histograms if is_histogram else series.samples))
        elif is_histogram:
            self._histograms(series.histograms, self._points[service], identifier, created_ms)
        else:
            self._samples(series.samples, self._points[service], identifier, created_ms)

    def _samples(self, samples: Iterable["wire.Sample"], points: PointBuilder, identifier: int,
                 created_ms: int) -> None:
        for sample in samples:
            at = sample.timestamp
            if not 0 < at <= _LATEST_MS:
                self._rejections.add(NO_TIME)
                continue
            self.written.samples += 1
            # NaN says that there is no value (a summary that saw nothing, the end of a series), and no value that is
            # infinite can be compared with another: both are taken, and leave nothing behind.
            if math.isfinite(sample.value):
                points.add(identifier, at * 1_000_000, _start(sample.start_timestamp or created_ms), sample.value)

    def _histograms(self, found: Iterable["wire.NativeHistogram"], points: PointBuilder, identifier: int,
                    created_ms: int) -> None:
        for each in found:
            if not 0 < each.timestamp <= _LATEST_MS:
                self._rejections.add(NO_TIME)
            elif each.reset_hint == wire.NativeHistogram.RESET_HINT_GAUGE:
                self._rejections.add(GAUGE_HISTOGRAM)
            elif is_stale(each.sum):
                self.written.histograms += 1
            else:
                try:
                    points.histograms.append(histogram(each, identifier, each.timestamp * 1_000_000,
                                                       _start(each.start_timestamp or created_ms)))
                    self.written.histograms += 1
                except NotReadable as error:
                    self._rejections.add(str(error))


def is_stale(value: float) -> bool:
    """Whether a value is Prometheus' mark that a series has ended."""
    return bool(struct.unpack("<Q", struct.pack("<d", value))[0] == STALE_MARKER)


def _kinds(series: "wire.LabelledSeries | wire.SymbolizedSeries") -> list[bool]:
    """False where it has samples, True where it has native histograms."""
    return [is_histogram for is_histogram, there in ((False, series.samples), (True, series.histograms)) if there]


def _start(milliseconds: int) -> int:
    return milliseconds * 1_000_000 if 0 < milliseconds <= _LATEST_MS else 0
