"""The day of a measure."""

import numpy as np

from services.detection import profiles
from services.detection.baselines import Baselines
from services.detection.profiles import BINS, DAY_S

MONDAY_S = 4 * DAY_S


def live(baselines: Baselines, days: int, value: float, residual: float = 0.0, *, begin: int = 0) -> None:
    """Days of five-minute values, all the same but for what the caller makes of bin 100."""
    for place in range(begin * BINS, (begin + days) * BINS):
        is_special = place % BINS == 100
        profiles.learn(baselines.state[0], baselines.values[0], baselines.busy[0], MONDAY_S + place * 300.0,
                       value + 50.0 * is_special, place, np.inf, 1.0, residual * is_special, 300.0, 1.0)


def at_bin(baselines: Baselines, day: int, place: int) -> tuple[float, float, bool]:
    """Highest expected beside a bin, largest usual residual, and whether anything is known."""
    is_known, _, _, high, busy = profiles.season(baselines.state[0], baselines.values[0], baselines.busy[0],
                                                 MONDAY_S + day * DAY_S + place * 300.0, 300.0)
    return high, busy, is_known


def test_season_is_known_after_a_day_and_has_its_peak() -> None:
    baselines = Baselines(1)
    live(baselines, 1, 10.0)
    assert not at_bin(baselines, 0, 287)[2]
    live(baselines, 1, 10.0, begin=1)

    assert at_bin(baselines, 2, 100) == (60.0, 0.0, True)
    assert at_bin(baselines, 2, 200)[0] == 10.0


def test_weekend_that_was_not_seen_is_taken_from_working_days() -> None:
    baselines = Baselines(1)
    live(baselines, 2, 10.0)

    assert at_bin(baselines, 5, 100)[0] == 60.0


def test_restless_time_of_day_is_remembered_beside_it_too_and_not_elsewhere() -> None:
    baselines = Baselines(1)
    live(baselines, 3, 10.0, residual=6.0)

    assert [place for place in range(90, 110) if at_bin(baselines, 3, place)[1] > 3.0] == [99, 100, 101]


def test_one_large_residual_is_believed_by_a_part_only() -> None:
    baselines = Baselines(1)
    live(baselines, 1, 10.0, residual=1000.0)

    assert 0.0 < at_bin(baselines, 1, 100)[1] < 10.0


def test_profile_that_began_with_nothing_takes_in_any_range() -> None:
    baselines = Baselines(1)
    live(baselines, 1, 0.0)
    live(baselines, 3, 1e6, begin=1)

    assert abs(at_bin(baselines, 4, 200)[0] - 1e6) < 3e5
    assert abs(at_bin(baselines, 4, 100)[0] - at_bin(baselines, 4, 200)[0] - 50.0) < 1e3
