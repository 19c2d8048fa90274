"""The checkout outage as the simulator tells it: when errors begin and end, and what little is seen before."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from services.cli.demo.observing import Observer
from services.cli.demo.outages import DAY, checkout_outage
from services.cli.demo.simulator import Ledger, Step, simulate
from services.cli.demo.system import Outage
from services.cli.demo.telemetry import Instruments


def between(outage: Outage, begins: tuple[int, int], ends: tuple[int, int]) -> Outage:
    return replace(outage, begins_at=DAY + timedelta(hours=begins[0], minutes=begins[1]),
                   ends_at=DAY + timedelta(hours=ends[0], minutes=ends[1]))


@pytest.fixture(scope="module")
def told() -> tuple[list[Step], Ledger]:
    ledger = Ledger()
    return list(simulate(between(checkout_outage(), (3, 30), (4, 12)), ledger)), ledger


def minute(steps: list[Step], hour: int, minutes: int) -> tuple[float, float, float]:
    """Error share, 95th percentile of duration, and its ratio to half past three, of carts in that minute."""
    def of(at: float) -> tuple[float, float]:
        flows = [each.flows[0] for each in steps if at <= each.starts_at < at + 60]
        durations = np.concatenate([each.durations[1] for each in flows])
        return (float(np.concatenate([each.has_failed for each in flows]).mean()), float(np.quantile(durations, 0.95)))

    share, p95 = of((DAY + timedelta(hours=hour, minutes=minutes)).timestamp())
    return share, p95, p95 / of((DAY + timedelta(hours=3, minutes=31)).timestamp())[1]


def test_errors_leave_their_baseline_at_0347(told: tuple[list[Step], Ledger]) -> None:
    for minutes in range(31, 47):
        share, _, _ = minute(told[0], 3, minutes)
        assert share < 0.005, f"03:{minutes}"
    share, _, _ = minute(told[0], 3, 47)
    assert share > 0.01


def test_errors_are_back_in_their_baseline_at_0410(told: tuple[list[Step], Ledger]) -> None:
    for minutes in range(48, 60):
        assert minute(told[0], 3, minutes)[0] > 0.03
    for minutes in range(10):
        assert minute(told[0], 4, minutes)[0] > 0.02
    for minutes in (10, 11):
        assert minute(told[0], 4, minutes)[0] < 0.003


def test_latency_stays_near_its_baseline_until_errors_begin(told: tuple[list[Step], Ledger]) -> None:
    for minutes in range(35, 47):
        _, _, ratio = minute(told[0], 3, minutes)
        assert ratio < 1.45, f"03:{minutes}"


def test_some_340_checkouts_fail(told: tuple[list[Step], Ledger]) -> None:
    begins, ends = (DAY + timedelta(hours=3, minutes=47), DAY + timedelta(hours=4, minutes=10))

    assert 320 < told[1].excess_failures("checkout", begins.timestamp(), ends.timestamp()) < 380


def test_same_seed_sends_the_same() -> None:
    def sent() -> list[bytes]:
        outage = between(checkout_outage(), (3, 33), (3, 37))
        instruments, observer = Instruments(outage), Observer(outage)
        return [message.SerializeToString(deterministic=True) for step in simulate(outage, Ledger())
                for message in (instruments.export(step), *observer.export(step))]

    assert sent() == sent()


def test_metrics_count_every_request() -> None:
    outage = between(checkout_outage(), (3, 30), (3, 34))
    ledger = Ledger()
    instruments = Instruments(outage)

    last = [instruments.export(step) for step in simulate(outage, ledger)][-1]

    counted = sum(point.count for each in last.resource_metrics for scope in each.scope_metrics
                  for metric in scope.metrics if metric.name == "http.server.request.duration"
                  for point in metric.histogram.data_points
                  if any(label.value.string_value == "/carts/{cart_id}" for label in point.attributes))
    assert counted == sum(count for (journey, _), count in ledger.requests.items() if journey == "cart") > 50_000
