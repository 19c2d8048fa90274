"""Which services one failure may explain, and where it began."""

from services.detection.grouping import CallGraph, Symptom, groups, related, strength
from services.detection.openings import BROAD_SERVICES, felt, weighted
from services.detection.series import Signal


def graph(*calls: str) -> CallGraph:
    found = CallGraph()
    for call in calls:
        caller, callee = call.split(">")
        found.add(caller, callee)
    return found


def symptom(service: str, strength: float = 3.0, signal: Signal = Signal.ERRORS, *, is_felt: bool = True) -> Symptom:
    return Symptom(service, signal, strength, 0, is_felt=is_felt, is_demand=signal is Signal.TRAFFIC)


def test_services_two_calls_apart_belong_together_and_three_do_not() -> None:
    chain = graph("web>shop", "shop>stock", "stock>database")

    assert related(chain, ["web"], ["stock"])
    assert not related(chain, ["web"], ["database"])


def test_time_decides_about_services_of_which_no_call_is_known() -> None:
    assert related(graph("web>shop"), ["stranger"], ["shop"])


def test_symptoms_fall_into_groups_by_calls_whatever_their_order() -> None:
    calls = graph("web>shop", "portal>billing")
    found = groups(calls, [symptom("shop"), symptom("billing", 4), symptom("web", 2), symptom("portal", 1)])

    assert sorted([each.service for each in group] for group in found) == [["billing", "portal"], ["shop", "web"]]
    assert groups(calls, [symptom("portal", 1), symptom("web", 2), symptom("billing", 4), symptom("shop")]) == found


def test_it_began_in_the_deepest_service_that_suffers() -> None:
    calls = graph("web>shop", "shop>stock")

    assert calls.origin({"web": 9.0, "shop": 5.0}) == "shop"
    assert calls.origin({"web": 9.0, "stock": 2.0}) == "web", "stock is not called by web: two ends, the louder one"


def test_users_reach_what_nobody_calls_and_what_serves_it() -> None:
    calls = graph("web>shop", "left>right", "right>left")

    assert calls.user_facing(["web", "shop", "alone", "left"]) == {"web", "shop", "alone"}


def test_cycle_of_calls_ends() -> None:
    assert graph("a>b", "b>c", "c>a").hops("a", ["z"]) == -1


def test_second_witness_counts_half_and_third_a_quarter() -> None:
    assert strength([symptom("a", 4), symptom("b", 4), symptom("c", 4)]) == 7


def test_less_traffic_in_one_service_weighs_little_and_in_three_all() -> None:
    fallen = [symptom(name, 5, Signal.TRAFFIC) for name in ("a", "b", "c")]

    assert [each.strength for each in weighted(fallen[:1])] == [2.0]
    assert weighted(fallen) == fallen


def test_what_few_requests_feel_counts_only_when_many_services_have_it() -> None:
    faint = [symptom(f"s{number}", is_felt=False) for number in range(BROAD_SERVICES)]

    assert felt(faint[1:]) == []
    assert felt(faint) == faint
