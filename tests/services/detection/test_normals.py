"""What was normal when a measure began to leave it."""

import numpy as np

from services.detection.baselines import NEW_NORMAL_S
from services.detection.normals import FAILURE_S, Normals

ROWS, NONE = np.array([0, 1]), np.zeros(2)


def compared(at_s: float, *, noise: float = 0.0, is_failure: bool = False) -> tuple[list[float], list[float]]:
    """z and what is expected of two measures at 8 that learnt to expect 7.5; the first is compared with what was kept
    of it at 0: 2, with a spread of 1."""
    normals = Normals(2)
    normals.keep(np.array([0]), np.array([0.0]), np.array([2.0]), np.array([1.0]))
    z, expected = normals.compared(ROWS, np.full(2, at_s), np.full(2, 8.0), np.full(2, noise), np.full(2, 0.5),
                                   np.full(2, 7.5), np.array([True, False]), np.full(2, is_failure))
    return z.tolist(), expected.tolist()


def test_measure_is_compared_with_what_was_normal_before_it_left() -> None:
    assert compared(1800) == ([6.0, 0.5], [2.0, 7.5])


def test_fewer_requests_than_then_leave_more_doubt() -> None:
    assert compared(1800, noise=3.0)[0] == [2.0, 0.5]


def test_after_hours_the_learnt_baseline_has_the_word_again() -> None:
    assert compared(NEW_NORMAL_S + 60) == ([0.5, 0.5], [7.5, 7.5])


def test_share_of_failures_is_no_new_normal_for_a_day() -> None:
    assert compared(NEW_NORMAL_S + 60, is_failure=True)[0] == [6.0, 0.5]
    assert compared(FAILURE_S + 60, is_failure=True)[0] == [0.5, 0.5]


def test_without_anything_kept_nothing_changes() -> None:
    z, expected = Normals(2).compared(ROWS, NONE, NONE, NONE, np.ones(2), NONE, np.ones(2, np.bool_),
                                      np.zeros(2, np.bool_))

    assert (z.tolist(), expected.tolist()) == ([1.0, 1.0], [0.0, 0.0])
