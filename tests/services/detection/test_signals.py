"""What a name, a unit and attributes say that a series is."""

import numpy as np
import pytest

from services.detection.alignment import Alignment
from services.detection.meanings import Meaning, meaning, rules
from services.detection.objectives import limits, objectives
from services.detection.series import Reading, Role, Series, SeriesSource, SeriesType, Signal
from services.detection.signals import as_named, contributions

NS = 60_000_000_000


@pytest.mark.parametrize(("name", "unit", "means"), [
    # OpenTelemetry, Prometheus, CloudWatch, and what people choose
    ("http.server.request.duration", "s", Meaning.LATENCY),
    ("request_latency", "ms", Meaning.LATENCY),
    ("TargetResponseTime", "Seconds", Meaning.LATENCY),
    ("Latency", "Milliseconds", Meaning.LATENCY),
    ("http_requests", "", Meaning.REQUESTS),
    ("RequestCount", "Count", Meaning.REQUESTS),
    ("Invocations", "Count", Meaning.REQUESTS),
    ("orders", "", Meaning.REQUESTS),
    ("istio_requests", "", Meaning.REQUESTS),
    ("grpc_server_handled", "", Meaning.REQUESTS),
    ("envoy_cluster_upstream_rq_xx", "", Meaning.REQUESTS),
    ("load", "", Meaning.REQUESTS),
    ("5XXError", "Count", Meaning.ERRORS),
    ("HTTPCode_Target_5XX_Count", "Count", Meaning.ERRORS),
    ("login_failures", "", Meaning.ERRORS),
    ("errors.rate", "1/s", Meaning.ERRORS),
    ("error_rate", "%", Meaning.ERROR_SHARE),
    ("FaultRate", "Percent", Meaning.ERROR_SHARE),
    ("availability", "%", Meaning.SUCCESS_SHARE),
    ("entry.success_rate", "1", Meaning.SUCCESS_SHARE),
    ("container.cpu.utilization", "1", Meaning.UTILIZATION),
    ("CPUUtilization", "Percent", Meaning.UTILIZATION),
    # The machine's, a collector's, a pool's inside, memory: evidence
    ("system.cpu.utilization", "1", Meaning.EVIDENCE),
    ("jvm.gc.duration", "s", Meaning.EVIDENCE),
    ("process_cpu_seconds", "s", Meaning.EVIDENCE),
    ("db.client.connection.count", "{connection}", Meaning.EVIDENCE),
    ("container.memory.usage", "By", Meaning.EVIDENCE),
    ("translatency", "s", Meaning.EVIDENCE),
    ("queue_size", "", Meaning.EVIDENCE),
    ("response_size", "By", Meaning.EVIDENCE),
    ("node_load1", "", Meaning.EVIDENCE),
    ("grpc_server_started", "", Meaning.EVIDENCE),
])
def test_names_of_many_conventions_are_known(name: str, unit: str, means: Meaning) -> None:
    assert meaning(name, unit) is means


def test_own_names_come_first() -> None:
    assert meaning("basket_wait", "s") is Meaning.EVIDENCE
    assert meaning("basket_wait", "s", rules(["basket_wait=latency"])) is Meaning.LATENCY
    assert meaning("requests", "", rules(["^requests$=evidence"])) is Meaning.EVIDENCE


def test_line_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="'basket_wait=speed' is not"):
        rules(["basket_wait=speed"])


def share_of(alignment: Alignment) -> tuple[float, float]:
    """Error share of the whole service and its number of requests in the last interval."""
    *_, interval = alignment.flush()
    row = next(row for row, each in enumerate(alignment.measures)
               if each.reading is Reading.SHARE and not each.operation and not each.limit_s)
    place = interval.rows.tolist().index(row)
    return float(interval.values[place]), float(interval.counts[place])


