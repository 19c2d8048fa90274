"""Which series says what: from a name, a unit and attributes to a golden signal and its bad direction.

`contributions` is the main function. It answers, for one series as a sender gave it, which measures it feeds: the
total, the failed part and the durations of a service or an operation, or a value of its own. Everything that is not
recognised is still followed, as evidence: it may join an incident and never opens one.

Conventions known: series derived by ingestion (`span.*`, `call.*`, `log.lines`), OpenTelemetry's semantic conventions
(HTTP, RPC, database, messaging, system, k8s), Prometheus' suffixes, and names that people choose (`meanings`).
"""

import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from services.detection import attributes as said
from services.detection.attributes import is_failed
from services.detection.meanings import RULES, Meaning, Rule, meaning
from services.detection.series import Contribution, Measure, Reading, Role, Series, SeriesSource, SeriesType, Signal

# OpenTelemetry's duration histograms whose series count every request that a service answers, and those of its calls.
SERVER_HISTOGRAMS = ("http.server.request.duration", "http.server.duration", "rpc.server.duration",
                     "rpc.server.call.duration", "messaging.process.duration", "faas.invoke_duration")
CLIENT_HISTOGRAMS = ("http.client.request.duration", "http.client.duration", "rpc.client.duration",
                     "rpc.client.call.duration", "db.client.operation.duration", "messaging.client.operation.duration",
                     "gen_ai.client.operation.duration")
_SERVER_KINDS = {"", "server", "consumer", "unspecified", "internal"}
_ERROR_SEVERITIES = {"error", "fatal", "critical", "alert", "emergency", "err", "panic", "severe"}
_SCALE = {"ms": 1e-3, "milliseconds": 1e-3, "millisecond": 1e-3, "us": 1e-6, "microseconds": 1e-6,
          "microsecond": 1e-6, "ns": 1e-9, "min": 60.0, "%": 0.01, "percent": 0.01}
_PROMETHEUS = re.compile(r"_(bucket|sum|count|total)$")
# `latency.p95`, `p99_ms`, `latency-90`.
_QUANTILE_IN_NAME = re.compile(r"(?:[._-]?p|(?<=latency)[._-]|(?<=duration)[._-])(\d\d(?:\.?\d)?|max)(?:$|[._-])",
                               re.IGNORECASE)
_UNIT_IN_NAME = re.compile(r"_(seconds|milliseconds|ms|microseconds)(?=_|$)")
# What `_sum` and `_count` are the halves of; `thread_count` is a gauge.
_HALVES = re.compile(r"_(seconds|milliseconds|ms|microseconds|bytes|duration|latency)_(sum|count)$", re.IGNORECASE)


def as_named(series: Series) -> Series:
    """The series with the type that its name promises, where the sender gave none: Prometheus' remote write tells no
    types, but `x_total`, `x_bucket` with a bound `le`, and the halves of a histogram or summary are counters."""
    if series.type is not SeriesType.GAUGE or series.source is not SeriesSource.METRIC:
        return series
    is_counter = series.name.endswith("_total") or _HALVES.search(series.name) is not None or \
        (series.name.endswith("_bucket") and "le" in series.attributes)
    return replace(series, type=SeriesType.CUMULATIVE) if is_counter else series


def contributions(series: Series, table: tuple[Rule, ...] = RULES,
                  limits: Mapping[str, tuple[float, ...]] | None = None) -> list[Contribution]:
    """The measures that `series` feeds, and how. Never empty, but for series that say nothing by themselves.

    limits: seconds beyond which a request of a service is slow, by service: see `objectives`.
    """
    found = _contributions(series, table)
    for limit_s in (limits or {}).get(series.service, ()):
        found = found + _slow(series, found, limit_s)
    return found


def _contributions(series: Series, table: tuple[Rule, ...]) -> list[Contribution]:
    match series.source:
        case SeriesSource.SPAN:
            return _span(series)
        case SeriesSource.CALL:
            return _call(series)
        case SeriesSource.LOG:
            return _log(series)
        case SeriesSource.METRIC:
            return _metric(series, table)


def _slow(series: Series, found: list[Contribution], limit_s: float) -> list[Contribution]:
    """Of the durations of a whole service: how many took longer than its objective allows."""
    added = []
    for each in found:
        measure = each.measure
        if measure.operation or measure.peer:
            continue
        family = measure.name.removesuffix(" p50").removeprefix("error share of ")
        slow = Measure(series.service, "", Signal.EVIDENCE, f"{family} slower than {limit_s:g} s", "share",
                       Reading.SHARE, limit_s=limit_s)
        if each.role is Role.HISTOGRAM and measure.quantile == 0.5:
            added.append(Contribution(slow, Role.SLOW, each.scale))
        elif each.role is Role.BUCKET and measure.quantile == 0.5 and \
                math.isclose(upper_bound(series.attributes.get("le", "")) * each.scale, limit_s):
            added.append(Contribution(slow, Role.WITHIN))
        elif each.role is Role.TOTAL and series.name.endswith("_count"):
            added.append(Contribution(slow, Role.TOTAL_AND_FAILED))
    return added


