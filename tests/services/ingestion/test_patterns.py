"""Patterns keep their names over restarts, and are counted by their steps."""

from collections.abc import Sequence
from dataclasses import replace

from services.ingestion.patterns import Miner
from services.ingestion.records import Line
from services.ingestion.series import Registry

SECOND = 1_000_000_000


def line(body: str, at: int = 0, service: str = "shop", severity: str = "INFO") -> Line:
    """at: seconds."""
    return Line(service, at * SECOND, severity, body)


def named(miner: Miner, *bodies: str) -> list[str]:
    return [each.pattern for each in miner.assign([line(body) for body in bodies])]


def counted(lines: Sequence[Line], registry: Registry) -> list[tuple[int, float]]:
    """Times in seconds and lines of the points."""
    points = Miner(10).count(lines, registry)["shop"]
    return list(zip([at // SECOND for at in points.times], points.values, strict=True))


def test_lines_that_differ_in_values_have_one_pattern_and_services_have_their_own() -> None:
    first, second, other = Miner(10).assign([line("order 1 placed"), line("order 22 placed"),
                                             line("order 1 placed", service="web")])

    assert first.pattern == second.pattern != other.pattern


def test_a_pattern_keeps_its_id_over_a_restart() -> None:
    before = Miner(10)
    wanted = named(before, "order 1 placed", "cart 7 emptied")

    after = Miner(10)
    after.restore(before.fresh())

    assert named(after, "order 9 placed", "cart 8 emptied") == wanted
    assert after.fresh() == []


def test_what_is_new_waits_until_it_is_stored() -> None:
    miner = Miner(10)
    named(miner, "order 1 placed")
    first = miner.fresh()

    named(miner, "cart 7 emptied")
    miner.stored(first)

    assert [pattern.template for pattern in miner.fresh()] == ["cart <*> emptied"]


def test_a_pattern_that_changed_meanwhile_is_stored_again() -> None:
    miner = Miner(10)
    named(miner, "order 1 placed")
    (pattern,) = miner.fresh()

    miner.stored([replace(pattern, template="older")])

    assert miner.fresh() == [pattern]


def test_a_service_with_endless_wordings_is_bounded() -> None:
    miner = Miner(5)
    words = [f"{first}{second}" for first in "ghijklmnop" for second in "ghijklmnop"]

    named(miner, *(f"{word} happened" for word in words))

    assert len(miner._patterns) <= 2 * 5 + 1


def test_lines_are_counted_in_steps_of_ten_seconds() -> None:
    registry = Registry(per_service=10, in_all=10)

    assert counted([replace(line("x", at), pattern="p") for at in (1, 2, 9, 11)], registry) == [(9, 3.0), (11, 1.0)]


def test_severities_of_one_pattern_are_told_apart() -> None:
    registry = Registry(per_service=10, in_all=10)

    counted([replace(line("x"), pattern="p", severity=severity) for severity in ("INFO", "ERROR")], registry)

    assert len(registry) == 2


def test_beyond_the_limit_of_series_lines_are_not_counted() -> None:
    registry = Registry(per_service=1, in_all=1)

    assert counted([replace(line("x"), pattern=pattern) for pattern in ("p", "q")], registry) == [(0, 1.0)]
