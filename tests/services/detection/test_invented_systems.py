"""The physics of invented systems: a fault shows where it is and in those that wait for it, and nowhere else."""

import pytest

from tests.eval.invented_systems import KINDS, Fault, Service, System, minutes

SHOP = System("shop", {"web": {"cart": 1.0, "help": 0.1}, "cart": {"stock": 2.0}}, {"web": 20.0},
              {"web": 0.005, "cart": 0.02, "help": 0.03, "stock": 0.01})


def at(kind: str, service: str = "stock") -> tuple[dict[str, Service], dict[str, Service]]:
    """A minute before the fault, and one of it."""
    told = list(minutes(SHOP, Fault(service, kind, range(2, 4)), 4, seed=3))
    return told[1], told[3]


def test_callers_come_before_those_that_they_call() -> None:
    assert SHOP.services.index("web") < SHOP.services.index("cart") < SHOP.services.index("stock")


def test_same_seed_tells_the_same() -> None:
    assert at("cpu") == at("cpu")


def test_slowness_and_failures_travel_to_callers_only() -> None:
    before, during = at("latency")
    assert during["web"].latency_s > before["web"].latency_s + 0.5
    assert during["help"].latency_s < 1.5 * before["help"].latency_s

    _, during = at("code-exception")
    assert during["web"].failing > 0.3
    assert during["help"].failing < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_something_in_its_service_or_on_the_way_to_it(kind: str) -> None:
    before, during = at(kind, "web" if kind == "traffic" else "cart")
    one, other = (minute["web" if kind == "traffic" else "cart"] for minute in (before, during))

    assert any(_moved(getattr(one, name), getattr(other, name)) for name in (
        "requests", "failing", "own_s", "way_s", "cpu", "memory", "disk", "pool", "restarts")) or \
        other.asked["stock"] < 0.1 * one.asked["stock"]


def _moved(before: float, now: float) -> bool:
    return abs(now - before) > 0.5 * abs(before)