def upper_bound(le: str) -> float:
    """The upper bound that a Prometheus bucket is labelled with; infinite where it is none."""
    try:
        return float(le.replace("Inf", "inf"))
    except ValueError:
        return math.inf


def _span(series: Series) -> list[Contribution]:
    attributes = series.attributes
    if attributes.get("span.kind", "").lower() not in _SERVER_KINDS:
        return []
    operation = attributes.get("operation", "")
    family = "server spans"
    found = []
    for scope in (operation, ""):
        if series.name == "span.duration":
            found += _durations(series, scope, family, is_complete=False)
        else:
            found.append(Contribution(_share(series, scope, family), Role.FAILED))
    return found


def _call(series: Series) -> list[Contribution]:
    """A call's series belong to the callee; the caller is the peer."""
    caller = series.attributes.get("caller", "")
    family = f"calls from {caller}" if caller else "calls"
    if series.name == "call.duration":
        return _durations(series, "", family, peer=caller, is_complete=False)
    return [Contribution(_share(series, "", family, peer=caller), Role.FAILED)]


def _log(series: Series) -> list[Contribution]:
    share = _measure(series, Signal.ERRORS, "error log lines", "{line}", Reading.FAILED_COUNT)
    is_error = series.attributes.get("severity", "").lower() in _ERROR_SEVERITIES
    return [Contribution(share, Role.TOTAL_AND_FAILED if is_error else Role.TOTAL)]


def _metric(series: Series, table: tuple[Rule, ...]) -> list[Contribution]:
    name, attributes = series.name, series.attributes
    operation = said.operation(attributes)
    if series.is_histogram:
        return _histogram(series, name, operation, table)
    suffix = _PROMETHEUS.search(name)
    if suffix and series.is_sum:
        return _prometheus(series, name[:suffix.start()], suffix[1], operation, table)
    return _scalar(series, operation, table)


def _histogram(series: Series, name: str, operation: str, table: tuple[Rule, ...]) -> list[Contribution]:
    is_server, is_client = name in SERVER_HISTOGRAMS, name in CLIENT_HISTOGRAMS
    if not (is_server or is_client) and meaning(name, series.unit, table) is not Meaning.LATENCY:
        return []
    peer = "" if is_server else said.peer(series.attributes, series.service)
    if is_client and not peer:  # of whom, is not known: evidence
        return [replace(each, measure=replace(each.measure, signal=Signal.EVIDENCE))
                for each in _durations(series, operation, name, is_complete=False)[:2]]
    found = []
    for scope in {operation, ""}:
        found += _durations(series, scope, name, peer=peer, is_complete=True)
        if is_failed(series.attributes):
            found.append(Contribution(_share(series, scope, name, peer=peer), Role.FAILED))
    return found


def _prometheus(series: Series, stem: str, suffix: str, operation: str, table: tuple[Rule, ...]) -> list[Contribution]:
    """`x_total`, and the three series of a histogram or summary `x`."""
    peer = said.peer(series.attributes, series.service)
    unit = _UNIT_IN_NAME.search(stem)
    what = meaning(_UNIT_IN_NAME.sub("", stem), series.unit or (unit[1] if unit else ""), table)
    if suffix in ("bucket", "sum", "count"):
        if what is not Meaning.LATENCY and not (unit and what is not Meaning.EVIDENCE):
            return []
        scale = _SCALE.get(unit[1], 1.0) if unit else _SCALE.get(series.unit.lower(), 1.0)
        found = []
        for scope in {operation, ""}:
            if suffix == "bucket":
                found += [Contribution(_latency(series, scope, stem, quantile, peer), Role.BUCKET, scale)
                          for quantile in (0.5, 0.95)]
            elif suffix == "count":
                found += [Contribution(_traffic(series, scope, stem, peer), Role.VALUE),
                          Contribution(_share(series, scope, stem, peer=peer), Role.TOTAL)]
                if is_failed(series.attributes):
                    found.append(Contribution(_share(series, scope, stem, peer=peer), Role.FAILED))
        return found
    if what is Meaning.REQUESTS:
        return _requests(series, operation, peer)
    return _scalar(series, operation, table)


def _requests(series: Series, operation: str, peer: str) -> list[Contribution]:
    """A counter of requests: traffic, and what failed ones are a share of."""
    found = []
    for scope in {operation, ""}:
        found += [Contribution(_traffic(series, scope, series.name, peer), Role.VALUE),
                  Contribution(_share(series, scope, series.name, peer=peer), Role.TOTAL)]
        if is_failed(series.attributes):
            found.append(Contribution(_share(series, scope, series.name, peer=peer), Role.FAILED))
    return found


