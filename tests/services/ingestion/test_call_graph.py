"""Who calls whom, whatever the order in which spans come; and that neither graph nor operations grow without end."""

import itertools
from collections import defaultdict

import pytest

from services.ingestion.call_graph import CallGraph
from services.ingestion.columns import PointBuilder
from services.ingestion.records import Span
from services.ingestion.series import Registry, Source
from services.ingestion.span_metrics import OTHER, Operations, Tallies, tally

SECOND = 1_000_000_000


def span(service: str, number: int, parent: int = 0, *, operation: str = "GET /", seconds: float = 1.0,
         is_error: bool = False) -> Span:
    return Span(service, b"t" * 16, number.to_bytes(8, "big"), parent.to_bytes(8, "big") if parent else b"",
                operation, "server", 100 * SECOND, 100 * SECOND + int(seconds * SECOND), is_error)


class Told:
    """What tallies say, by the names of series."""

    def __init__(self) -> None:
        self.registry = Registry(per_service=1000, in_all=1000)

    def of(self, tallies: Tallies, source: Source = Source.CALL) -> dict[tuple[str, str, str], int]:
        points: dict[str, PointBuilder] = defaultdict(PointBuilder)
        tallies.write(self.registry, source, "caller", points)
        names = self.registry.fresh([point.series_id for each in points.values() for point in each.histograms])
        found: dict[tuple[str, str, str], int] = {}
        for point in (point for each in points.values() for point in each.histograms):
            series = names[point.series_id]
            found[series.attributes["caller"], series.service, series.attributes["operation"]] = point.total
        return found


CHAIN = [span("shop", 1), span("orders", 2, 1), span("db", 3, 2), span("shop", 4, 1)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_calls_are_found_in_any_order_of_arrival(order: tuple[int, ...]) -> None:
    graph, told = CallGraph(Operations(100)), Told()
    found: dict[tuple[str, str, str], int] = {}
    for place in order:
        for key, count in told.of(graph.join([CHAIN[place]])).items():
            found[key] = found.get(key, 0) + count

    # A span below one of its own service is no call.
    assert found == {("shop", "orders", "GET /"): 1, ("orders", "db", "GET /"): 1}


def test_memory_of_the_graph_is_bounded() -> None:
    graph = CallGraph(Operations(100), memory=10)
    for number in range(1, 500):
        graph.join([span("shop", number), span("orders", number + 10_000, number + 20_000)])

    assert len(graph._services) <= 10
    assert len(graph._orphans) <= 10


def test_operations_beyond_the_limit_become_one() -> None:
    operations, told = Operations(3), Told()
    spans = [span("shop", number, operation=f"GET /{number}") for number in range(1, 50)]

    found = told.of(tally(spans, operations), Source.SPAN)

    assert {operation for _, _, operation in found} == {"GET /1", "GET /2", "GET /3", OTHER}
    assert sum(found.values()) == 49


def test_operations_of_one_service_do_not_use_up_those_of_another() -> None:
    operations = Operations(1)

    assert [operations.name(*each) for each in (("a", "x"), ("a", "y"), ("b", "y"))] == ["x", OTHER, "y"]
