"""The scorer of `make eval-causes`."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.eval.causes_scores import Truth, kinds_in_order, score, summarise, table

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRUTH = Truth("aa-01", "aa", "orders", "cpu", START, START + timedelta(minutes=3), timedelta(minutes=1))


def line(*detected_after_s: float, services: tuple[str, ...] = (), kinds: tuple[str, ...] = ()) -> dict[str, Any]:
    incidents = [{"detected": (START + timedelta(seconds=after)).isoformat()} for after in detected_after_s]
    return {"case": "aa-01", "incidents": incidents, "services": list(services), "kinds": list(kinds)}


def test_an_incident_before_the_fault_is_false_and_no_detection() -> None:
    one = score(TRUTH, line(-30))

    assert one.false_incidents == 1
    assert one.detected_after_s is None


def test_an_incident_up_to_a_period_after_the_end_is_in_time() -> None:
    assert score(TRUTH, line(240)).detected_after_s == 240
    assert score(TRUTH, line(241)).detected_after_s is None


def test_a_cause_that_is_not_ranked_counts_as_not_found() -> None:
    right = score(TRUTH, line(60, services=("web", "orders"), kinds=("cpu",)))
    missing = score(TRUTH, line(60, services=("web",)))

    summary = summarise([right, missing])

    assert (summary.service_top_1, summary.service_top_3, summary.service_mrr) == (0.0, 0.5, 0.25)
    assert summary.kind_top_1 == 0.5


def test_the_table_has_a_row_for_each_source_and_one_for_all() -> None:
    rows = table([score(TRUTH, line(60, services=("orders",)))]).splitlines()

    assert [row.split()[0] for row in rows] == ["source", "aa", "all"]


def test_a_further_kind_of_the_likeliest_cause_comes_before_an_unlikely_one() -> None:
    ranked = kinds_in_order([(0.8, ("unavailable", "code-exception")), (0.1, ("cpu",))])

    assert ranked == ["unavailable", "code-exception", "cpu"]
