"""When a measure leaves its baseline, and when it is back."""

import numpy as np
import pytest

from services.detection.anomalies import Anomalies, Moves, Thresholds


def judge(anomalies: Anomalies, at_s: float, z: float, *, matters: bool = True, affected: float = 100.0,
          missed: float = 0.0) -> Moves:
    return anomalies.judge(np.zeros(1, np.int64), np.array([at_s]), np.array([z]), np.array([matters]),
                           np.array([affected]), np.array([missed]))


def test_one_huge_departure_is_enough() -> None:
    moves = judge(Anomalies(1), 60.0, 40.0)

    assert moves.entered[0]
    assert moves.evidence[0] >= Thresholds().certainty


def test_several_clear_departures_add_up_and_the_onset_is_the_first() -> None:
    anomalies = Anomalies(1)

    entered = [bool(judge(anomalies, 60.0 * minute, 4.5).entered[0]) for minute in range(1, 5)]

    assert entered.index(True) >= 1
    assert anomalies.onset[0] == 60.0


def test_departure_too_small_to_matter_never_enters() -> None:
    anomalies = Anomalies(1)

    assert not any(judge(anomalies, 60.0 * minute, 40.0, matters=False).entered[0] for minute in range(10))


def test_few_affected_requests_do_not_enter() -> None:
    assert not judge(Anomalies(1), 60.0, 40.0, affected=3.0).entered[0]


def test_back_after_two_intervals_inside_from_the_first_of_them() -> None:
    anomalies = Anomalies(1)
    judge(anomalies, 60.0, 40.0)

    left = [bool(judge(anomalies, 60.0 * minute, z).left[0]) for minute, z in ((2, 1.0), (3, 30.0), (4, 1.0), (5, 0.5))]

    assert left == [False, False, False, True]
    assert anomalies.inside_since[0] == 240.0


def test_warming_up_says_nothing() -> None:
    moves = judge(Anomalies(1), 60.0, np.nan)

    assert moves.evidence[0] == 0.0
    assert not moves.rising[0]


def test_suspicion_fades_over_a_gap() -> None:
    anomalies = Anomalies(1)
    judge(anomalies, 60.0, 5.0, affected=0.0)

    moves = judge(anomalies, 3600.0, 0.0, missed=58.0)

    assert moves.evidence[0] == 0.0


def test_surprise_grows_with_distance() -> None:
    anomalies = Anomalies(8)
    distance = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 8.0, 20.0, 60.0])
    many = np.arange(8)

    surprise = anomalies.judge(many, np.full(8, 60.0), distance, np.ones(8, bool), np.ones(8), np.zeros(8)).surprise

    assert (np.diff(surprise) > 0).all()
    assert surprise[3] == pytest.approx(2.0)
