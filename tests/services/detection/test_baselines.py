"""What counts as normal, value by value."""

import pickle

import numpy as np
import numpy.typing as npt
import pytest

from services.detection.baselines import INSIDE, OUT, SUSPECT, Baselines, Judgement
from services.detection.profiles import WARM_UP

Floats = npt.NDArray[np.float64]


def follow(baselines: Baselines, values: Floats, *, begin: int = 0, step_s: float = 60.0,
           out: int = INSIDE) -> list[float]:
    """z of each value of one measure."""
    row = np.zeros(1, np.int64)
    return [float(baselines.observe(row, np.array([(begin + place) * step_s]), np.array([value]), np.zeros(1),
                                    np.array([out])).z[0]) for place, value in enumerate(values.tolist())]


def noise(count: int, seed: int = 1) -> Floats:
    return 50.0 + np.random.default_rng(seed).standard_normal(count)


def test_nothing_is_judged_while_warming_up() -> None:
    found = follow(Baselines(1), noise(WARM_UP + 5))

    assert np.isnan(found[:WARM_UP]).all()
    assert not np.isnan(found[WARM_UP:]).any()


@pytest.mark.parametrize("count", [15, 40, 200, 1000])
def test_departure_of_ten_deviations_is_seen_at_any_age(count: int) -> None:
    baselines = Baselines(1)
    follow(baselines, noise(count))

    [z] = follow(baselines, np.array([60.0]), begin=count)

    assert 4.0 < z < 20.0


def test_normal_noise_seldom_goes_beyond_four_spreads() -> None:
    values = np.random.default_rng(1).standard_normal((150, 400))
    baselines, rows, still = Baselines(400), np.arange(400), np.zeros(400, np.bool_)
    found = np.array([baselines.observe(rows, np.full(400, 60.0 * place), x, np.zeros(400), still).z
                      for place, x in enumerate(values)])

    assert np.nanmean(np.abs(found) > 4.0) < 0.002


def test_one_outlier_moves_the_baseline_little() -> None:
    baselines = Baselines(1)
    follow(baselines, noise(300))
    follow(baselines, np.array([5000.0]), begin=300)

    row = np.zeros(1, np.int64)
    judged = baselines.observe(row, np.array([301 * 60.0]), np.array([50.0]), np.zeros(1), np.zeros(1, np.bool_))

    assert abs(float(judged.expected[0]) - 50.0) < 4.0


def test_measure_that_is_out_is_learnt_ten_times_slower() -> None:
    calm, out = Baselines(1), Baselines(1)
    for each in (calm, out):
        follow(each, noise(300))
    follow(calm, np.full(10, 58.0), begin=300)
    follow(out, np.full(10, 58.0), begin=300, out=SUSPECT)

    assert follow(out, np.array([58.0]), begin=310)[0] > 2 * abs(follow(calm, np.array([58.0]), begin=310)[0])


def test_measure_that_is_surely_out_teaches_nothing_for_as_long_as_it_was_known() -> None:
    baselines = Baselines(1)
    follow(baselines, noise(120))

    held = follow(baselines, np.full(115, 80.0), begin=120, out=OUT)
    later = follow(baselines, np.full(60, 80.0), begin=235, out=OUT)

    assert held[-1] == pytest.approx(held[0], rel=0.05)  # the range goes on being learnt
    assert later[-1] < 0.9 * held[0]


def test_measure_that_was_hardly_known_is_not_held_to_it() -> None:
    baselines = Baselines(1)
    follow(baselines, noise(30))

    found = follow(baselines, np.full(25, 80.0), begin=30, out=OUT)

    assert found[-1] < 0.7 * found[0]


def test_missed_periods_are_counted_and_repeated_times_are_harmless() -> None:
    baselines = Baselines(1)
    row, still = np.zeros(1, np.int64), np.zeros(1, np.bool_)
    missed = [float(baselines.observe(row, np.array([at]), np.array([1.0]), np.zeros(1), still).missed[0])
              for at in (0.0, 60.0, 120.0, 120.0, 180.0, 420.0)]

    assert missed == [0.0, 0.0, 0.0, 0.0, 0.0, 3.0]


def test_step_of_the_resolution_is_three_spreads() -> None:
    baselines = Baselines(1)
    values = np.full(500, 7.0)
    values[200] = 8.0
    follow(baselines, values)

    [z] = follow(baselines, np.array([8.0]), begin=500)

    assert z == pytest.approx(3.0, rel=0.1)


def test_same_hour_of_other_days_explains_what_the_last_minutes_do_not() -> None:
    baselines = Baselines(1)
    day = np.where(np.arange(288) == 100, 90.0, 50.0)
    values = np.tile(day, 4) + np.random.default_rng(2).standard_normal(4 * 288)

    found = follow(baselines, values, step_s=300.0)

    assert abs(found[288 + 100]) > 20.0 or abs(found[100]) > 20.0
    assert abs(found[3 * 288 + 100]) < 4.0


def test_measures_judged_together_and_in_parts_agree() -> None:
    size, chance = 5000, np.random.default_rng(3)
    together, apart = Baselines(size), Baselines(size)
    rows, still = np.arange(size), np.zeros(size, np.bool_)
    for step in range(14):
        x, at = chance.standard_normal(size), np.full(size, 60.0 * step)
        whole = together.observe(rows, at, x, np.zeros(size), still)
        parts = [apart.observe(rows[part], at[part], x[part], np.zeros(len(x[part])), still[part])
                 for part in (slice(0, 7), slice(7, 4500), slice(4500, size))]
        assert np.array_equal(whole.z, np.concatenate([each.z for each in parts]), equal_nan=True)


def test_kept_and_taken_up_again_it_goes_on_the_same() -> None:
    values = noise(60)
    baselines = Baselines(1)
    follow(baselines, values[:30])
    again: Baselines = pickle.loads(pickle.dumps(baselines))

    assert follow(baselines, values[30:], begin=30) == follow(again, values[30:], begin=30)


def test_room_for_more_keeps_what_is_known() -> None:
    grown, whole = Baselines(1), Baselines(1)
    for each in (grown, whole):
        follow(each, noise(50))
    grown.grow(100)

    assert follow(grown, noise(20, 4), begin=50) == follow(whole, noise(20, 4), begin=50)


def test_state_of_a_measure_fits_in_two_kilobytes() -> None:
    assert Baselines(3).bytes_per_measure < 1900


def test_judgement_has_one_entry_a_value() -> None:
    judged: Judgement = Baselines(4).observe(np.array([1, 3]), np.zeros(2), np.ones(2), np.zeros(2), np.zeros(2, bool))

    assert judged.z.shape == judged.expected.shape == judged.spread.shape == judged.missed.shape == (2,)
