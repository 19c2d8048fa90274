"""Factors are found in numbers that moved, attributes of a change and words of a note; without them there are none."""

from datetime import timedelta

from afteraction.v1 import incident_pb2
from services.drafting.case import Case
from services.drafting.drafts.factors import MOST_FACTORS, factors, skipped_checks, wider_window
from services.drafting.drafts.milestones import culprit_change, milestones
from services.drafting.incident import Similar
from services.drafting.observations import Severity, SimilarPast
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case


def told(desk: Case) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for factor in factors(desk, milestones(desk)):
        found.setdefault(factor.category, []).append(factor.statement.text)
    return found


def test_each_factor_has_a_category_and_evidence() -> None:
    desk = case()

    found = factors(desk, milestones(desk))

    assert 3 <= len(found) <= MOST_FACTORS[True]
    assert all(factor.category and factor.statement.evidence for factor in found)


def test_more_calls_for_each_request_are_the_changes_factor() -> None:
    assert told(case())["deployment"][0] == "5.1.0 of orders makes 5 calls for each request that is served, 1 before."


def test_watch_that_ended_before_the_onset_is_a_factor() -> None:
    said = "\n".join(told(case())["monitoring"])

    assert "The watch after the deploy lasted 5 minutes, until 10:05; the failures showed 9 minutes later." in said


def test_check_that_was_skipped_is_about_the_pipeline() -> None:
    desk = case()

    assert skipped_checks(culprit_change(desk)) == [("load_test", "skipped")]
    assert any("The pipeline let 5.1.0 of orders pass with “load_test: skipped”" in said
               for said in told(desk)["process"])


def test_what_a_note_says_is_documented_nowhere_is_a_factor() -> None:
    assert any("“The pool size is documented nowhere.”" in said for said in told(case())["process"])


def test_note_that_blames_somebody_is_not_quoted() -> None:
    desk = case(events=[recorded.deploy(), recorded.note("Ada forgot the limit, it is documented nowhere.")])

    assert "Ada" not in str(told(desk))


def test_no_events_no_factors_about_changes() -> None:
    desk = case(without="event", incident=_without_changes())

    assert "deployment" not in told(desk) or "calls for each request" in told(desk)["deployment"][0]


def test_minor_incident_has_fewer() -> None:
    desk = case(severity=Severity.P4)

    assert len(factors(desk, milestones(desk))) <= MOST_FACTORS[False]


def test_wider_window_is_the_next_multiple_that_is_longer() -> None:
    minutes = timedelta(minutes=5)
    assert wider_window(minutes, timedelta(minutes=12)) == timedelta(minutes=15)
    assert wider_window(minutes, timedelta(minutes=15)) == timedelta(minutes=20)


def _without_changes() -> incident_pb2.Incident:
    incident = recorded.incident(is_over=True)
    del incident.changes[:]
    return incident


def test_items_that_a_similar_incident_left_open_are_a_factor() -> None:
    past = SimilarPast("documents/d1", "postmortems/p7", "Billing ran out of connections", 0.8)

    known = Similar(past, open_action_items=("Size every pool", "Alert on it"))

    said = "\n".join(told(case(similar=(known,)))["process"])

    assert ("Action items of a similar incident (“Billing ran out of connections”) were open when this one began: "
            "“Size every pool” and “Alert on it”.") in said
