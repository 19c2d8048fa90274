"""A sentence cannot exist without evidence, and says nothing beyond it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.statements import Statement, quoted, unsupported
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE
from tests.services.drafting.recorded import at

EVIDENCE = {
    "E1": Evidence("a", EvidenceKind.METRIC, "http.server.duration p95 of orders was 1,200 ms at 10:14.", "orders",
                   at(10, 14), at(10, 37), values={"version": "5.1.0", "first": at(10, 20).isoformat()},
                   example="pool [8] is empty: 2 waiting", id="E1"),
}


def beyond(text: str) -> list[str]:
    return [one.what for one in unsupported(Statement(text, ("E1",)), EVIDENCE)]


@pytest.mark.parametrize("evidence", [(), ("",)])
def test_statement_without_evidence_cannot_be_made(evidence: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="rests on evidence"):
        Statement("It broke.", evidence)


@pytest.mark.parametrize(
    "text",
    ["It took 1,200 ms at 10:14.", "It lasted 23 minutes.", "After 6 minutes it was known.", "5.1.0 was out.",
     "The 95th percentile of orders rose.", "It said “pool [8] is empty”.", "It said “pool [8] is…”.",
     "http.server.duration rose.", "On 2026-03-02 it broke."],
)
def test_what_the_evidence_holds_may_be_said(text: str) -> None:
    assert beyond(text) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [("It took 1,201 ms.", "1,201"), ("It was 10:15.", "10:15"), ("It lasted 24 minutes.", "24 minutes"),
     ("5.1.1 was out.", "5.1.1"), ("15.1.0 was out.", "15.1.0"), ("5.1.0.2 was out.", "5.1.0.2"),
     ("billing.api failed.", "billing.api"), ("It said “pool is full”.", "“pool is full”"),
     ("On 2026-03-03 it broke.", "2026-03-03"), ("The 99th percentile rose.", "99th percentile")],
)
def test_what_it_does_not_hold_is_named(text: str, what: str) -> None:
    assert beyond(text) == [what]


@given(st.text(max_size=300))
def test_quotation_is_one_line_and_cannot_be_left(text: str) -> None:
    said = quoted(text)

    assert said[0] == OPEN_QUOTE and said[-1] == CLOSE_QUOTE and len(said) <= 242
    assert OPEN_QUOTE not in said[1:-1] and CLOSE_QUOTE not in said[1:-1]
    assert said.isprintable()


def test_service_written_like_a_word_is_known_as_a_name_from_other_evidence() -> None:
    evidence = EVIDENCE | {"E2": Evidence("b", EvidenceKind.METRIC, "billing is slow.", "billing", id="E2")}

    assert [one.what for one in unsupported(Statement("billing was slow.", ("E1",)), evidence)] == ["billing"]
    assert not unsupported(Statement("billing was slow.", ("E2",)), evidence)


@pytest.mark.parametrize(("text", "what"), [("It lasted 6 minutes (10:14 to 10:37).", ["10:14 to 10:37"]),
                                            ("It lasted 23 minutes (10:14 to 10:37).", []),
                                            ("After 6 minutes, from 10:14:00 to 10:20:00.", [])])
def test_length_of_a_stretch_is_that_between_its_ends(text: str, what: list[str]) -> None:
    assert beyond(text) == what
