"""The ranking, one mechanism at a time: the service that it names first, the kind, and what the sentence rests on."""

from datetime import timedelta

import pytest

from services.drafting.hypotheses.hypothesis import CauseKind
from services.drafting.hypotheses.ranking import rank
from services.drafting.observations import Observations, SeriesWindow, SimilarPast
from tests.services.drafting.hypotheses.observed import (
    ONSET,
    call,
    deploy,
    incident,
    observations,
    operation,
    pattern,
    series,
)

EDGES = (call("web", "shop"), call("shop", "orders"), call("shop", "payments"))


def quiet_services() -> tuple[str, ...]:
    return ("web", "shop", "orders", "payments")


def cpu(busy: str = "") -> list[SeriesWindow]:
    return [series(name, "cpu.utilization", unit="%", before=20, now=99 if name == busy else 20.5)
            for name in quiet_services()]


def test_nothing_observed_is_an_unknown_cause() -> None:
    (only,) = rank(incident(), observations())

    assert only.kind is CauseKind.UNKNOWN
    assert only.service == ""
    assert only.probability == pytest.approx(1.0)


def test_noise_alone_leaves_unknown_first() -> None:
    hypotheses = rank(incident(), observations(series=cpu(), calls=EDGES))

    assert hypotheses[0].kind is CauseKind.UNKNOWN


def test_a_service_that_uses_up_its_processor_comes_before_its_slow_callers() -> None:
    slow = [series(name, "request.duration", unit="s", before=0.1, now=now)
            for name, now in (("web", 0.9), ("shop", 0.9), ("orders", 0.9), ("payments", 0.1))]

    first = rank(incident("web"), observations(series=cpu("orders") + slow, calls=EDGES))[0]

    assert (first.service, first.kind) == ("orders", CauseKind.CPU)
    assert any("cpu.utilization" in key for key in first.mechanism_keys)


def test_time_lost_between_a_service_and_all_its_callers_is_the_network() -> None:
    calls = (call("web", "shop"), call("web", "orders", gap_s=0.8), call("shop", "orders", gap_s=0.8),
             call("shop", "payments"))

    first = rank(incident("web"), observations(calls=calls))[0]

    assert (first.service, first.kind) == ("orders", CauseKind.NETWORK_DELAY)


def test_an_operation_that_takes_longer_by_itself_is_slow_code_not_its_callers() -> None:
    operations = (operation("web", "GET /cart", count=100, before=600),
                  operation("shop", "price", count=100, before=600, self_s=0.9),
                  operation("orders", "load", count=100, before=600))

    first = rank(incident("web"), observations(operations=operations, calls=EDGES))[0]

    assert (first.service, first.kind) == ("shop", CauseKind.LATENCY)
    assert first.mechanism_keys == (operations[1].key,)


def test_a_step_that_is_left_out_for_the_same_requests_points_to_its_service() -> None:
    operations = (operation("shop", "reserve stock", count=0, before=600),
                  operation("shop", "price", count=100, before=600))

    first = rank(incident("web"), observations(operations=operations, calls=EDGES))[0]

    assert (first.service, first.kind) == ("shop", CauseKind.CODE_RETURN)


def test_fewer_requests_are_no_change_inside() -> None:
    calls = (call("web", "shop", count=20),)
    operations = (operation("shop", "reserve stock", count=20, before=600),)

    assert rank(incident("web"), observations(operations=operations, calls=calls))[0].kind is CauseKind.UNKNOWN


def test_an_exception_below_comes_before_the_errors_that_its_callers_log() -> None:
    patterns = (pattern("web", "request failed with status 500", count=40),
                pattern("shop", "call to orders failed", count=40),
                pattern("orders", "java.lang.IllegalStateException: no such row", count=40, root_frame="Orders.load"))

    hypotheses = rank(incident("web"), observations(patterns=patterns, calls=EDGES))

    first = hypotheses[0]
    assert (first.service, first.kind) == ("orders", CauseKind.CODE_EXCEPTION)
    caller = next(one for one in hypotheses if one.service == "shop")
    assert patterns[2].key in caller.evidence_against
    assert "Orders.load" in first.mechanism


