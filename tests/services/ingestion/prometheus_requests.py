"""Remote write requests, made of a few words."""

from collections.abc import Mapping, Sequence

import cramjam

from afteraction.wire.v1 import remote_write_pb2 as wire
from tests.services.ingestion.senders import SECOND, T0

T0_MS = T0 * 1000 // SECOND
V1 = {"content-type": "application/x-protobuf", "content-encoding": "snappy",
      "x-prometheus-remote-write-version": "0.1.0", "user-agent": "Prometheus/2.42.0"}
V2 = V1 | {"content-type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
           "x-prometheus-remote-write-version": "2.0.0", "user-agent": "Prometheus/3.4.0"}
Samples = Sequence[tuple[int, float]]


def snappy(message: "wire.WriteRequest | wire.SymbolizedRequest") -> bytes:
    return bytes(cramjam.snappy.compress_raw(message.SerializeToString()))


def write_1(series: Sequence[tuple[Mapping[str, str], Samples]]) -> wire.WriteRequest:
    """series: labels, and seconds after T0 with values."""
    request = wire.WriteRequest()
    for labels, samples in series:
        one = request.timeseries.add()
        one.labels.extend(wire.Label(name=name, value=labels[name]).SerializeToString() for name in sorted(labels))
        for at, value in samples:
            one.samples.add(timestamp=T0_MS + at * 1000, value=value)
    return request


def write_2(series: Sequence[tuple[Mapping[str, str], Samples]], *, type_: int = 0, unit: str = "",
            start_s: int | None = None) -> wire.SymbolizedRequest:
    """The same in 2.0. start_s: seconds after T0 at which counting began."""
    request = wire.SymbolizedRequest(symbols=[""])
    for labels, samples in series:
        one = request.timeseries.add()
        one.labels_refs.extend(refer(request, text) for name in sorted(labels) for text in (name, labels[name]))
        one.metadata.type = type_  # type: ignore[assignment]
        one.metadata.unit_ref = refer(request, unit)
        for at, value in samples:
            one.samples.add(timestamp=T0_MS + at * 1000, value=value,
                            start_timestamp=0 if start_s is None else T0_MS + start_s * 1000)
    return request


def refer(request: wire.SymbolizedRequest, text: str) -> int:
    if text not in request.symbols:
        request.symbols.append(text)
    return list(request.symbols).index(text)


def native(*, at: int = 0, schema: int = 0, zero: int = 0, spans: Sequence[tuple[int, int]] = (),
           deltas: Sequence[int] = (), count: int | None = None, total: float = 0.0) -> wire.NativeHistogram:
    """A native histogram of positive values."""
    histogram = wire.NativeHistogram(schema=schema, zero_count_int=zero, sum=total, zero_threshold=1e-128,
                                     timestamp=T0_MS + at * 1000, positive_deltas=deltas)
    for offset, length in spans:
        histogram.positive_spans.add(offset=offset, length=length)
    running, counts = 0, 0
    for delta in deltas:
        running += delta
        counts += running
    histogram.count_int = counts + zero if count is None else count
    return histogram
