"""The sentence that says how it came about: the change, what the service does since, what that used up."""

from datetime import timedelta

from services.drafting.hypotheses.changes import suspected_changes
from services.drafting.hypotheses.finding import Finding
from services.drafting.hypotheses.graph import CallGraph
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.mechanism import sentence, telling
from tests.services.drafting.hypotheses.observed import ONSET, deploy, incident, observations

QUERIES = Finding("orders", CauseKind.DATABASE, 2.5, "makes 9 “SELECT items” calls for each request", ("q",))
POOL = Finding("orders", CauseKind.CAPACITY, 3.5, "ran out of connections in its pool", ("p",))
SLOW = Finding("orders", CauseKind.LATENCY, 4.0, "took longer to answer", ("l",))


def test_what_a_service_does_comes_before_what_that_uses_up() -> None:
    assert telling([SLOW, POOL, QUERIES]) == (QUERIES, POOL)


def test_a_reason_that_weighs_next_to_nothing_is_not_told() -> None:
    trifle = Finding("orders", CauseKind.MEMORY, 0.1, "filled its memory", ("m",))

    assert telling([POOL, trifle]) == (POOL,)


def test_a_change_is_told_with_its_distance_and_what_followed() -> None:
    release = deploy("orders", "v7", minutes_before=12)
    (change,) = suspected_changes(incident("orders"), observations(events=[release]), CallGraph())

    assert sentence("orders", (QUERIES, POOL), change, incident("orders")) == (
        "v7 of orders was deployed 12 minutes before the onset; since then it makes 9 “SELECT items” calls for each "
        "request, and it ran out of connections in its pool.")


def test_a_rollback_that_helped_ends_the_sentence() -> None:
    over = incident("orders", recovered_at=ONSET + timedelta(minutes=20))
    events = [deploy("orders", "v7", minutes_before=12, previous="v6"),
              deploy("orders", "v6", minutes_before=-15, is_rollback=True)]
    change = suspected_changes(over, observations(events=events), CallGraph())[0]

    assert sentence("orders", (), change, over) == (
        "v7 of orders was deployed 12 minutes before the onset; taken back at 12:15, before it recovered.")


def test_without_a_change_the_sentence_begins_with_the_service() -> None:
    assert sentence("orders", (POOL,), None, incident("orders")) == "orders ran out of connections in its pool."
