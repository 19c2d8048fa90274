"""The call graph from spans, from detection, and from metrics about a peer."""

from services.drafting.hypotheses.graph import call_graph
from tests.services.drafting.hypotheses.observed import call, incident, observations, series


def test_spans_give_edges() -> None:
    graph = call_graph(incident(), observations(calls=[call("web", "shop"), call("shop", "orders")]))

    assert graph.below("web") == {"shop", "orders"}
    assert graph.hops("orders", "web") == 2


def test_a_metric_about_a_peer_is_an_edge_in_the_direction_of_who_measured() -> None:
    measured = [series("web", "peer.latency.client.p50", before=1, now=1, peer="shop"),
                series("orders", "peer.latency.server.p50", before=1, now=1, peer="shop"),
                series("shop", "request.rate", before=1, now=1)]

    graph = call_graph(incident(), observations(series=measured))

    assert graph.callees["web"] == {"shop"}
    assert graph.callees["shop"] == {"orders"}


def test_an_attribute_that_names_no_service_is_no_edge() -> None:
    graph = call_graph(incident(), observations(series=[series("web", "latency", before=1, now=1, peer="10.0.0.7")]))

    assert graph.callees == {}


def test_a_part_is_below_the_whole_that_its_name_extends() -> None:
    measured = [series(name, "latency", before=1, now=1) for name in ("jobs", "jobs::worker", "jobsite")]

    assert call_graph(incident(), observations(series=measured)).below("jobs") == {"jobs::worker"}


def test_a_cycle_ends() -> None:
    graph = call_graph(incident(), observations(calls=[call("a", "b"), call("b", "a")]))

    assert graph.below("a") == {"b"}
    assert graph.hops("a", "c") is None
