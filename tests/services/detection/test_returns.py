"""The way back from a time that was better than usual."""

import numpy as np

from services.detection.returns import KEPT_S, UNDISTURBED_S, Returns

ROW, SPREAD = np.array([0]), np.array([1.0])
DAY_S = 86400.0


def excused(returns: Returns, at_s: float, x: float, expected: float, *, direction: float = 1.0, out: bool = False
            ) -> float:
    """z of a value, after its excuse."""
    z, _ = returns.excused(ROW, np.array([at_s]), np.array([x]), np.array([expected]), SPREAD,
                           np.array([x - expected]), np.array([direction]), np.array([out]))
    return float(z[0])


def improved(*, at_s: float = DAY_S, direction: float = 1.0) -> Returns:
    """Of a level of 50 that leapt to 50 less 20 in the good direction."""
    returns = Returns(1)
    for time_s in (0.0, at_s - 60):
        excused(returns, time_s, 50.0, 50.0, direction=direction)
    excused(returns, at_s, 50.0 - 20 * direction, 50.0, direction=direction)
    return returns


def test_return_to_the_level_that_was_left_is_none_and_beyond_it_counts_from_there() -> None:
    assert excused(improved(), DAY_S + 3600, 50.0, 30.0) == 0.0
    assert excused(improved(), DAY_S + 3600, 57.0, 30.0) == 7.0


def test_traffic_that_rose_may_fall_back() -> None:
    assert excused(improved(direction=-1.0), DAY_S + 3600, 50.0, 70.0, direction=-1.0) == 0.0
    assert excused(improved(direction=-1.0), DAY_S + 3600, 40.0, 70.0, direction=-1.0) == -10.0


def test_level_is_kept_for_a_day() -> None:
    assert excused(improved(), DAY_S + KEPT_S + 60, 50.0, 30.0) == 20.0


def test_leap_that_did_not_last_leaves_nothing() -> None:
    returns = improved()
    excused(returns, DAY_S + 1200, 50.0, 49.0)

    assert excused(returns, DAY_S + 1260, 60.0, 49.5) == 10.5


def test_end_of_a_failure_is_no_leap_for_the_better() -> None:
    returns = Returns(1)
    excused(returns, 0.0, 30.0, 30.0)
    excused(returns, DAY_S, 50.0, 30.0, out=True)
    excused(returns, DAY_S + UNDISTURBED_S / 2, 30.0, 50.0)

    assert excused(returns, DAY_S + UNDISTURBED_S, 50.0, 30.0) == 20.0


def test_what_has_no_bad_direction_or_is_not_judged_yet_stays_as_it_is() -> None:
    returns = improved()

    assert excused(returns, DAY_S + 60, 60.0, 30.0, direction=0.0) == 30.0
    z, _ = returns.excused(ROW, np.array([DAY_S]), SPREAD, SPREAD, SPREAD, np.array([np.nan]), SPREAD,
                           np.array([False]))
    assert np.isnan(z[0])
