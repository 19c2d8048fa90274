"""How surely a series left its baseline: chance of its own, of its namesakes, and levels that are as good as full."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.drafting.hypotheses.departures import departures, lasting
from services.drafting.observations import SeriesWindow
from tests.services.drafting.hypotheses.observed import series


def certainty(*group: SeriesWindow) -> float:
    return departures(group)[0].certainty


def with_spikes(service: str, spikes: int, now: float) -> SeriesWindow:
    """A series that stands at 1 and jumps to 50 for two values, so many times."""
    values = np.ones(120)
    for spike in range(spikes):
        values[10 * spike + 3: 10 * spike + 5] = 50.0
    return SeriesWindow(service=service, metric_name="latency.p99", unit="s", values=(now,) * 5, baseline_median=1.0,
                        baseline_spread=0.0, baseline_points=120, baseline_values=tuple(values))


def test_a_level_that_never_occurred_before_is_certain() -> None:
    assert certainty(series("shop", "latency", before=0.1, now=2.0)) == pytest.approx(1.0)


def test_a_level_within_the_usual_swing_is_nothing() -> None:
    assert certainty(series("shop", "latency", before=0.1, now=0.104)) == 0.0


def test_a_single_value_does_not_last() -> None:
    assert lasting(np.array([1.0, 1.0, 90.0, 1.0, 1.0]), 1.0) == 1.0


def test_two_values_last() -> None:
    assert lasting(np.array([1.0, 80.0, 90.0, 1.0, 1.0]), 1.0) == 80.0


def test_a_jump_that_the_series_makes_in_quiet_times_is_chance() -> None:
    assert certainty(with_spikes("shop", spikes=8, now=50.0)) == 0.0


def test_a_jump_that_namesakes_make_in_quiet_times_is_less_certain() -> None:
    alone = certainty(with_spikes("shop", spikes=0, now=50.0))
    among = certainty(with_spikes("shop", spikes=0, now=50.0),
                      *(with_spikes(f"other-{number}", spikes=4, now=1.0) for number in range(9)))

    assert among < 0.5 * alone


def test_a_processor_that_is_full_for_the_first_time_is_certain_although_it_was_busy() -> None:
    others = [series(f"other-{number}", "cpu.utilization", unit="%", before=20, now=20) for number in range(9)]

    assert certainty(series("shop", "cpu.utilization", unit="%", before=60, now=99, noise=0.3), *others) > 0.9


def test_too_few_values_before_say_nothing() -> None:
    assert departures([series("shop", "latency", before=0.1, now=2.0, points=3)]) == ()


@given(st.floats(min_value=0.001, max_value=1000.0))
def test_the_unit_of_a_series_does_not_matter(factor: float) -> None:
    plain = certainty(series("shop", "things", before=1.0, now=1.4, noise=0.2))
    scaled = certainty(series("shop", "things", before=factor, now=1.4 * factor, noise=0.2))

    assert scaled == pytest.approx(plain, abs=1e-6)
