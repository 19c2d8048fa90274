"""What attributes say of the requests that a series counts, in the words of many exporters."""

import pytest

from services.detection.attributes import has_status, is_failed, operation, peer


@pytest.mark.parametrize("attributes", [
    {"http.response.status_code": "503"},
    {"http.status_code": "500", "http.route": "/cart"},
    {"error.type": "java.net.SocketTimeoutException"},
    {"error.type": "503", "http.response.status_code": "503"},
    {"response_code": "504", "grpc_response_status": ""},  # Istio
    {"response_code": "200", "grpc_response_status": "14"},  # Istio of gRPC: HTTP's own is 200 whatever happened
    {"grpc_code": "Unavailable"},
    {"rpc.grpc.status_code": "13"},
    {"envoy_response_code_class": "5"},
    {"status": "500", "outcome": "SERVER_ERROR"},  # Micrometer
    {"classification": "failure"},  # Linkerd
    {"status": "error"},
])
def test_failures_of_the_service_are_known(attributes: dict[str, str]) -> None:
    assert is_failed(attributes)
    assert has_status(attributes) or "error.type" in attributes


@pytest.mark.parametrize("attributes", [
    {},
    {"http.response.status_code": "200"},
    {"http.response.status_code": "404", "error.type": "404"},
    {"rpc.grpc.status_code": "5"},  # NOT_FOUND is an answer
    {"response_code": "200", "grpc_response_status": "0"},
    {"envoy_response_code_class": "4"},
    {"outcome": "CLIENT_ERROR", "status": "429"},
    {"classification": "success"},
    {"status": "ok"},
])
def test_answers_and_the_users_own_mistakes_are_no_failures(attributes: dict[str, str]) -> None:
    assert not is_failed(attributes)


def test_route_is_the_operation_before_the_method_is() -> None:
    assert operation({"method": "GET", "uri": "/carts/{id}"}) == "/carts/{id}"
    assert operation({"method": "GET"}) == "GET"
    assert operation({"region": "eu"}) == ""


def test_peer_is_the_other_end_and_never_the_service_itself() -> None:
    assert peer({"destination_workload": "stock"}, "shop") == "stock"
    # A proxy beside the callee names the callee as the destination.
    assert peer({"source_workload": "shop", "destination_workload": "stock"}, "stock") == ""
