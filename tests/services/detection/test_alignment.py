"""Points of any rhythm, brought to one value of each measure in each minute."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.detection.alignment import Alignment, Interval
from services.detection.histograms import quantile, slower
from services.detection.series import Measure, Reading, Series, SeriesSource, SeriesType, Signal

NS = 1_000_000_000
BOUNDS = [0.1, 0.5, 1.0, math.inf]


def series(identity: int, name: str, kind: SeriesType = SeriesType.GAUGE, unit: str = "", service: str = "shop",
           **attributes: str) -> Series:
    return Series(identity, service, name, unit, kind, SeriesSource.METRIC, attributes)


def add(alignment: Alignment, identity: int, at_s: float, value: float, start_s: float = 0) -> None:
    alignment.add(np.array([identity]), np.array([round(at_s * NS)]), np.array([round(start_s * NS)]),
                  np.array([value]))


def told(alignment: Alignment, interval: Interval) -> dict[str, float]:
    """Values of an interval by the names of their measures, of whole services."""
    return {alignment.measures[row].name: value
            for row, value in zip(interval.rows.tolist(), interval.values.tolist(), strict=True)
            if not alignment.measures[row].operation}


def test_point_belongs_to_the_minute_that_it_ends() -> None:
    alignment = Alignment()
    alignment.define(series(1, "latency.p95", unit="s"))
    for at_s, value in ((60, 0.1), (61, 0.2), (120, 0.4)):
        add(alignment, 1, at_s, value)

    first, second = alignment.complete(180)

    assert (first.index, first.values.tolist()) == (0, [0.1])
    assert (second.index, second.values.tolist()) == (1, [pytest.approx(0.3)])  # the mean of what a gauge said


def test_minute_is_given_out_once_the_watermark_has_passed_its_end_and_takes_nothing_after_that() -> None:
    alignment = Alignment()
    alignment.define(series(1, "latency.p95", unit="s"))
    add(alignment, 1, 60, 0.1)

    assert list(alignment.complete(59.9)) == []
    assert [each.index for each in alignment.complete(60)] == [0]
    add(alignment, 1, 45, 0.9)
    assert list(alignment.complete(60)) == []
    assert alignment.late_points == 1


def test_where_nothing_was_reported_there_is_nothing() -> None:
    alignment = Alignment()
    alignment.define(series(1, "requests", SeriesType.DELTA))
    add(alignment, 1, 60, 10)
    add(alignment, 1, 300, 12)

    assert [each.index for each in alignment.complete(600)] == [0, 4]


def test_counter_becomes_what_was_counted_and_a_smaller_value_is_a_restart() -> None:
    alignment = Alignment()
    alignment.define(series(1, "requests", SeriesType.CUMULATIVE))
    for minute, total in enumerate((100, 160, 230, 20, 50), start=1):
        add(alignment, 1, minute * 60, total)

    assert [told(alignment, each)["rate of requests"] if "rate of requests" in told(alignment, each)
            else told(alignment, each)["requests"] for each in alignment.complete(600)] == [60, 70, 20, 30]


def test_counter_born_while_its_service_reports_began_at_zero() -> None:
    """The first failed request makes the series of failed requests: it must not go unseen."""
    alignment = Alignment()
    alignment.define(series(1, "http_requests_total", code="200"))
    alignment.define(series(2, "http_requests_total", code="500"))
    for minute in range(1, 6):
        add(alignment, 1, minute * 60, 100 * minute)
    add(alignment, 2, 300, 25)

    *_, last = alignment.complete(300)

    assert told(alignment, last)["error share of http_requests_total"] == pytest.approx(25 / 125)


def test_counter_seen_for_the_first_time_with_everything_else_says_nothing_yet() -> None:
    alignment = Alignment()
    alignment.define(series(1, "http_requests_total", code="200"))
    alignment.define(series(2, "http_requests_total", code="500"))
    add(alignment, 1, 60, 1_000_000)
    add(alignment, 2, 60, 90_000)

    assert [told(alignment, each) for each in alignment.complete(60)] == []


def test_instances_and_status_codes_are_added_up() -> None:
    alignment = Alignment()
    for identity, (instance, code) in enumerate((("a", "200"), ("a", "500"), ("b", "200"), ("b", "503"))):
        alignment.define(series(identity, "http_requests_total", SeriesType.DELTA, code=code, instance=instance))
    for identity, count in enumerate((90.0, 10.0, 95.0, 5.0)):
        add(alignment, identity, 60, count, 0)

    [interval] = alignment.complete(60)

    assert told(alignment, interval) == {"error share of http_requests_total": pytest.approx(0.075),
                                         "rate of http_requests_total": 200}
    assert interval.counts.tolist() == [200.0, 200.0]


def test_histograms_of_instances_are_merged_before_they_are_read() -> None:
    alignment = Alignment()
    for identity, instance in enumerate(("a", "b")):
        alignment.define(series(identity, "http.server.request.duration", SeriesType.DELTA_HISTOGRAM, "s",
                                instance=instance))
    alignment.add_histogram(0, 60 * NS, 0, 90, BOUNDS, [90, 0, 0, 0])
    alignment.add_histogram(1, 60 * NS, 0, 10, BOUNDS, [0, 0, 10, 0])

    [interval] = alignment.complete(60)

    found = told(alignment, interval)
    assert found["http.server.request.duration p50"] == pytest.approx(0.1 * 50 / 90)
    assert found["http.server.request.duration p95"] == pytest.approx(0.75)
    assert found["rate of http.server.request.duration"] == 100


def test_cumulative_histogram_tells_its_difference_and_starts_anew_when_it_shrinks() -> None:
    alignment = Alignment()
    alignment.define(series(1, "http.server.request.duration", SeriesType.CUMULATIVE_HISTOGRAM, "s"))
    for minute, counts in enumerate(([50, 0, 0, 0], [50, 30, 0, 0], [5, 0, 0, 0]), start=1):
        alignment.add_histogram(1, minute * 60 * NS, 0, sum(counts), BOUNDS, [float(count) for count in counts])

    second, third = alignment.complete(300)

    assert told(alignment, second)["rate of http.server.request.duration"] == 30
    assert told(alignment, second)["http.server.request.duration p50"] == pytest.approx(0.3)
    assert told(alignment, third)["rate of http.server.request.duration"] == 5


def test_ladder_of_prometheus_is_read_as_what_lies_between_its_rungs() -> None:
    alignment = Alignment()
    for identity, le in enumerate(("0.1", "0.5", "1.0", "+Inf")):
        alignment.define(series(identity, "http_request_duration_seconds_bucket", le=le))
    for minute in (1, 2):
        for identity, below in enumerate((50, 95, 100, 100)):
            add(alignment, identity, 60 * minute, below * minute)

    [interval] = alignment.complete(120)

    assert told(alignment, interval)["http_request_duration_seconds p50"] == pytest.approx(0.1)
    assert told(alignment, interval)["http_request_duration_seconds p95"] == pytest.approx(0.5)


def test_value_that_covers_five_minutes_claims_only_the_last() -> None:
    alignment = Alignment()
    alignment.define(series(1, "requests", SeriesType.DELTA))
    add(alignment, 1, 600, 100, start_s=300)

    [interval] = alignment.complete(600)

    assert (interval.begins.tolist(), interval.ends.tolist()) == ([540.0], [600.0])


def test_values_that_are_none_and_series_that_nobody_defined_are_left_out() -> None:
    alignment = Alignment()
    alignment.define(series(1, "latency.p95", unit="s"))
    for value in (math.nan, math.inf):
        add(alignment, 1, 60, value)
    add(alignment, 7, 60, 1.0)

    assert list(alignment.complete(60)) == []
    assert alignment.points == 3


def test_watched_measure_has_a_row_of_its_own_that_no_series_feeds() -> None:
    alignment = Alignment()
    measure = Measure("shop", "pay", Signal.TRAFFIC, "part", "share", Reading.GAUGE)

    assert alignment.watch(measure) == alignment.watch(measure) == 0
    assert alignment.measures == [measure]


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any), q=st.floats(0.01, 0.99))
def test_quantile_lies_in_the_bucket_that_holds_it(counts: list[int], q: float) -> None:
    value, total = quantile(dict(zip(BOUNDS, map(float, counts), strict=True)), q)

    assert total == sum(counts)
    # No more than that share lies below the bucket's lower end, and no less below its upper one.
    assert sum(n for bound, n in zip(BOUNDS, counts, strict=True) if bound < value) <= q * total + 1e-6
    assert value <= 1.0


@settings(max_examples=40, deadline=None)
@given(counts=st.lists(st.integers(0, 1000), min_size=4, max_size=4), limit=st.floats(0.01, 2.0))
def test_slower_than_a_limit_are_at_least_those_wholly_above_it(counts: list[int], limit: float) -> None:
    buckets = dict(zip(BOUNDS, map(float, counts), strict=True))
    lowers = [0.0, *BOUNDS[:-1]]

    found = slower(buckets, limit)

    assert found >= sum(n for low, n in zip(lowers, counts, strict=True) if low >= limit) - 1e-6
    assert found <= sum(n for high, n in zip(BOUNDS, counts, strict=True) if high > limit) + 1e-6


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 900), st.integers(1, 50)), min_size=1, max_size=40),
       cuts=st.sets(st.integers(0, 15)))
def test_intervals_do_not_depend_on_when_they_are_asked_for(values: list[tuple[int, int, int]], cuts: set[int]) -> None:
    """Points in order of time; the watermark is told at any minutes."""
    def run(told_at: set[int]) -> list[tuple[int, list[float]]]:
        alignment, found = Alignment(), []
        for identity in range(3):
            alignment.define(series(identity, "requests", SeriesType.CUMULATIVE, instance=str(identity)))
        totals = [0, 0, 0]
        passed = 0
        for identity, at_s, count in sorted(values, key=lambda each: each[1]):
            while passed < (at_s - 1) // 60:
                passed += 1
                if passed in told_at:
                    found += list(alignment.complete(passed * 60))
            totals[identity] += count
            add(alignment, identity, at_s, totals[identity])
        found += list(alignment.flush())
        return [(each.index, each.values.tolist()) for each in found]

    assert run(cuts) == run(set())
