"""Bursts of one measure are told as one course: normal before all of them, the worst of all, back with the last."""

from dataclasses import replace

from services.drafting import messages
from services.drafting.drafts.courses import course, is_rate, with_rates
from services.drafting.observations import Anomaly
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case
from tests.services.drafting.recorded import at


def burst(minute: int, worst: float, *, baseline: float = 0.001, until: int | None = None) -> Anomaly:
    [first] = messages.incident(recorded.incident()).facts.anomalies
    return replace(first, onset_at=at(10, minute), detected_at=at(10, minute + 1), observed=worst / 2,
                   baseline=baseline, peak_observed=worst, peak_at=at(10, minute + 2), is_opening=minute == 10,
                   recovered_at=None if until is None else at(10, until))


def test_later_bursts_count_against_what_was_normal_before_the_first() -> None:
    bursts = [burst(10, 0.085, until=14), burst(20, 0.099, baseline=0.02, until=24), burst(15, 0.09, until=18)]

    found = course(bursts[1], bursts)

    assert (found.whole.onset_at, found.whole.baseline, found.whole.observed) == (at(10, 10), 0.001, 0.0425)
    assert (found.whole.peak_observed, found.whole.peak_at) == (0.099, at(10, 22))
    assert found.whole.recovered_at == at(10, 24)
    assert found.whole.is_opening
    assert found.keys == (bursts[0].key, bursts[1].key)


def test_what_still_burns_is_not_back() -> None:
    found = course(burst(10, 0.08), [burst(10, 0.08, until=14), burst(20, 0.05)])

    assert found.whole.recovered_at is None


def test_other_operations_and_other_ways_are_other_courses() -> None:
    one = burst(10, 0.08)
    others = [replace(burst(12, 0.9), operation="GET /"), replace(burst(12, 0.9), z=-5.0)]

    assert course(one, [one, *others]).whole.peak_observed == 0.08


def test_counters_are_told_per_second_and_gauges_are_not() -> None:
    observed = case(extra=[recorded.counter()]).observations
    counter = next(one for one in observed.series if one.metric_name == "pool.timeouts")
    gauge = next(one for one in observed.series if one.metric_name == "db.client.connection.count")
    timeouts = replace(burst(10, 41.3), metric_name="pool.timeouts", unit="{timeout}")

    assert is_rate(counter) and not is_rate(gauge)
    assert [one.unit for one in with_rates([timeouts, burst(10, 0.08)], observed)] == ["{timeout}/s", "share"]
