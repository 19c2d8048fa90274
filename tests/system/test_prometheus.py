"""Debian's prometheus and prometheus-alertmanager, configured as docs/connect/ says, sending to a running ingestion."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.services.cli.test_serve import free_port, line_with, serving

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
_WITHIN_S = 60.0
Answer = dict[str, Any]


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: free_port() for name in ("ingestion", "otlp", "http", "prometheus", "alertmanager")}


@pytest.fixture
def environment(tmp_path: Path, ports: dict[str, int]) -> Iterator[dict[str, str]]:
    """Of `afteraction`, with an ingestion that runs."""
    variables = {"AFTERACTION_INGESTION_ADDRESS": f"127.0.0.1:{ports['ingestion']}",
                 "AFTERACTION_OTLP_GRPC_ADDRESS": f"127.0.0.1:{ports['otlp']}",
                 "AFTERACTION_OTLP_HTTP_ADDRESS": f"127.0.0.1:{ports['http']}"}
    with serving(tmp_path, "ingestion", **variables) as process:
        line_with(process, "ingestion  ready")
        yield variables
        process.terminate()
        line_with(process, "ingestion stopped")


@contextmanager
def program(*arguments: str, log: Path) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def door(environment: dict[str, str], name: str) -> Answer:
    """What `afteraction doctor` says of a door."""
    result = subprocess.run([sys.executable, "-m", "services.cli", "doctor", "--json"], capture_output=True, text=True,
                            check=False, env=os.environ | environment)
    return next((each for each in json.loads(result.stdout)["doors"] if each["name"] == name), {})


def eventually(ask: Callable[[], Answer], holds: Callable[[Answer], bool], log: Path) -> Answer:
    """What `ask` answers once it holds; other people's programs say nowhere when they have sent."""
    until = time.monotonic() + _WITHIN_S
    while time.monotonic() < until:
        answer = ask()
        if holds(answer):
            return answer
    raise AssertionError(f"{answer}\n{log.read_text(errors='replace')[-3000:]}")


@pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus here: apt-get install prometheus")
def test_a_prometheus_needs_one_remote_write_entry(tmp_path: Path, ports: dict[str, int],
                                                   environment: dict[str, str]) -> None:
    assert PROMETHEUS
    own, log = f"127.0.0.1:{ports['prometheus']}", tmp_path / "prometheus.log"
    (tmp_path / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 1s}}
scrape_configs:
- job_name: prometheus
  static_configs: [{{targets: ['{own}']}}]
remote_write:
- url: http://127.0.0.1:{ports['http']}/api/v1/write
  send_native_histograms: true
  metadata_config: {{send_interval: 2s}}
""")
    with program(PROMETHEUS, f"--config.file={tmp_path / 'prometheus.yml'}", f"--web.listen-address={own}",
                 f"--storage.tsdb.path={tmp_path / 'tsdb'}", "--enable-feature=native-histograms", log=log):
        received = eventually(lambda: door(environment, "remote-write"),
                              lambda found: int(found.get("accepted_items", 0)) > 2_000, log)

        assert received.get("last_error", "") == ""
        assert int(received.get("rejected_requests", 0)) == int(received.get("rejected_items", 0)) == 0
        sender, = received["senders"]
        assert sender["service"] == "prometheus"
        assert sender["user_agent"].startswith("Prometheus/")
        failed = value(own, "prometheus_remote_storage_samples_failed_total")
        assert failed == value(own, "prometheus_remote_storage_samples_retried_total") == 0
        assert value(own, "prometheus_remote_storage_metadata_failed_total") == 0


def value(address: str, name: str) -> float:
    """The sum over the series of a metric that a program tells of itself."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((f"{name}{{", f"{name} ")))


@pytest.mark.skipif(ALERTMANAGER is None, reason="no Alertmanager here: apt-get install prometheus-alertmanager")
def test_an_alertmanager_needs_one_webhook(tmp_path: Path, ports: dict[str, int], environment: dict[str, str]) -> None:
    assert ALERTMANAGER
    own, log = f"127.0.0.1:{ports['alertmanager']}", tmp_path / "alertmanager.log"
    (tmp_path / "alertmanager.yml").write_text(f"""
route: {{receiver: afteraction, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 1s}}
receivers:
- name: afteraction
  webhook_configs:
  - url: http://127.0.0.1:{ports['http']}/webhooks/alertmanager
    send_resolved: true
""")
    with program(ALERTMANAGER, f"--config.file={tmp_path / 'alertmanager.yml'}", f"--web.listen-address={own}",
                 "--cluster.listen-address=", f"--storage.path={tmp_path / 'am'}", log=log):
        eventually(lambda: alert(own), lambda answer: bool(answer), log)
        eventually(lambda: door(environment, "webhooks/alertmanager"),
                   lambda found: int(found.get("accepted_requests", 0)) >= 2, log)
        alert(own, endsAt=datetime.now(UTC).isoformat())

        received = eventually(lambda: door(environment, "webhooks/alertmanager"),
                              lambda found: int(found.get("accepted_items", 0)) >= 2, log)

        # However often it was repeated: it fired once, and was resolved once.
        assert int(received["accepted_items"]) == 2
        assert int(received["accepted_requests"]) > 2
        assert [sender["service"] for sender in received["senders"]] == ["checkout"]


def alert(address: str, **changes: str) -> Answer:
    """Tells an Alertmanager of an alert; empty as long as it does not answer."""
    body = json.dumps([{"labels": {"alertname": "HighErrorRate", "service": "checkout", "severity": "critical"},
                        "annotations": {"summary": "5xx above 5 %"}, "startsAt": "2026-07-05T03:00:00Z"} | changes])
    request = urllib.request.Request(f"http://{address}/api/v2/alerts", body.encode(),
                                     {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return {"status": str(answer.status)}
    except OSError:
        time.sleep(0.1)
        return {}
