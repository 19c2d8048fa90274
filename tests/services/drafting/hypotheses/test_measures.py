"""Names of metrics as exporters in the world write them."""

import pytest

from services.drafting.hypotheses.measures import Measure, Side, meaning


@pytest.mark.parametrize(("name", "unit", "measure"), [
    ("container_cpu_usage_seconds_total", "s", Measure.CPU),
    ("k8s.pod.cpu.utilization", "1", Measure.CPU),
    ("container_memory_working_set_bytes", "By", Measure.MEMORY),
    ("jvm.memory.used", "By", Measure.MEMORY),
    ("node_filesystem_avail_bytes", "By", Measure.DISK),
    ("system.disk.io", "By", Measure.DISK),
    ("db.client.connection.pending_requests", "{request}", Measure.POOL),
    ("db.client.connection.wait_time", "s", Measure.POOL),
    ("hikaricp_connections_pending", "", Measure.POOL),
    ("process_open_fds", "", Measure.DESCRIPTORS),
    ("kafka_consumergroup_lag", "", Measure.QUEUE),
    ("http.server.request.duration", "s", Measure.LATENCY),
    ("TargetResponseTime", "s", Measure.LATENCY),
    ("rpc_server_duration_milliseconds_p99", "ms", Measure.LATENCY),
    ("http_requests_total", "", Measure.TRAFFIC),
    ("HTTPCode_Target_5XX_Count", "", Measure.ERRORS),
    ("rpc.server.errors", "", Measure.ERRORS),
    ("success_rate", "%", Measure.AVAILABILITY),
    ("kube_pod_container_status_restarts_total", "", Measure.RESTARTS),
    ("ThrottledRequests", "", Measure.QUOTA),
    ("probe_ssl_earliest_cert_expiry", "s", Measure.CERTIFICATE),
    ("node_netstat_Tcp_RetransSegs_packets_dropped", "", Measure.PACKETS_LOST),
    ("container_network_receive_bytes_total", "By", Measure.NETWORK_BYTES),
    ("orders_placed", "", Measure.OTHER),
])
def test_a_name_says_what_is_measured(name: str, unit: str, measure: Measure) -> None:
    assert meaning(name, unit).measure is measure


def test_what_is_left_is_bad_when_it_falls() -> None:
    assert not meaning("system.memory.available", "By").is_bad_high
    assert not meaning("availability", "%").is_bad_high
    assert meaning("memory.usage", "By").is_bad_high


def test_a_quantile_and_a_side_are_read_from_the_name() -> None:
    means = meaning("latency.client.p99", "s")

    assert means.quantile == pytest.approx(0.99)
    assert means.side is Side.CLIENT


def test_a_mean_has_no_quantile() -> None:
    assert meaning("latency.average", "s").quantile is None


def test_a_machine_is_shared_by_its_services() -> None:
    assert meaning("node.cpu.utilization", "%").is_shared
    assert not meaning("cpu.utilization", "%").is_shared