@pytest.mark.parametrize(("name", "label", "kind"), [
    ("http.server.requests", "http.response.status_code", SeriesType.DELTA),
    ("http_requests_total", "code", SeriesType.DELTA),
    ("RequestCount", "status", SeriesType.DELTA),
])
def test_counters_by_status_give_the_share_that_failed(name: str, label: str, kind: SeriesType) -> None:
    alignment = Alignment()
    for identity, (status, count) in enumerate({"200": 90.0, "404": 5.0, "503": 5.0}.items()):
        alignment.define(Series(identity, "shop", name, "", kind, attributes={label: status}))
        alignment.add(np.array([identity]), np.array([NS]), np.array([0]), np.array([count]))

    assert share_of(alignment) == (0.05, 100.0)


@pytest.mark.parametrize(("name", "attributes", "kind"), [
    ("http_requests_total", {}, SeriesType.CUMULATIVE),
    ("http_request_duration_seconds_bucket", {"le": "0.5"}, SeriesType.CUMULATIVE),
    ("http_request_duration_seconds_count", {}, SeriesType.CUMULATIVE),
    ("rpc_latency_ms_sum", {}, SeriesType.CUMULATIVE),
    ("leaky_bucket", {}, SeriesType.GAUGE),
    ("jvm_thread_count", {}, SeriesType.GAUGE),
    ("queue_length", {}, SeriesType.GAUGE),
])
def test_counters_are_known_by_name_where_the_sender_tells_no_type(name: str, attributes: dict[str, str],
                                                                  kind: SeriesType) -> None:
    assert as_named(Series(1, "shop", name, attributes=attributes)).type is kind


def test_classic_histogram_of_separate_series_gives_quantiles_and_the_share_of_failures() -> None:
    alignment = Alignment(limits=limits(objectives(["shop latency 500ms 99%"])))
    name, identity = "http_request_duration_seconds", 0
    for code, buckets in {"200": {"0.1": 50, "0.5": 90, "+Inf": 90}, "500": {"0.1": 0, "0.5": 0, "+Inf": 10}}.items():
        for suffix, attributes, count in [*((f"{name}_bucket", {"le": le}, count) for le, count in buckets.items()),
                                          (f"{name}_count", {}, buckets["+Inf"])]:
            identity += 1
            alignment.define(Series(identity, "shop", suffix, attributes=attributes | {"code": code}))
            for minute, value in enumerate((7.0, 7.0 + count), 1):
                alignment.add(np.array([identity]), np.array([minute * NS]), np.array([0]), np.array([value]))
    *_, interval = alignment.flush()
    values = {alignment.measures[row].name: float(interval.values[place])
              for place, row in enumerate(interval.rows.tolist())}

    assert values[f"{name} p50"] == 0.1
    assert values[f"{name} p95"] == 0.5
    assert values[f"error share of {name}"] == 0.1
    assert values[f"{name} slower than 0.5 s"] == 0.1


def test_success_share_becomes_an_error_share() -> None:
    [found] = contributions(Series(1, "shop", "availability", "%"))

    assert (found.measure.signal, found.measure.unit, found.scale) == (Signal.ERRORS, "share", -0.01)


def test_calls_of_others_belong_to_the_callee_and_only_those_of_nobody_known_are_evidence() -> None:
    known = contributions(Series(1, "web", "http.client.request.duration", "s", SeriesType.DELTA_HISTOGRAM,
                                 attributes={"server.address": "shop"}))
    unknown = contributions(Series(1, "web", "http.client.request.duration", "s", SeriesType.DELTA_HISTOGRAM))

    assert {each.measure.peer for each in known} == {"shop"}
    assert Signal.LATENCY in {each.measure.signal for each in known}
    assert {each.measure.signal for each in unknown} == {Signal.EVIDENCE}


def test_error_lines_are_counted_where_there_are_lines_at_all() -> None:
    roles = {severity: contributions(Series(1, "shop", "log.lines", "{line}", SeriesType.DELTA, SeriesSource.LOG,
                                            {"severity": severity}))[0].role for severity in ("INFO", "ERROR")}

    assert roles == {"INFO": Role.TOTAL, "ERROR": Role.TOTAL_AND_FAILED}
