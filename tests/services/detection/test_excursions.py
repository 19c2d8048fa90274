"""How evidence becomes a rate of false alarms."""

from typing import Any

from services.detection import excursions
from services.detection.anomalies import Anomalies

DAY_S = 86400.0


def watched(peaks_a_day: int, days: int, peak: float, *, is_course: bool = True) -> Any:
    """A measure that was followed for some days, with so many excursions each."""
    own = Anomalies(1).state[0]
    own["is_course"] = is_course
    for minute in range(0, days * 1440, 10):
        is_peak = peaks_a_day and (minute % (1440 // peaks_a_day)) < 10
        excursions.learn(own, minute * 60.0, peak if is_peak else 0.0, True)
    return own


def strength(own: Any, evidence: float) -> float:
    return excursions.strength(own, evidence)


def test_evidence_of_a_new_golden_signal_stays_as_it_is() -> None:
    assert strength(Anomalies(1).state[0], 6.0) == 6.0


def test_series_that_was_quiet_for_long_needs_less() -> None:
    assert strength(watched(0, 10, 0.0), 3.0) > strength(watched(4, 10, 1.5), 3.0)


def test_restless_series_needs_more() -> None:
    assert strength(watched(8, 10, 2.5), 4.0) < 4.0


def test_golden_signal_never_needs_less_than_the_prior_asks() -> None:
    assert strength(watched(0, 20, 0.0, is_course=False), 5.0) == 5.0


def test_large_excursions_of_every_day_are_usual_for_a_course() -> None:
    saw = watched(2, 10, 50.0)

    assert strength(saw, 50.0) < 6.0
    assert strength(saw, 200.0) >= 6.0


def test_failures_that_return_every_day_stay_failures_of_a_golden_signal() -> None:
    assert strength(watched(2, 10, 50.0, is_course=False), 50.0) > 6.0


def test_one_failure_does_not_teach_that_it_is_usual() -> None:
    own = watched(0, 10, 0.0)
    excursions.learn(own, 10 * DAY_S, 150.0, True)

    assert strength(own, 10.0) > 6.0


def test_strength_grows_with_evidence() -> None:
    own = watched(3, 5, 2.0)

    found = [strength(own, each) for each in (0.0, 0.2, 0.4, 1.0, 2.0, 5.0, 20.0, 150.0)]

    assert found == sorted(found)
    assert found[0] == 0.0
