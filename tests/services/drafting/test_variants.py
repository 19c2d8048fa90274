"""A line that differs from a frequent one by an identifier is no pattern of its own."""

from dataclasses import replace

import pytest

from services.drafting.observations import LogPatternWindow
from services.drafting.variants import without_variants
from tests.services.drafting.drafted import case

FREQUENT = "failed to load products of cart <*>: Timed out after <*> s waiting for a connection"


def pattern(template: str, count: int, *, service: str = "orders") -> LogPatternWindow:
    [known] = case().observations.log_patterns
    return replace(known, template=template, pattern=template, count=count, service=service)


def test_rare_line_with_an_identifier_of_letters_is_left_out() -> None:
    frequent, rare = pattern(FREQUENT, 400), pattern(FREQUENT.replace("cart <*>", "cart ecffcabb"), 1)

    assert without_variants([frequent, rare], [frequent, rare]) == [frequent]


@pytest.mark.parametrize(
    "other",
    [pattern("failed to load products of cart x: refused", 1), pattern(FREQUENT.replace("cart <*>", "cart abc"), 90),
     pattern(FREQUENT.replace("cart <*>", "cart abc"), 1, service="shop"), pattern("disk full", 1)],
    ids=["other words", "often", "other service", "short"],
)
def test_another_line_stays(other: LogPatternWindow) -> None:
    known = [pattern(FREQUENT, 400), pattern("disk gone", 400), other]

    assert without_variants([other], known) == [other]
