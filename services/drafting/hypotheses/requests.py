"""Requests, failures and durations, told apart in the series that senders make of them.

A request metric of OpenTelemetry is a histogram for each outcome: how long requests took is in its values, how many
there were in its counts, and whether they failed in its attributes. A counter of requests has a series for each status:
those that failed are errors and no traffic. Each becomes what it is here, under the key of the series that it comes
from; the parts of Prometheus' histograms become the durations that they were made of (`ladders`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from services.drafting.hypotheses.ladders import durations, is_part
from services.drafting.hypotheses.measures import COUNTED, FAILED, Measure, meaning
from services.drafting.observations import SeriesSource, SeriesWindow

_HTTP_STATUS = ("http.response.status_code", "http.status_code", "status_code", "status", "code", "response_code")
_GRPC_STATUS = ("rpc.grpc.status_code", "rpc.response.status_code", "grpc_code", "grpc_response_status")
_GRPC_FINE = frozenset({"0", "OK", "1", "CANCELLED", "CANCELED", "3", "INVALID_ARGUMENT", "INVALIDARGUMENT", "5",
                        "NOT_FOUND", "NOTFOUND", "6", "ALREADY_EXISTS", "ALREADYEXISTS"})
_CLASSES = ("envoy_response_code_class", "response_code_class", "status_class")
_OUTCOMES, _FAILED = ("outcome", "classification", "status"), frozenset({"SERVER_ERROR", "FAILURE", "FAILED", "ERROR"})
# A series that appears with the incident had nothing before; so many steps of it stand for that.
NOTHING_BEFORE = 30


def with_counts(series: Iterable[SeriesWindow]) -> tuple[SeriesWindow, ...]:
    """`series` as what they are; and for every histogram of durations the number of requests in it, as traffic or as
    errors."""
    known = tuple(series)
    whole = tuple(_told(one) for one in known if not is_part(one))
    return (*whole, *durations(known),
            *(counted for one in whole if one.counts and one.source is SeriesSource.METRIC
              and meaning(one.metric_name, one.unit).measure is Measure.LATENCY
              and (counted := _counted(one)) is not None))


def _told(one: SeriesWindow) -> SeriesWindow:
    """A counter of requests that failed, as errors."""
    if one.source is not SeriesSource.METRIC or not is_failure(one.attributes) \
            or meaning(one.metric_name, one.unit).measure is not Measure.TRAFFIC:
        return one
    if one.baseline_values:
        return replace(one, unit=FAILED)
    return replace(one, unit=FAILED, baseline_values=(0.0,) * NOTHING_BEFORE, baseline_points=NOTHING_BEFORE,
                   baseline_median=0.0, baseline_spread=0.0)


def _counted(one: SeriesWindow) -> SeriesWindow | None:
    before = one.baseline_counts
    is_failed = is_failure(one.attributes)
    if not before:
        if not is_failed:
            return None
        before = (0.0,) * NOTHING_BEFORE
    middle = float(np.median(before))
    spread = float(1.4826 * np.median(np.abs(np.asarray(before) - middle)))
    return replace(one, unit=FAILED if is_failed else COUNTED, values=one.counts, baseline_values=before,
                   baseline_points=len(before), baseline_median=middle, baseline_spread=spread,
                   counts=(), baseline_counts=())


def is_failure(attributes: Mapping[str, str]) -> bool:
    """Whether attributes say that the requests which they describe failed on the side of the service."""
    if attributes.get("error.type"):
        return not attributes["error.type"].startswith("4")
    for name in _HTTP_STATUS:
        if attributes.get(name, "").startswith("5") and len(attributes[name]) == 3:
            return True
    if any(attributes.get(name) == "5" for name in _CLASSES):
        return True
    if any(attributes.get(name, "").upper() in _FAILED for name in _OUTCOMES):
        return True
    return any((attributes.get(name) or "OK").upper() not in _GRPC_FINE for name in _GRPC_STATUS)
