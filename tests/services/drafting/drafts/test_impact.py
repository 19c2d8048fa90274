"""What an incident cost, with the arithmetic: what fails anyway is taken off, other operations stay apart."""

import pytest

from services.drafting.case import Objective, Policy
from services.drafting.drafts.failures import failures
from services.drafting.drafts.impact import impact
from services.drafting.requests import Requests
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case


def counted(*, failed: float, total: float, failed_before: float, total_before: float) -> tuple[Requests, ...]:
    def one(status: str, now: float, before: float) -> Requests:
        return Requests(
            "orders", "POST /baskets", status, status == "500", now, before, 20.0, 60.0, (f"series/{status}",))

    return one("200", total - failed, total_before - failed_before), one("500", failed, failed_before)


def test_failures_at_the_baselines_share_are_taken_off() -> None:
    found = failures(counted(failed=340, total=1000, failed_before=10, total_before=1000))

    assert found is not None
    assert (found.counted, found.expected, found.above) == (340, 10, 330)
    assert found.uncertainty == pytest.approx(1.96 * (10 + 10) ** 0.5)


def test_nothing_counted_is_unknown_and_not_zero() -> None:
    desk = case(without="series", events=[])
    bare = case(without="operation", policy=Policy())

    assert failures(()) is None
    assert failures(counted(failed=0, total=0, failed_before=0, total_before=0)) is None
    assert impact(desk).cost is None and impact(bare).failed_requests is not None


def test_arithmetic_stands_in_the_text() -> None:
    cost = impact(case())

    assert cost.failed_requests == pytest.approx(2300 - 20700 / 36030 * 30, rel=0.01)
    assert any("2,300 - 17.2 = 2,283" in said.text for said in cost.statements)


def test_only_operations_with_a_value_cost_money() -> None:
    browsing = recorded.requests("500", operation="/products", per_minute=500.0, before=1.0)

    cost = impact(case(policy=Policy(operation_values={"POST /baskets": 50.0}), extra=(browsing,)))

    assert cost.cost is not None and cost.cost == pytest.approx(50 * 2283, rel=0.02)
    [said] = [one.text for one in cost.statements if "USD" in one.text]
    assert said.startswith("POST /baskets: 2,300 failed - ") and "× USD 50 each" in said


def test_without_a_value_no_cost_is_told() -> None:
    assert impact(case()).cost is None


@pytest.mark.parametrize(("target", "verdict"), [(0.995, "is not violated"), (0.99999, "violates the objective")])
def test_objective_is_judged_by_its_budget(target: float, verdict: str) -> None:
    cost = impact(case(policy=Policy(objective=Objective(target=target))))

    assert cost.budget_consumed is not None and (cost.budget_consumed >= 1) == (verdict == "violates the objective")
    assert any(verdict in said.text for said in cost.statements)


def test_sampled_spans_say_that_they_are() -> None:
    cost = impact(case(without="series"))

    assert any("traces are sampled" in said.text for said in cost.statements)
    assert cost.cost is None and cost.budget_consumed is None