def test_failing_requests_are_held_against_the_lowest_service_that_fails() -> None:
    failing = [series(name, "availability", unit="%", before=100, now=now, noise=0.0)
               for name, now in (("web", 80.0), ("shop", 78.0), ("orders", 75.0), ("payments", 100.0))]
    requests = [series(name, "requests", before=100, now=100) for name in quiet_services()]

    first = rank(incident("web"), observations(series=failing + requests, calls=EDGES))[0]

    assert (first.service, first.kind) == ("orders", CauseKind.UNAVAILABLE)


def test_without_a_call_graph_the_service_that_loses_most_of_its_own_time_comes_first() -> None:
    latency = [series(name, "latency.average", unit="s", before=before, now=now)
               for name, before, now in (("web", 0.2, 0.29), ("shop", 0.1, 0.28), ("orders", 0.01, 0.2))]
    requests = [series(name, "requests", before=before, now=before)
                for name, before in (("web", 200), ("shop", 100), ("orders", 100))]

    assert rank(incident("web"), observations(series=latency + requests))[0].service == "orders"


def test_a_deploy_that_asks_a_query_per_item_comes_first_with_the_pool_that_it_used_up() -> None:
    release = deploy("shop", "v2.4.2", previous="v2.4.1", minutes_before=12)
    observed = observations(
        series=[series("shop", "db.client.connection.pending_requests", before=0.1, now=25),
                series("shop", "http.server.error_share", unit="1", before=0.001, now=0.3)],
        operations=[operation("shop", "find products", count=1200, before=620),
                    operation("shop", "POST /checkout", count=100, before=600, kind="server")],
        calls=EDGES,
        patterns=[pattern("shop", "timed out waiting for a connection from the pool", count=80)],
        events=[release])

    first = rank(incident("shop"), observed)[0]

    assert (first.service, first.kind) == ("shop", CauseKind.DEPLOYMENT)
    assert "v2.4.2" in first.mechanism
    assert "pool" in first.mechanism
    assert first.mechanism_keys[0] == release.key


def test_a_change_that_was_taken_back_before_the_recovery_is_more_likely_than_before() -> None:
    release = deploy("shop", "v2", previous="v1", minutes_before=5)
    back = deploy("shop", "v1", minutes_before=-15, is_rollback=True)
    recovered = ONSET + timedelta(minutes=20)

    def probability(observed: Observations, *, is_recovered: bool) -> float:
        facts = incident("shop", recovered_at=recovered if is_recovered else None)
        return next(one.probability for one in rank(facts, observed) if one.kind is CauseKind.DEPLOYMENT)

    before = probability(observations(events=[release]), is_recovered=False)
    after = probability(observations(events=[release, back]), is_recovered=True)

    assert after > before


def test_a_change_nearby_outweighs_one_on_a_service_that_nothing_connects() -> None:
    events = [deploy("orders", "v7", minutes_before=10), deploy("newsletter", "v9", minutes_before=2)]

    hypotheses = rank(incident("shop"), observations(events=events, calls=EDGES))

    assert next(one.service for one in hypotheses if one.service) == "orders"


def test_what_a_similar_incident_was_caused_by_is_considered() -> None:
    memory = SimilarPast(document="documents/1", source_id="postmortems/1", title="Orders out of connections",
                         score=0.9, kinds=("capacity",), services=("orders",))

    hypotheses = rank(incident("shop", "orders"), observations(), [memory])

    named = next(one for one in hypotheses if one.service)
    assert (named.service, named.kind) == ("orders", CauseKind.CAPACITY)
    assert memory.key in named.evidence_for


def test_a_third_party_that_stops_answering_is_a_dependency() -> None:
    failing = [series("api.mailer.com", "availability", unit="%", before=100, now=10, noise=0.0)]

    first = rank(incident("shop"), observations(series=failing, calls=EDGES))[0]

    assert (first.service, first.kind) == ("api.mailer.com", CauseKind.DEPENDENCY)


def test_more_requests_at_the_way_in_are_a_surge_there_and_not_below() -> None:
    requests = [series(name, "request.rate", before=100, now=500) for name in quiet_services()]

    first = rank(incident("shop"), observations(series=requests, calls=EDGES))[0]

    assert (first.service, first.kind) == ("web", CauseKind.TRAFFIC)


