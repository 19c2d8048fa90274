"""Operations that are not called any more, while their service is busy as before."""

from collections.abc import Collection, Mapping

import numpy as np
import pytest

from services.detection.alignment import Interval
from services.detection.mix import FAMILY, Absences, Mix, missing
from services.detection.series import Measure, Reading, Signal

SERVICE = Measure("ads", "", Signal.EVIDENCE, FAMILY, "1/s", Reading.RATE)
OPERATIONS = tuple(Measure("ads", name, Signal.EVIDENCE, FAMILY, "1/s", Reading.RATE)
                   for name in ("get", "random", "new"))


def told(minutes: int, calls: Mapping[str, Collection[int]], *, per_minute: int = 40) -> list[tuple[int, Absences]]:
    """What is missing in each minute, when each operation is called in its minutes and the service always busy."""
    measures = [SERVICE, *OPERATIONS]
    shown = {missing(each): 10 + place for place, each in enumerate(OPERATIONS)}
    mix, chance, found = Mix(), np.random.default_rng(1), []
    mix.grow(measures, shown)
    for minute in range(minutes):
        counts = [float(chance.poisson(per_minute)) if minute in calls.get(each.operation, ()) else 0.0
                  for each in OPERATIONS]
        rows = [0, *(1 + place for place, count in enumerate(counts) if count)]
        values = [sum(counts), *(count for count in counts if count)]
        size = len(rows)
        interval = Interval(minute, np.array(rows), np.array(values), np.array(values), np.zeros(size),
                            np.full(size, 60.0 * (minute + 1)))
        absences = mix.judge(interval, 60.0 * (minute + 1))
        if absences is not None:
            found.append((minute, absences))
    return found


def test_operation_that_ceases_is_missing_from_its_first_minute_until_it_is_back() -> None:
    found = told(80, {"get": range(80), "random": (*range(60), *range(70, 80))})

    assert [minute for minute, _ in found] == list(range(60, 72))
    first, last = found[0][1], found[-1][1]
    assert first.rows.tolist() == [11]
    assert first.onset.tolist() == [3600.0]
    assert first.values.tolist() == [0.0]
    assert 0.4 < first.expected[0] < 0.6
    assert first.evidence[0] > 5
    assert last.left.tolist() == [True]
    assert last.inside_since.tolist() == [4200.0]


@pytest.mark.parametrize("calls", [
    {"get": range(80)},
    {"get": range(80), "random": range(30, 60)},  # a job that ran for half an hour, in a service that is older
    {"get": range(80), "random": range(10)},  # nobody knows yet whether it is steady
    {"get": range(80), "random": range(60), "new": range(60, 80)},  # renamed by a release
])
def test_what_may_be_as_it_should_is_not_missed(calls: Mapping[str, Collection[int]]) -> None:
    assert told(80, calls) == []


def test_service_that_is_silent_misses_nothing() -> None:
    assert told(80, {"get": range(60), "random": range(60)}) == []


def test_few_calls_say_nothing_until_enough_of_them_are_missing() -> None:
    found = told(80, {"get": range(80), "random": range(60)}, per_minute=3)

    assert found[0][0] >= 62
    assert all(absences.gone[0] >= 8 for _, absences in found)
