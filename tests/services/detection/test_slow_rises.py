"""Error shares that creep up, as no baseline of the last minutes can tell."""

import numpy as np

from services.detection.slow_rises import SlowRises

ROW = np.array([0])


def course(shares: list[float], *, requests: float = 600.0) -> list[float]:
    """How far away each minute's share is held to be."""
    rises = SlowRises(1)
    return [float(rises.observe(ROW, np.array([60.0 * (minute + 1)]), np.array([share]), np.array([requests]))[0][0])
            for minute, share in enumerate(shares)]


def test_share_that_creeps_up_is_away_before_it_has_trebled_the_least_effect() -> None:
    quiet, rising = [0.001] * 600, [0.001 + 0.04 * minute / 60 for minute in range(60)]

    away = course(quiet + rising)

    assert max(away[:600]) < 0.5
    assert next(minute for minute, z in enumerate(away[600:]) if z > 3.0) < 40


def test_usual_share_is_that_of_the_long_run_until_a_new_one_has_lasted_for_hours() -> None:
    away = course([0.001] * 600 + [0.05] * 400)

    assert away[620] > 3.0
    assert away[600 + 170] > 3.0
    assert away[-1] < 1.0


def test_nothing_is_said_in_the_first_hour() -> None:
    assert max(course([0.001] * 30 + [0.5] * 29)) == 0.0


def test_service_whose_share_strays_by_itself_needs_more() -> None:
    chance = np.random.default_rng(1)
    steady = course([0.01] * 1200 + [0.03] * 20)
    restless = course([*(float(0.01 * chance.gamma(0.3, 1 / 0.3)) for _ in range(1200)), *[0.03] * 20])

    assert restless[-1] < steady[-1]


def test_few_requests_say_little() -> None:
    assert course([0.0] * 600 + [0.2] * 3, requests=5.0)[-1] < course([0.0] * 600 + [0.2] * 3)[-1]
