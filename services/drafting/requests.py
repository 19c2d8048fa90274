"""How many requests a service answered and how many of them failed, counted by its own metrics.

Metrics count every request, traces are sampled: where a service has a request metric its counts are taken, else the
recorded spans, and then it is said.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.drafting.observations import Observations, OperationWindow, SeriesSource, SeriesWindow

_STATUS_KEYS = (
    "http.response.status_code",
    "http.status_code",
    "status_code",
    "rpc.grpc.status_code",
    "rpc.response.status_code",
    "grpc_code",
    "code",
    "status",
)
_OPERATION_KEYS = ("operation", "http.route", "route", "rpc.method", "handler", "endpoint", "http.target", "path")
_METHOD_KEYS = ("http.request.method", "http.method", "method")
_SERVER = re.compile(
    r"(^|[._])(server|served|inbound|ingress)([._]|$)|^(http_)?requests?([._]total)?$|"
    r"requests?[._](total|count)$|request[._]duration",
    re.IGNORECASE,
)
_CLIENT = re.compile(r"(^|[._])(client|upstream|outbound|egress)([._]|$)", re.IGNORECASE)
_GRPC_FAILURES = frozenset(
    {
        "2",
        "4",
        "12",
        "13",
        "14",
        "15",
        "UNKNOWN",
        "DEADLINE_EXCEEDED",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
    }
)


@dataclass(frozen=True, slots=True)
class Requests:
    """The requests of one operation with one status, during the incident and before.

    baseline_minutes: how long before was counted; the incident's own length is `minutes`.
    """

    service: str
    operation: str
    status: str
    is_failure: bool
    count: float
    baseline_count: float
    minutes: float
    baseline_minutes: float
    # Keys of what was counted.
    keys: tuple[str, ...]
    is_sampled: bool = False


def requests(observations: Observations, service: str, onset: datetime, end: datetime) -> tuple[Requests, ...]:
    """What `service` answered between `onset` and `end`, by operation and status."""
    counted = [one for one in observations.series if one.service == service and _is_request_count(one)]
    # Several metrics may count the same requests: one is enough, and a histogram of durations has every status.
    names = sorted({one.metric_name for one in counted}, key=lambda name: ("duration" not in name, name))
    if names:
        return tuple(_of_series([one for one in counted if one.metric_name == names[0]], onset, end))
    return tuple(_of_spans(observations.operations, service))


def step(series: SeriesWindow) -> timedelta:
    """The time that one of its values covers; a minute where that cannot be told."""
    gaps = sorted(later - earlier for earlier, later in zip(series.times, series.times[1:], strict=False))
    return gaps[len(gaps) // 2] if gaps else timedelta(minutes=1)


def _is_request_count(series: SeriesWindow) -> bool:
    if series.source is not SeriesSource.METRIC or not (series.counts or series.baseline_counts):
        return False
    return bool(_SERVER.search(series.metric_name)) and not _CLIENT.search(series.metric_name)


def _of_series(series: Iterable[SeriesWindow], onset: datetime, end: datetime) -> Iterable[Requests]:
    groups: dict[tuple[str, str], list[SeriesWindow]] = defaultdict(list)
    everything = list(series)
    for one in everything:
        groups[_operation(one), _status(one)].append(one)
    # A status that never was before has no values before: what was counted before is told by the others.
    minutes_before = max(
        (len(one.baseline_counts) * step(one) / timedelta(minutes=1) for one in everything), default=0.0
    )
    for (operation, status), members in sorted(groups.items()):
        count = sum(
            value
            for one in members
            for at, value in zip(one.times, one.counts, strict=False)
            if onset < at <= end + step(one) / 2
        )
        is_failure = any(_is_failure(one, status) for one in members)
        yield Requests(
            members[0].service,
            operation,
            status,
            is_failure,
            count,
            sum(sum(one.baseline_counts) for one in members),
            (end - onset) / timedelta(minutes=1),
            minutes_before,
            tuple(one.key for one in members),
        )


def _of_spans(operations: Iterable[OperationWindow], service: str) -> Iterable[Requests]:
    for one in operations:
        if one.service != service or one.span_kind not in ("", "server", "consumer", "unspecified", "internal"):
            continue
        for status, count, before in (
            ("error", one.errors, one.baseline_errors),
            ("ok", one.count - one.errors, one.baseline_count - one.baseline_errors),
        ):
            yield Requests(
                service,
                one.operation,
                status,
                status == "error",
                count,
                before,
                one.window_s / 60,
                one.baseline_s / 60,
                (one.key,),
                is_sampled=True,
            )


def _operation(series: SeriesWindow) -> str:
    method = _first(series, _METHOD_KEYS)
    return f"{method} {_first(series, _OPERATION_KEYS)}".strip()


def _status(series: SeriesWindow) -> str:
    return _first(series, _STATUS_KEYS) or series.attributes.get("error.type", "")


def _is_failure(series: SeriesWindow, status: str) -> bool:
    if status.isdigit() and len(status) == 3:
        return status.startswith("5")
    if any(key in series.attributes for key in ("rpc.grpc.status_code", "rpc.response.status_code", "grpc_code")):
        return status.upper() in _GRPC_FAILURES
    return bool(series.attributes.get("error.type")) or status.casefold() in ("error", "failed", "failure", "5xx")


def _first(series: SeriesWindow, keys: Iterable[str]) -> str:
    return next((series.attributes[key] for key in keys if series.attributes.get(key)), "")
