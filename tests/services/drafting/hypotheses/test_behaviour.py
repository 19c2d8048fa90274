"""Changes inside a service, told apart from those that its requests explain."""

from services.drafting.hypotheses.behaviour import behaviour
from services.drafting.hypotheses.hypothesis import CauseKind
from tests.services.drafting.hypotheses.observed import call, observations, operation, pattern


def test_a_query_that_is_repeated_for_each_request_is_the_database() -> None:
    (found,) = behaviour(observations(calls=[call("web", "shop")],
                                      operations=[operation("shop", "SELECT items", count=900, before=600)]))

    assert found.kind is CauseKind.DATABASE
    assert found.clause == "makes 9 “SELECT items” calls for each request, against 1 before"


def test_a_log_line_that_no_longer_comes_for_the_same_requests_is_a_change_inside() -> None:
    lines = [pattern("shop", "reserved stock", severity="INFO", count=0, before=600),
             pattern("shop", "request received", severity="INFO", count=100, before=600)]

    (found,) = behaviour(observations(calls=[call("web", "shop")], patterns=lines))

    assert found.kind is CauseKind.CODE_RETURN
    assert found.keys[0] == lines[0].key


def test_a_new_error_beside_a_step_that_is_left_out_is_an_exception() -> None:
    operations = [operation("shop", "reserve", count=0, before=600),
                  operation("shop", "ErrorController.handle", count=100, before=0)]

    (found,) = behaviour(observations(calls=[call("web", "shop")], operations=operations))

    assert found.kind is CauseKind.CODE_EXCEPTION


def test_logs_that_are_kept_only_now_are_no_change() -> None:
    lines = [pattern("shop", f"step {number}", severity="INFO", count=100) for number in range(3)]

    assert behaviour(observations(calls=[call("web", "shop")], patterns=lines)) == ()


def test_an_operation_that_follows_one_of_two_ways_in_is_no_change() -> None:
    calls = [call("web", "shop", "GET /cart", count=10), call("web", "shop", "POST /order", count=100)]

    assert behaviour(observations(calls=calls, operations=[operation("shop", "list", count=10, before=600)])) == ()


def test_what_users_do_at_the_way_in_is_up_to_them() -> None:
    operations = [operation("web", "GET /", count=10, before=600), operation("web", "GET /sale", count=300, before=3)]

    assert behaviour(observations(operations=operations)) == ()


def test_a_line_that_falls_out_of_step_with_its_pair_is_a_change_inside() -> None:
    lines = [pattern("shop", "before the call", severity="INFO", count=40, before=80),
             pattern("shop", "after the call", severity="INFO", count=20, before=80),
             pattern("shop", "request received", severity="INFO", count=60, before=120)]

    (found,) = behaviour(observations(calls=[call("web", "shop", count=15, before=40)], patterns=lines))

    assert found.keys[0] == lines[1].key


def test_two_lines_of_two_ways_in_that_happened_to_be_as_many_are_no_pair() -> None:
    calls = [call("web", "shop", "GET /cart", count=100), call("web", "shop", "POST /order", count=30)]
    lines = [pattern("shop", "cart shown", severity="INFO", count=100, before=600),
             pattern("shop", "order placed", severity="INFO", count=30, before=600),
             pattern("shop", "request received", severity="INFO", count=130, before=1200)]

    assert behaviour(observations(calls=calls, patterns=lines)) == ()


def test_errors_beside_the_usual_lines_of_a_service_that_tells_nothing_else_do_not_blame_the_usual_ones() -> None:
    lines = [pattern("shop", "served request <*> in <*>", severity="INFO", count=120, before=700),
             pattern("shop", "cannot reach ledger: <*>", count=500)]

    (found,) = behaviour(observations(patterns=lines))

    assert found.keys[0] == lines[1].key
    # No request was counted, and nothing was thrown.
    assert "than its other lines explain" in found.clause
    assert found.kind is CauseKind.UNAVAILABLE
    assert found.weight < 2.5