def _scalar(series: Series, operation: str, table: tuple[Rule, ...]) -> list[Contribution]:
    """A gauge, or a sum that is no part of something else: a measure of its own."""
    named = _UNIT_IN_NAME.search(series.name)
    unit = series.unit or (named[1] if named else "")
    scale = _SCALE.get(unit.lower(), 1.0)
    peer = said.peer(series.attributes, series.service)
    # What a service waits for others, or fails with them, is theirs and not its own; of nobody known it is evidence.
    is_nobodys = not peer and re.search(r"(^|[._])client([._]|$)", series.name) is not None
    match meaning(series.name, unit, table):
        case Meaning.LATENCY:
            return [_own(series, operation, Signal.EVIDENCE if is_nobodys else Signal.LATENCY, "s", scale, peer)]
        case Meaning.REQUESTS:
            if series.is_sum and said.has_status(series.attributes):
                return _requests(series, operation, peer)
            return [_own(series, operation, Signal.TRAFFIC, series.unit, 1.0, peer)]
        case Meaning.ERRORS:
            return [_own(series, operation, Signal.EVIDENCE if is_nobodys else Signal.ERRORS, series.unit, 1.0, peer)]
        case Meaning.ERROR_SHARE:
            return [_own(series, operation, Signal.ERRORS, "share", scale, peer)]
        case Meaning.SUCCESS_SHARE:
            # A success share becomes an error share: 1 − x, of percent or of parts.
            return [_own(series, operation, Signal.ERRORS, "share", -scale, peer)]
        case Meaning.UTILIZATION:
            return [_own(series, operation, Signal.SATURATION, "share", scale, peer)]
        case Meaning.EVIDENCE:
            return [_own(series, operation, Signal.EVIDENCE, series.unit, 1.0, peer)]


def _own(series: Series, operation: str, signal: Signal, unit: str, scale: float, peer: str) -> Contribution:
    reading = Reading.RATE if series.is_sum else Reading.GAUGE
    quantile = _quantile(series.name, series.attributes) if signal is Signal.LATENCY else 0.0
    measure = Measure(series.service, operation, signal, series.name, unit, reading, quantile=quantile, peer=peer,
                      attributes=tuple(sorted(series.attributes.items())))
    return Contribution(measure, Role.VALUE, scale)


def _quantile(name: str, attributes: Mapping[str, str]) -> float:
    """Which quantile a gauge of durations says that it is; a mean counts as the median; 0.9 where it does not say."""
    named = _QUANTILE_IN_NAME.search(name)
    if named:
        return 1.0 if named[1] == "max" else float(f"0.{named[1].replace('.', '')}")
    if attributes.get("quantile"):
        with suppress(ValueError):
            return min(max(float(attributes["quantile"]), 0.0), 1.0)
    return 0.5 if re.search(r"avg|average|mean|median", name, re.IGNORECASE) else 0.9


def _durations(series: Series, operation: str, family: str, *, peer: str = "", is_complete: bool) -> list[Contribution]:
    """Of a duration histogram: its quantiles, how many there were, and the total that errors are a share of.

    is_complete: every request is counted. Sampled ones (spans) say nothing sure about traffic: evidence.
    """
    scale = _SCALE.get(series.unit.lower(), 1.0)
    traffic = _traffic(series, operation, family, peer)
    if not is_complete or peer:
        traffic = replace(traffic, signal=Signal.EVIDENCE)
    return [Contribution(_latency(series, operation, family, 0.5, peer), Role.HISTOGRAM, scale),
            Contribution(_latency(series, operation, family, 0.95, peer), Role.HISTOGRAM, scale),
            Contribution(traffic, Role.COUNT),
            Contribution(_share(series, operation, family, peer=peer), Role.COUNT_AS_TOTAL)]


def _latency(series: Series, operation: str, family: str, quantile: float, peer: str) -> Measure:
    return Measure(series.service, operation, Signal.LATENCY, f"{family} p{quantile * 100:g}", "s", Reading.QUANTILE,
                   quantile=quantile, peer=peer)


def _traffic(series: Series, operation: str, family: str, peer: str) -> Measure:
    return Measure(series.service, operation, Signal.TRAFFIC, f"rate of {family}", "1/s", Reading.RATE, peer=peer)


def _share(series: Series, operation: str, family: str, *, peer: str = "") -> Measure:
    return Measure(series.service, operation, Signal.ERRORS, f"error share of {family}", "share", Reading.SHARE,
                   peer=peer)


def _measure(series: Series, signal: Signal, name: str, unit: str, reading: Reading) -> Measure:
    return Measure(series.service, "", signal, name, unit, reading)
