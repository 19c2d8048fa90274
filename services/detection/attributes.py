"""What the attributes of a series say of the requests that it counts: which operation, whose, and whether they failed.

The keys are those of OpenTelemetry's conventions, old and new, and of the exporters that people run: Micrometer, Istio,
Envoy, Linkerd, gRPC's interceptors.
"""

from collections.abc import Mapping

# The route before the method: `GET` is no operation while there is more to tell.
OPERATION_KEYS = ("operation", "http.route", "http.target", "rpc.method", "route", "handler", "endpoint", "uri",
                  "grpc_method", "messaging.operation.name", "db.operation.name", "path", "method")
STATUS_KEYS = ("http.response.status_code", "http.status_code", "status_code", "response_code", "code", "status",
               "rpc.grpc.status_code", "rpc.response.status_code", "grpc_code", "grpc_response_status",
               "outcome", "classification")
_CLASS_KEYS = ("envoy_response_code_class", "response_code_class", "status_class")
PEER_KEYS = ("peer", "peer.service", "server.address", "net.peer.name", "destination", "destination_workload",
             "destination_service_name", "upstream", "upstream_cluster")
# gRPC's codes that are the server's failure, by number and by name (as in OpenTelemetry's RPC conventions).
_GRPC_FAILURES = {"2", "4", "12", "13", "14", "15", "Unknown", "DeadlineExceeded", "Unimplemented", "Internal",
                  "Unavailable", "DataLoss", "UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL",
                  "UNAVAILABLE", "DATA_LOSS"}
_FAILED = {"error", "failure", "failed", "5xx", "server_error"}


def is_failed(attributes: Mapping[str, str]) -> bool:
    """Whether the attributes say that the requests of this series failed on the server's side."""
    said = [attributes[key] for key in STATUS_KEYS if attributes.get(key)]
    if attributes.get("error.type"):
        # A 4xx has an error.type on the client's side; it is no failure of the service.
        return not any(status.startswith("4") and len(status) == 3 for status in said)
    # A proxy tells gRPC's status beside HTTP's, which is 200 whatever happened.
    return any(map(_fails, said)) or any(attributes.get(key) == "5" for key in _CLASS_KEYS)


def _fails(status: str) -> bool:
    if len(status) == 3 and status[0].isdigit():
        return status[0] == "5"
    return status in _GRPC_FAILURES or status.lower() in _FAILED


def operation(attributes: Mapping[str, str]) -> str:
    """What of the service was asked for; empty where nothing says."""
    return _first(attributes, OPERATION_KEYS)


def peer(attributes: Mapping[str, str], service: str) -> str:
    """The service at the other end; empty where nothing says, or where it is the one that reports."""
    found = _first(attributes, PEER_KEYS)
    return "" if found == service else found


def has_status(attributes: Mapping[str, str]) -> bool:
    """Whether requests are told apart by how they ended."""
    return bool(_first(attributes, STATUS_KEYS) or _first(attributes, _CLASS_KEYS))


def _first(attributes: Mapping[str, str], keys: tuple[str, ...]) -> str:
    return next((attributes[key] for key in keys if attributes.get(key)), "")
