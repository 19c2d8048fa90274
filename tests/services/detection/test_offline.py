"""What a team would have been paged for, by the course of a series alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detection.anomalies import Anomalies
from services.detection.baselines import Baselines
from services.detection.offline import Opened, Recorded, replay, replay_all
from services.detection.tuning import Tuning
from tests.services.detection.courses import DAY, MONDAY_S, Floats, every, opened, replayed, seasonal


def _spike() -> Floats:
    values = seasonal(8)
    values[6 * DAY + 100:6 * DAY + 106] += 40.0
    return values


def _part(begin: int, end: int, value: float, days: int = 10) -> Floats:
    values = seasonal(days)
    values[begin:end] = value
    return values


def _summer_time() -> Floats:
    """Local habits move by an hour in UTC: from one day to the next the season comes twelve rows earlier."""
    turn = 2 * np.pi * np.arange(14 * DAY) / DAY
    moved = np.where(np.arange(14 * DAY) >= 8 * DAY, np.sin(turn + 2 * np.pi * 12 / DAY), np.sin(turn))
    return seasonal(14) + 30.0 * (moved - np.sin(turn))


def _weekends() -> Floats:
    days, place = np.divmod(np.arange(14 * DAY), DAY)
    ease = np.interp(place, [0, 24, DAY - 24, DAY], [0.0, 1.0, 1.0, 0.0])
    return seasonal(14) - 25.0 * ease * (days % 7 >= 5)


def _nightly() -> Floats:
    return seasonal(14) + 50.0 * (np.abs(np.arange(14 * DAY) % DAY - 43) < 3)


def _sawtooth() -> Floats:
    chance = np.random.default_rng(5)
    values = np.concatenate([np.linspace(20.0, 80.0, length) for length in chance.integers(120, 220, 24)])
    return values + 0.3 * chance.standard_normal(len(values))


def _ticks() -> Floats:
    values = np.full(10 * DAY, 150.0)
    values[[400, 900, 1500, 2222]] = 151.0
    return values


COURSES: dict[str, Floats] = {
    "spike": _spike(), "fall": _part(6 * DAY + 100, 6 * DAY + 112, 5.0, 8), "gap": _part(7 * DAY, 7 * DAY + 60, np.nan),
    "zeros": _part(7 * DAY, 7 * DAY + 30, 0.0), "away": _part(5 * DAY, 8 * DAY, np.nan),
    "first day": _part(150, 200, 300.0, 6), "summer time": _summer_time(), "weekends": _weekends(),
    "nightly": _nightly(), "sawtooth": _sawtooth(), "ticks": _ticks(),
    **{f"season {seed}": seasonal(14, seed) for seed in range(8)}}


@pytest.fixture(scope="module")
def found() -> dict[str, list[Opened]]:
    return {name: replay(Recorded(name, every(300.0, len(values)), values)).incidents
            for name, values in COURSES.items()}


def test_spike_on_a_season_is_one_incident_from_its_first_to_its_last_row(found: dict[str, list[Opened]]) -> None:
    [incident] = found["spike"]

    assert incident.start == 6 * DAY + 100
    assert incident.detected - incident.start <= 1
    assert incident.resolved == 6 * DAY + 106


def test_fall_counts_like_a_rise(found: dict[str, list[Opened]]) -> None:
    assert [each.start for each in found["fall"]] == [6 * DAY + 100]


def test_zeros_in_place_of_a_season_are_an_incident(found: dict[str, list[Opened]]) -> None:
    assert [each.start for each in found["zeros"]] == [7 * DAY]


@pytest.mark.parametrize("course", ["gap", "away", "first day", "summer time", "weekends", "ticks",
                                    *(f"season {seed}" for seed in range(8))])
def test_what_is_no_failure_opens_nothing(course: str, found: dict[str, list[Opened]]) -> None:
    assert found[course] == []


@pytest.mark.parametrize("course", ["nightly", "sawtooth"])
def test_what_comes_every_day_is_usual_after_some_days(course: str, found: dict[str, list[Opened]]) -> None:
    assert [each.start // DAY for each in found[course] if each.start >= 5 * DAY] == []


@pytest.mark.parametrize("length", [20, 120])
def test_failure_that_goes_on_does_not_become_the_normal(length: int) -> None:
    values = np.random.default_rng(1).normal(100.0, 4.0, 4032)
    values[3000:3000 + length] *= 3.0

    assert opened(values, step_s=60.0) == [(3000, 3000, 3000 + length)]


def test_short_recording_opens_after_a_fifth_of_its_length() -> None:
    values = 100.0 + np.random.default_rng(3).standard_normal(90)
    values[60:70] += 30.0

    [(start, _, resolved)] = opened(values, step_s=60.0)

    assert (start, resolved) == (60, 70)


def test_score_of_an_incident_stands_out_and_falls_after_it_was_told() -> None:
    values = seasonal(4)
    values[3 * DAY + 100:3 * DAY + 160] = 5.0

    scores = replayed(values).scores

    assert scores[3 * DAY + 100] >= 0.5
    assert scores[:3 * DAY + 100].max() < 0.5
    assert (scores[3 * DAY + 140:3 * DAY + 160] == 0.0).all()
    assert ((scores >= 0.0) & (scores <= 1.0)).all()


def test_scores_reach_a_half_exactly_where_an_incident_opens() -> None:
    values = seasonal(5, seed=4)
    values[3 * DAY + 10:3 * DAY + 13] += 40.0
    values[4 * DAY:4 * DAY + 20] -= 40.0

    told = replayed(values)

    assert {each.detected for each in told.incidents} <= set(np.flatnonzero(told.scores >= 0.5).tolist())
    assert len(told.incidents) == 2


@settings(max_examples=20, deadline=None)
@given(cut=st.integers(1, DAY + 90), seed=st.integers(0, 50))
def test_what_comes_later_changes_no_score_before(cut: int, seed: int) -> None:
    values = seasonal(2, seed)[:DAY + 100]
    values[DAY + 40:DAY + 49] += 40.0
    tuning = Tuning(settle_s=0.0)
    times = every(300.0, len(values))

    whole = replay(Recorded("x", times, values), tuning)
    part = replay(Recorded("x", times[:cut], values[:cut]), tuning)

    assert np.array_equal(whole.scores[:cut], part.scores)


def test_series_do_not_depend_on_what_is_replayed_beside_them() -> None:
    first, second = seasonal(2, 1), seasonal(1, 2)
    second[200:210] += 50.0
    times = every(300.0, len(first))
    both = [Recorded("a", times, first), Recorded("b", times[:len(second)] + 17.0, second)]

    together = {each.recorded.name: each for each in replay_all(both)}

    for each in both:
        alone = replay(each)
        assert np.array_equal(alone.scores, together[each.name].scores)
        assert alone.incidents == together[each.name].incidents


@pytest.mark.parametrize("block_rows", [1, 97, DAY, 10_000])
def test_where_blocks_end_does_not_matter(block_rows: int) -> None:
    values = seasonal(5, seed=4)
    values[3 * DAY + 10:3 * DAY + 13] += 40.0
    values[4 * DAY:4 * DAY + 20] -= 40.0
    recorded = Recorded("x", every(300.0, len(values)), values)
    done: list[int] = []

    whole, parts = replay(recorded), replay(recorded, progress=done.append, block_rows=block_rows)

    assert np.array_equal(whole.scores, parts.scores)
    assert np.array_equal(whole.z, parts.z, equal_nan=True)
    assert whole.incidents == parts.incidents
    assert sum(done) == len(values)


def test_what_is_replayed_is_what_live_detection_says_of_the_same_values() -> None:
    values = seasonal(3)
    values[2 * DAY + 100:2 * DAY + 110] += 40.0
    times = every(300.0, len(values))
    baselines, anomalies, row = Baselines(1), Anomalies(1), np.zeros(1, np.int64)
    anomalies.know_only_course()
    live = []
    for at, value in zip(times, values, strict=True):
        degree = anomalies.out.astype(np.int8) + anomalies.state["sure"]
        judged = baselines.observe(row, np.array([at]), np.array([value]), np.zeros(1), degree)
        anomalies.judge(row, np.array([at]), np.abs(judged.z), np.ones(1, np.bool_), np.full(1, np.inf), judged.missed)
        live.append(judged.z[0])

    assert np.array_equal(np.array(live, np.float32), replay(Recorded("x", times, values)).z, equal_nan=True)


def test_incident_that_is_not_over_has_no_end() -> None:
    values = seasonal(3)
    values[-5:] = 300.0

    [(start, _, resolved)] = opened(values, start_s=MONDAY_S)

    assert (start, resolved) == (3 * DAY - 5, -1)
