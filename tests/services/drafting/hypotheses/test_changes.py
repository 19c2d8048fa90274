"""Which changes are suspected, and how much."""

from datetime import timedelta

from services.drafting.hypotheses.changes import suspected_changes
from services.drafting.hypotheses.graph import CallGraph
from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.observations import Change, ConfigChange, Event, FlagChange
from tests.services.drafting.hypotheses.observed import ONSET, deploy, incident, observations


def weights(*events: Event) -> list[float]:
    suspects = suspected_changes(incident("shop"), observations(events=events), CallGraph())
    by_event = {suspect.event.id: suspect.finding.weight for suspect in suspects}
    return [by_event.get(event.id, 0.0) for event in events]


def test_the_later_of_two_deploys_is_the_more_suspected() -> None:
    late, early = weights(deploy("shop", "v3", minutes_before=5), deploy("shop", "v2", minutes_before=300))

    assert late > early > 0


def test_a_deploy_after_the_onset_is_not_suspected() -> None:
    assert weights(deploy("shop", "v3", minutes_before=-20)) == [0.0]


def test_a_rollback_after_the_onset_is_not_suspected_however_soon_it_came() -> None:
    assert weights(deploy("shop", "v1", minutes_before=-1, is_rollback=True)) == [0.0]


def test_a_deploy_of_two_days_ago_is_not_suspected() -> None:
    assert weights(deploy("shop", "v3", minutes_before=2880)) == [0.0]


def test_settings_and_flags_are_configuration() -> None:
    at = ONSET - timedelta(minutes=3)
    events = [Event("1", at, ConfigChange("pool.size", "10", "2"), service="shop"),
              Event("2", at, FlagChange("new-cart", "off", "on"), service="shop")]

    suspects = suspected_changes(incident("shop"), observations(events=events), CallGraph())

    assert {suspect.finding.kind for suspect in suspects} == {CauseKind.CONFIGURATION}


def test_a_flag_that_was_switched_back_before_the_recovery_is_taken_back() -> None:
    on = Event("on", ONSET - timedelta(minutes=3), FlagChange("new-cart", "off", "on"), service="shop")
    off = Event("off", ONSET + timedelta(minutes=9), FlagChange("new-cart", "on", "off"), service="shop")
    facts = incident("shop", recovered_at=ONSET + timedelta(minutes=10))

    (suspect,) = suspected_changes(facts, observations(events=[on, off]), CallGraph())

    assert suspect.taken_back_by == off
    assert suspect.finding.keys == (on.key, off.key)


def test_a_recovery_before_the_rollback_owes_it_nothing() -> None:
    out = deploy("shop", "v2", previous="v1", minutes_before=3)
    back = deploy("shop", "v1", minutes_before=-30, is_rollback=True)
    facts = incident("shop", recovered_at=ONSET + timedelta(minutes=10))

    (suspect,) = suspected_changes(facts, observations(events=[out, back]), CallGraph())

    assert suspect.taken_back_by is None


def test_a_change_that_both_detection_and_ingestion_tell_of_counts_once() -> None:
    event = deploy("shop", "v2", minutes_before=3)
    facts = incident("shop")
    told_twice = type(facts)(name=facts.name, stream=facts.stream, onset_at=facts.onset_at,
                             detected_at=facts.detected_at, service="shop", services=("shop",),
                             changes=(Change(event, timedelta(minutes=3), 0),))

    assert len(suspected_changes(told_twice, observations(events=[event]), CallGraph())) == 1
