"""Requests and failures out of histograms of durations."""

from dataclasses import replace

import pytest

from services.drafting.hypotheses.departures import departures
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.measures import Measure
from services.drafting.hypotheses.ranking import rank
from services.drafting.hypotheses.requests import is_failure, with_counts
from services.drafting.observations import SeriesWindow
from tests.services.drafting.hypotheses.observed import incident, observations, series


def durations(service: str, *, status: str, counts: tuple[float, ...], before: tuple[float, ...]) -> SeriesWindow:
    one = replace(series(service, "http.server.request.duration", unit="s", before=0.1, now=0.1),
                  attributes={"http.response.status_code": status})
    if not before:
        one = replace(one, baseline_values=(), baseline_points=0, baseline_median=0.0)
    return replace(one, counts=counts, baseline_counts=before)


def test_recordings_are_requests_and_those_of_a_server_error_failures() -> None:
    measured = with_counts([durations("shop", status="200", counts=(60.0,) * 5, before=(100.0,) * 30),
                            durations("shop", status="500", counts=(40.0,) * 5, before=(0.0,) * 30)])

    found = {departure.meaning.measure for departure in departures(measured) if departure.certainty > 0}

    assert found >= {Measure.TRAFFIC, Measure.ERRORS}


def test_failures_that_were_never_seen_before_are_the_cause_of_their_service() -> None:
    measured = [durations("shop", status="500", counts=(40.0,) * 5, before=()),
                durations("shop", status="200", counts=(60.0,) * 5, before=(100.0,) * 30)]

    first = rank(incident("shop"), observations(series=measured))[0]

    assert (first.service, first.kind) == ("shop", CauseKind.UNAVAILABLE)
    assert measured[0].key in first.evidence_for


@pytest.mark.parametrize(("attributes", "failed"), [
    ({"http.response.status_code": "503"}, True), ({"http.response.status_code": "404"}, False),
    ({"http.response.status_code": "200"}, False), ({"rpc.grpc.status_code": "14"}, True),
    ({"rpc.grpc.status_code": "0"}, False), ({"rpc.grpc.status_code": "NOT_FOUND"}, False),
    ({"error.type": "TimeoutError"}, True), ({"error.type": "404"}, False), ({}, False),
])
def test_what_counts_as_a_failure(attributes: dict[str, str], failed: bool) -> None:
    assert is_failure(attributes) is failed


def test_failed_requests_of_a_counter_are_errors_and_no_traffic() -> None:
    fine = series("shop", "istio_requests_total", before=50, now=50, response_code="200")
    failed = series("shop", "istio_requests_total", before=0.1, now=20, response_code="503")

    told = departures(with_counts([fine, failed]))

    assert [one.meaning.measure for one in told] == [Measure.TRAFFIC, Measure.ERRORS]


def test_failures_that_appear_with_the_incident_had_none_before() -> None:
    failed = replace(series("shop", "http_requests_total", before=1, now=20, status="500"), baseline_values=(),
                     baseline_points=0)

    (told,) = departures(with_counts([failed]))

    assert (told.meaning.measure, told.baseline) == (Measure.ERRORS, 0.0)
    assert told.certainty == 1.0


@pytest.mark.parametrize("attributes", [
    {"outcome": "SERVER_ERROR"}, {"classification": "failure"}, {"envoy_response_code_class": "5"},
    {"response_code": "200", "grpc_response_status": "14"}, {"grpc_code": "Unavailable"}])
def test_failures_are_known_in_many_words(attributes: dict[str, str]) -> None:
    assert is_failure(attributes)
    assert not is_failure(attributes | {"outcome": "SUCCESS", "classification": "success", "grpc_code": "OK",
                                        "envoy_response_code_class": "2", "grpc_response_status": "0"})
