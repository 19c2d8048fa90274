"""Objectives: what a line says, when its budget burns too fast, and what is spent of it."""

import numpy as np
import pytest

from services.detection.alignment import Interval
from services.detection.burn import PAIRS, Burn, Burns
from services.detection.objectives import Objective, objectives
from services.detection.series import Measure, Reading, Signal

SHARE = Measure("shop", "", Signal.ERRORS, "error share of requests", "share", Reading.SHARE)


def interval(minute: int, total: float, share: float) -> Interval:
    return Interval(minute, np.array([0]), np.array([share]), np.array([total]), np.array([60.0 * minute]),
                    np.array([60.0 * (minute + 1)]))


def burnt(line: str, shares: list[float], total: float = 1000.0) -> tuple[Burns, list[tuple[int, Burn]]]:
    """What turned in which minute; nothing is reported where the share is negative."""
    burns, found = Burns(objectives([line]), 60), []
    for minute, share in enumerate(shares):
        told = interval(minute, total, share)
        if share < 0:
            told = Interval(minute, *(np.zeros(0, kind) for kind in (np.int64, *[np.float64] * 4)))
        found += [(minute, each) for each in burns.observe(told, [SHARE], 60.0 * (minute + 1))]
    return burns, found


def test_line_says_service_target_limit_and_period() -> None:
    first, second = objectives(["checkout-api availability 99.95% 28d", "search latency 300ms 99%"])

    assert (first.service, first.target, first.period.days) == ("checkout-api", 0.9995, 28)
    assert (second.limit_s, second.target) == (0.3, 0.99)
    assert second.text == "99 % of requests to search are answered within 300 ms, over 30 days"


@pytest.mark.parametrize("line", ["shop", "shop availability 99", "shop latency 99%", "shop availability 100%"])
def test_line_that_cannot_be_read_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=line):
        objectives([line])


def test_hour_at_twenty_times_the_budget_fires_within_the_hour_and_ends_minutes_after_it() -> None:
    _, found = burnt("shop availability 99.9%", [0.0] * 120 + [0.02] * 60 + [0.0] * 30)

    fast = [(minute, burn.is_firing) for minute, burn in found if burn.windows == PAIRS[0]]
    # 14.4 of 20 times the budget are reached after 44 of 60 minutes; the window of five minutes forgets within five.
    assert fast == [(163, True), (181, False)]


def test_blip_fires_nothing_though_the_window_is_young() -> None:
    _, found = burnt("shop availability 99.9%", [0.05, 0.05] + [0.0] * 10)

    assert found == []


def test_few_bad_requests_are_no_burn() -> None:
    _, found = burnt("shop availability 99.9%", [0.0] * 60 + [0.5] * 30, total=0.5)

    assert found == []


def test_silence_is_no_success_and_no_failure() -> None:
    burns, _ = burnt("shop availability 99%", [0.0] * 60 + [0.1] * 10 + [-1.0] * 20)
    [course] = burns.of(["shop"])

    assert course.rate(1800.0)[1] == pytest.approx(0.1)


def test_incident_spends_the_share_of_the_budget_that_failed_since_its_onset() -> None:
    burns, _ = burnt("shop availability 99% 30d", [0.0] * 100 + [0.2] * 10)
    [course] = burns.of(["shop"])

    # 2000 bad requests; 1000 a minute over thirty days leave 432,000 to fail.
    assert course.consumed(course.mark(100 * 60.0)) == pytest.approx(2000 / 432_000, rel=1e-6)
    assert course.consumed(course.mark(105 * 60.0)) == pytest.approx(1000 / 432_000, rel=1e-6)


def test_target_leaves_a_budget() -> None:
    assert Objective("shop", 0.999).budget == pytest.approx(0.001)
