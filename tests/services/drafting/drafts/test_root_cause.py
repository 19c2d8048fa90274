"""The root cause in prose, each sentence only where data carries it; and the parts it is made of."""

from dataclasses import replace
from datetime import timedelta

import pytest

from afteraction.v1 import evidence_pb2
from services.drafting.case import Case, Policy
from services.drafting.drafts.calls_per_request import amplification
from services.drafting.drafts.early_signs import early_signs
from services.drafting.drafts.log_story import course_of_log, story, telling
from services.drafting.drafts.measured import departure, is_failing, measure, sentence
from services.drafting.drafts.milestones import milestones
from services.drafting.drafts.notes import mechanism, notes_during, sentences, undocumented
from services.drafting.drafts.root_cause import root_cause
from services.drafting.drafts.sections import draft
from services.drafting.drafts.traffic_growth import traffic_growth
from services.drafting.drafts.used_up import limit_line
from services.drafting.incident import Gathered
from services.drafting.markdown.document import SectionKind
from services.drafting.observations import Anomaly, Severity, Signal
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case, event_of


def told(desk: Case) -> str:
    return " ".join(one.text for one in root_cause(desk, milestones(desk)))


def anomaly(metric: str, unit: str = "", operation: str = "") -> Anomaly:
    return Anomaly("orders", Signal.LATENCY, metric, recorded.ONSET, recorded.DETECTED, operation, unit,
                   observed=0.022, baseline=0.001)


def test_it_says_what_changed_what_that_did_who_saw_it_and_what_ended_it() -> None:
    said = told(case())

    parts = ["5.1.0 of orders replaced 5.0.9 at 10:00, 14 minutes before the onset.",
             "“Baskets: load lines one by one”",
             "orders made 5 calls for each request that it served, against 1 before: “SELECT” rose from 1 to 5",
             "A responder noted at 10:21: “Since 5.1.0 every line of a basket is its own query and the pool of 8 is",
             "“PoolTimeout: no free connection in pool after 500 ms”, 2,310 times from 10:14 on and never before",
             "The rollback to 5.0.9 began at 10:30, and orders was back in its baseline 7 minutes later"]
    places = [said.index(part) for part in parts]
    assert places == sorted(places)


def test_without_a_change_the_origin_is_told_in_numbers() -> None:
    incident = recorded.incident(is_over=True)
    del incident.changes[:]

    said = told(case(events=[], incident=incident))

    assert "lies in orders" in said and "5.1.0" not in said


def test_where_nothing_points_anywhere_it_says_so_and_asks() -> None:
    incident = recorded.incident(is_over=True)
    del incident.changes[:], incident.anomalies[:]
    desk = case(incident=incident, events=[recorded.note("Found it: the disk was full.", 20)], without="series")
    written = draft(desk)

    assert written.section(SectionKind.ROOT_CAUSE).statements
    assert "“Found it: the disk was full.”" in told(desk)


def test_minor_incident_is_told_in_three_sentences() -> None:
    assert len(root_cause(case(severity=Severity.P4), milestones(case()))) <= 3


def test_calls_per_request_need_enough_spans_and_a_rise() -> None:
    assert amplification(case().observations, "orders") is not None
    assert amplification(case(without="operation").observations, "orders") is None
    assert amplification(case().observations, "shop") is None


def test_traffic_that_did_not_rise_is_no_reason() -> None:
    assert traffic_growth(case()) is None


def test_traffic_that_rose_between_change_and_onset_is_told_with_its_times() -> None:
    rising = recorded.requests("200", per_minute=900.0, before=900.0)
    del rising.series.baseline_counts[:]
    rising.series.baseline_counts.extend([600.0] * 50 + [600.0 + 30 * step for step in range(10)])
    rising.series.series.attributes["http.request.method"] = "GET"

    growth = traffic_growth(Case(_with_series(rising), Policy()))

    assert growth is not None
    assert growth.before == pytest.approx(600.0) and growth.after > 850
    assert recorded.at(10, 0) < growth.before_at < growth.after_at <= recorded.ONSET


def _with_series(observation: evidence_pb2.Observation) -> Gathered:
    desk = case(extra=[observation])
    series = tuple(one for one in desk.observations.series if one.attributes.get("http.request.method") == "GET")
    return replace(desk.gathered, observations=replace(desk.observations, series=series))


