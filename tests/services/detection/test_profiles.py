"""The day of a measure."""

import numpy as np

from services.detection.profiles import BINS, DAY_S, Lesson, Profiles

ROW = np.zeros(1, np.int64)
MONDAY_S = 4 * DAY_S


def live(profiles: Profiles, days: int, value: float, residual: float = 0.0, *, begin: int = 0) -> None:
    """Days of five-minute values, all the same but for what the caller makes of bin 100."""
    for place in range(days * BINS):
        at = np.array([MONDAY_S + (begin * BINS + place) * 300.0])
        season = profiles.season(ROW, at, np.array([300.0]))
        is_special = place % BINS == 100
        count = np.array([begin * BINS + place], np.int32)
        profiles.learn(ROW, at, np.array([value + 50.0 * is_special]), season, count, Lesson(
            bound=np.array([np.inf]), quick=np.zeros(1), steady=np.zeros(1), rate=np.ones(1),
            residual=np.array([residual * is_special]), period=np.array([300.0]), unit=np.ones(1)))


def at_bin(profiles: Profiles, day: int, place: int) -> tuple[float, float, bool]:
    season = profiles.season(ROW, np.array([MONDAY_S + day * DAY_S + place * 300.0]), np.array([300.0]))
    return float(season.high[0]), float(season.busy[0]), bool(season.known[0])


def test_season_is_known_after_a_day_and_has_its_peak() -> None:
    profiles = Profiles(1)
    live(profiles, 1, 10.0)
    assert not at_bin(profiles, 0, 287)[2]
    live(profiles, 1, 10.0, begin=1)

    assert at_bin(profiles, 2, 100) == (60.0, 0.0, True)
    assert at_bin(profiles, 2, 200)[0] == 10.0


def test_weekend_that_was_not_seen_is_taken_from_working_days() -> None:
    profiles = Profiles(1)
    live(profiles, 2, 10.0)

    assert at_bin(profiles, 5, 100)[0] == 60.0


def test_restless_time_of_day_is_remembered_beside_it_too_and_not_elsewhere() -> None:
    profiles = Profiles(1)
    live(profiles, 3, 10.0, residual=6.0)

    assert [place for place in range(90, 110) if at_bin(profiles, 3, place)[1] > 3.0] == [99, 100, 101]


def test_one_large_residual_is_believed_by_a_part_only() -> None:
    profiles = Profiles(1)
    live(profiles, 1, 10.0, residual=1000.0)

    assert 0.0 < at_bin(profiles, 1, 100)[1] < 10.0
