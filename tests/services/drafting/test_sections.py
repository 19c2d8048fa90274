"""A draft of a recorded incident: its eight sections, and that no sentence says more than its evidence."""

from services.drafting import messages
from services.drafting.card import card
from services.drafting.case import Case, Policy
from services.drafting.gather import windows
from services.drafting.incident import Gathered
from services.drafting.markdown import SectionKind, parse
from services.drafting.rendering import Renderer
from services.drafting.sections import draft
from services.drafting.statements import unsupported_in
from tests.services.drafting import recorded


def _case() -> Case:
    incident = messages.incident(recorded.incident(is_over=True))
    window, baseline = windows(incident)
    observed = messages.observations(recorded.observations(), window, baseline)
    return Case(Gathered(incident, observed), Policy())


def test_no_sentence_says_more_than_its_evidence() -> None:
    case = _case()

    shown, written = card(case), draft(case)

    assert not unsupported_in([*written.statements(), *shown.statements()], case.book.by_id())


def test_a_draft_has_all_eight_sections() -> None:
    written = Renderer().draft(draft(_case()))

    assert [section.kind for section in parse(written.markdown).sections] == list(SectionKind)