def test_sign_before_the_onset_is_found_and_one_after_it_is_not() -> None:
    incident = recorded.incident(is_over=True)
    for minutes in (-10, 5):
        one = recorded.anomaly(is_over=True)
        one.is_opening, one.metric_name, one.unit = False, f"rate of db.client.operation.duration {minutes}", "1/s"
        one.onset_at.CopyFrom(recorded.stamp(recorded.ONSET + timedelta(minutes=minutes)))
        one.detected_at.CopyFrom(recorded.stamp(recorded.ONSET + timedelta(minutes=minutes)))
        incident.anomalies.append(one)

    [sign] = early_signs(case(incident=incident))

    assert sign.metric_name.endswith("-10")


@pytest.mark.parametrize(
    ("metric", "unit", "said"),
    [
        ("error share of http.server.request.duration", "share", "the share of failing requests of orders"),
        ("error share of calls from shop of", "share", "the share of failing calls from shop of orders"),
        ("rate of db.client.operation.duration", "1/s",
         "the rate of database calls of orders (db.client.operation.duration)"),
        ("http.server.request.duration p95", "s",
         "the 95th percentile response time of orders (http.server.request.duration p95)"),
        ("peer.latency.client.p50", "s", "the median call duration of orders (peer.latency.client.p50)"),
        ("container.cpu.usage", "1", "the CPU use of orders (container.cpu.usage)"),
        ("db.client.connection.timeouts", "{timeout}",
         "the number of connection timeouts of orders (db.client.connection.timeouts)"),
        ("cpu.throttled", "s", "cpu.throttled of orders"),
        ("queue.depth", "", "queue.depth of orders"),
    ],
)
def test_measure_is_named_as_an_engineer_would(metric: str, unit: str, said: str) -> None:
    assert measure(anomaly(metric, unit)) == said


def test_share_of_successes_that_fell_is_told_as_failures() -> None:
    fallen = replace(anomaly("availability", "share"), signal=Signal.ERRORS)

    assert is_failing(fallen)
    assert measure(fallen) == "the share of failing requests of orders (availability)"


def test_unit_that_the_name_says_already_is_left_out() -> None:
    assert departure(anomaly("pool.timeouts", "{timeout}"), "was").endswith("was 0.022, against 0.001 before")


def test_sentence_keeps_the_letters_of_names() -> None:
    assert (sentence("the pool was empty"), sentence("orders failed")) == ("The pool was empty.", "orders failed.")


def test_note_is_cut_at_full_stops_and_not_within_versions() -> None:
    assert sentences("Since v2.4.2 it is slow. The limit is documented nowhere!") == [
        "Since v2.4.2 it is slow.", "The limit is documented nowhere!"]


def test_mechanism_of_a_note_is_a_part_of_it_as_it_was_written() -> None:
    note = event_of(case(), "note-21")

    assert mechanism(note) == recorded.NOTE.removesuffix(" The pool size is documented nowhere.")
    assert [said for _, said in undocumented(case())] == ["The pool size is documented nowhere."]


def test_note_before_the_onset_is_not_quoted() -> None:
    assert notes_during(case(events=[recorded.note("It is slow because of me.", 5)])) == []


def test_log_is_told_in_the_order_in_which_it_departed_with_counts_and_frame() -> None:
    second = recorded.pattern("IllegalState: no basket")
    second.log_pattern.pattern, second.log_pattern.root_frame = "p2", "BasketService.load(BasketService.java:42)"
    second.log_pattern.first_seen_at.CopyFrom(recorded.stamp(recorded.at(10, 16)))
    desk = case(extra=[second])

    [said] = course_of_log(desk)

    assert said.text.index("PoolTimeout") < said.text.index("IllegalState")
    assert "raised in “BasketService.load(BasketService.java:42)”" in said.text and "2,310 lines" in said.text
    assert story(desk, most=2)[0].text.startswith("The first log pattern that departed was new at 10:14")


def test_line_with_the_numbers_of_a_limit_is_chosen() -> None:
    full = recorded.pattern("pool has 8 connections in use and 219 requests waiting")
    full.log_pattern.pattern = "p2"

    found = limit_line(case(extra=[full]))

    assert found is not None and found.pattern == "p2"


def test_straggler_of_a_pattern_is_not_told() -> None:
    straggler = recorded.pattern("PoolTimeout of cart ecffcabb")
    straggler.log_pattern.pattern, straggler.log_pattern.count = "p2", 1

    assert [one.pattern for one in telling(case(extra=[straggler]).moved_patterns())] == ["p1"]
