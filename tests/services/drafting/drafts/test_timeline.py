"""The story in order: what tells it has a line, the rest is counted in one."""

from datetime import timedelta

import pytest

from afteraction.v1 import incident_pb2
from services.drafting.case import Case
from services.drafting.drafts.event_sentences import event_sentence
from services.drafting.drafts.timeline import MOST_ROWS, timeline
from services.drafting.observations import ConfigChange, Event, FlagChange, InfrastructureEvent, Severity
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case


def many(count: int) -> incident_pb2.Incident:
    """An incident in which `count` more series of shop and orders moved."""
    incident = recorded.incident(is_over=True)
    for number in range(count):
        one = recorded.anomaly(is_over=True)
        one.is_opening, one.metric_name = False, f"latency.p{number}"
        one.service = "shop" if number % 2 else "orders"
        one.onset_at.CopyFrom(recorded.stamp(recorded.ONSET + timedelta(seconds=number)))
        incident.anomalies.append(one)
    return incident


def lines(desk: Case) -> list[str]:
    return [f"{row.at:%H:%M} {row.statement.text}" for row in timeline(desk)]


def test_the_story_is_told_in_order() -> None:
    told = "\n".join(lines(case()))

    story = ["10:00 5.1.0 of orders is deployed", "10:14 The share of failing requests of orders POST /baskets leaves",
             "10:14 orders begins to log", "10:18 A page is sent", "10:21 Noted: ", "10:25 The share",
             "10:30 Rollback of orders", "10:37 orders is back", "10:42 The incident is resolved"]
    places = [told.index(words) for words in story]
    assert places == sorted(places)


def test_dozens_of_series_are_one_line_and_the_first_of_each_other_service() -> None:
    told = lines(case(incident=many(40)))

    assert len(told) < 16
    assert any("39 more series of orders and shop leave their baselines." in line for line in told)
    assert sum("of shop" in line and "leaves its baseline" in line for line in told) == 1


def test_counted_series_are_named_in_the_evidence() -> None:
    desk = case(incident=many(40))
    timeline(desk)

    [evidence] = [one for one in desk.book if one.key == "derived/series/during"]
    assert evidence.values["count"] == "39" and "shop POST /baskets latency.p3" in evidence.values["series"]


def test_minor_incident_has_few_lines() -> None:
    assert len(timeline(case(incident=many(40), severity=Severity.P4))) <= MOST_ROWS[False]


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        (ConfigChange("pool.size", "10", "8"), "The setting “pool.size” of orders changes from “10” to “8”."),
        (FlagChange("lazy", "", "on"), "The flag “lazy” of orders is switched to “on”."),
        (InfrastructureEvent("OOMKilled", "orders-7f"), "Infrastructure reports “OOMKilled” for orders-7f."),
    ],
)
def test_events_are_told_with_the_words_of_outside_in_quotation(detail: object, said: str) -> None:
    event = Event("e1", recorded.ONSET, detail, service="orders")  # type: ignore[arg-type]

    assert event_sentence(event) == said
