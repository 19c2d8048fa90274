"""How many requests and how many failed, by whichever metric counts them all; else by spans, and then it is said."""

import pytest

from services.drafting.observations import Observations, OperationWindow, SeriesSource, SeriesWindow
from services.drafting.requests import Requests, requests, step
from shared.window import Window
from tests.services.drafting.recorded import ONSET, RECOVERED, at


def series(metric: str = "http.server.request.duration", *, source: SeriesSource = SeriesSource.METRIC,
           **attributes: str) -> SeriesWindow:
    times = tuple(at(10, minute) for minute in range(14, 40))
    return SeriesWindow("orders", metric, "s", source, {name.replace("__", "."): value for name, value in
                                                       attributes.items()},
                        times, (0.1,) * len(times), counts=(10.0,) * len(times), baseline_counts=(5.0,) * 60)


def answered(*observed: SeriesWindow | OperationWindow) -> tuple[Requests, ...]:
    window = Window(at(10, 0), at(11, 0))
    found = Observations(window, window, series=tuple(one for one in observed if isinstance(one, SeriesWindow)),
                         operations=tuple(one for one in observed if isinstance(one, OperationWindow)))
    return requests(found, "orders", ONSET, RECOVERED)


@pytest.mark.parametrize(
    ("attributes", "is_failure"),
    [({"http__response__status_code": "500"}, True), ({"http__response__status_code": "404"}, False),
     ({"http__response__status_code": "200"}, False), ({"rpc__grpc__status_code": "14"}, True),
     ({"rpc__grpc__status_code": "UNAVAILABLE"}, True), ({"rpc__grpc__status_code": "0"}, False)],
)
def test_status_tells_whether_it_failed(attributes: dict[str, str], is_failure: bool) -> None:
    [one] = answered(series(**attributes))  # type: ignore[arg-type]

    assert one.is_failure is is_failure


def test_only_values_between_onset_and_end_are_counted() -> None:
    [one] = answered(series(http__response__status_code="200"))

    assert one.count == 10.0 * (37 - 14)
    assert one.baseline_count == 300.0 and one.baseline_minutes == 60.0


def test_of_two_metrics_that_count_the_same_requests_one_is_taken() -> None:
    found = answered(series(), series("http.server.requests"))

    assert len(found) == 1


def test_calls_to_others_and_span_series_are_no_requests() -> None:
    assert answered(series("http.client.request.duration"), series(source=SeriesSource.SPAN)) == ()


def test_without_a_metric_spans_are_counted_and_said_to_be_sampled() -> None:
    span = OperationWindow("orders", "POST /baskets", "server", 100, 20, 200, 1, baseline_s=3600, window_s=1200)

    found = answered(span)

    assert all(one.is_sampled for one in found)
    assert sum(one.count for one in found if one.is_failure) == 20


def test_step_is_the_time_between_values() -> None:
    assert step(series()).total_seconds() == 60