def test_probabilities_of_one_ranking_add_up_to_at_most_one() -> None:
    hypotheses = rank(incident("web"), observations(series=cpu("orders"), calls=EDGES))

    assert sum(one.probability for one in hypotheses) <= 1.0 + 1e-9
    assert [one.probability for one in hypotheses] == sorted((one.probability for one in hypotheses), reverse=True)


def test_the_order_of_observations_does_not_matter() -> None:
    one = observations(series=cpu("orders"), calls=EDGES)
    other = observations(series=list(reversed(cpu("orders"))), calls=tuple(reversed(EDGES)))

    assert [(h.service, h.kind) for h in rank(incident("web"), one)] == [
        (h.service, h.kind) for h in rank(incident("web"), other)]


def test_nothing_is_ever_said_to_be_certain() -> None:
    observed = observations(series=[series("pay", "cpu.utilization", before=10, now=99, unit="%"),
                                    series("pay", "latency.p95", before=0.1, now=3.0, unit="s")],
                            operations=[operation("pay", "charge", count=300, before=300, self_s=3.0)])

    ranked = rank(incident("pay"), observed)

    assert ranked[0].service == "pay"
    assert ranked[0].probability < 0.96
    assert sum(one.probability for one in ranked) <= 1.0 + 1e-9


def test_a_gateway_that_fails_with_what_is_behind_it_comes_after_it() -> None:
    failing = [series(service, "availability", before=100, now=60, unit="%", noise=0.0)
               for service in ("api-gateway", "orders")]

    first = rank(incident("api-gateway", "orders"), observations(series=failing))[0]

    assert first.service == "orders"


def test_a_slow_metric_counts_less_where_spans_show_the_time_lost_elsewhere() -> None:
    slow = [series("stock", "latency.p90", before=0.02, now=0.4, unit="s")]
    spans = [operation("stock", "GET /stock", count=200, before=200, self_s=0.01, self_before_s=0.01),
             operation("pay", "POST /pay", count=200, before=200, self_s=2.0, self_before_s=0.1)]

    alone = rank(incident("shop"), observations(series=slow))[0]
    first = rank(incident("shop"), observations(series=slow, operations=spans))[0]

    assert alone.service == "stock"
    assert first.service == "pay"
    second = next(one for one in rank(incident("shop"), observations(series=slow, operations=spans))
                  if one.service == "stock")
    assert spans[0].key in second.evidence_against


def test_services_that_slow_down_under_four_times_the_requests_are_asked_too_much() -> None:
    slow = [series(name, "request.duration", unit="s", before=0.1, now=now)
            for name, now in (("web", 0.9), ("shop", 0.8), ("orders", 0.7), ("payments", 0.1))]
    asked = [series(name, "requests", before=50, now=200) for name in quiet_services()]

    first = rank(incident("web"), observations(series=slow + asked, calls=EDGES))[0]

    assert (first.service, first.kind) == ("web", CauseKind.TRAFFIC)


def test_errors_that_grow_with_the_requests_are_no_outage() -> None:
    asked = [series(name, "requests", before=50, now=200) for name in quiet_services()]
    errors = [series("orders", "errors", before=0.5, now=2.0)]

    hypotheses = rank(incident("web"), observations(series=asked + errors, calls=EDGES))

    assert all(one.kind is not CauseKind.UNAVAILABLE for one in hypotheses)


def test_memory_that_fills_while_requests_fail_is_not_explained_by_the_failed_requests() -> None:
    told = [series("orders", "memory.utilization", unit="1", before=0.4, now=0.96),
            series("orders", "http.server.requests", unit="{request}", before=50, now=48),
            series("orders", "http.server.requests", unit="{request}", before=0.1, now=3, status_code="500")]

    first = rank(incident("web"), observations(series=told, calls=EDGES))[0]

    assert (first.service, first.kind) == ("orders", CauseKind.MEMORY)


def test_caller_that_no_longer_asks_a_service_is_changed_where_only_servers_make_spans() -> None:
    handled = [operation(name, "handle", count=100, before=600, kind="server") for name in ("web", "shop", "orders")]
    calls = (call("web", "shop"), call("shop", "orders"), call("shop", "payments", count=1))

    first = rank(incident("web"), observations(operations=handled, calls=calls))[0]

    assert (first.service, first.kind) == ("shop", CauseKind.CODE_RETURN)
