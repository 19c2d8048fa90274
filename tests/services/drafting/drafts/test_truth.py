"""The checker finds what no evidence holds, and nothing else; it is seen to fail before it is believed."""

from dataclasses import replace

import pytest

from afteraction.v1.postmortem_pb2 import Postmortem
from services.drafting import messages
from services.drafting.cards import messages as card_messages
from services.drafting.cards.card import card
from services.drafting.case import Policy
from services.drafting.drafts.draft import Draft, Question, Section
from services.drafting.drafts.sections import draft
from services.drafting.drafts.truth import beyond_title, cited, problems, problems_in, problems_of, uncited
from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.markdown.document import SectionKind
from services.drafting.observations import Severity
from services.drafting.rendering import STYLES, Renderer
from services.drafting.statements import Statement, unsupported
from tests.eval.causes_truth import untrue_in_card, untrue_in_draft
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case
from tests.services.drafting.mutations import mutations


@pytest.fixture(scope="module")
def written() -> Draft:
    return Renderer().draft(draft(case(policy=Policy(operation_values={"POST /baskets": 50.0}))))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("severity", list(Severity))
def test_every_style_and_size_says_only_what_evidence_holds(style: str, severity: Severity) -> None:
    text = Renderer(style).draft(draft(case(severity=severity)))

    assert not problems(text)
    assert not problems_in(text.markdown, {one.id: one for one in text.evidence})


@pytest.mark.parametrize("without", ["series", "log_pattern", "operation", "event"])
def test_whatever_is_missing_nothing_is_made_up(without: str) -> None:
    text = Renderer().draft(draft(case(without=without, missing=("memory unavailable: 600 ms",))))

    assert not problems(text)
    assert not problems_in(text.markdown, {one.id: one for one in text.evidence}, text.missing)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("77 requests failed.", "77"),
        ("It began at 10:13.", "10:13"),
        ("It lasted 22 minutes.", "22 minutes"),
        ("5.1.1 went out.", "5.1.1"),
        ("billing-api failed.", "billing-api"),
        ("The log said “disk full”.", "“disk full”"),
        ("The 99th percentile rose.", "99th percentile"),
    ],
)
def test_made_up_number_time_or_name_is_found(written: Draft, text: str, what: str) -> None:
    made_up = Statement(text, (written.evidence[0].id,))
    sections = tuple(replace(one, statements=(made_up,)) if one.kind is SectionKind.SUMMARY else one
                     for one in written.sections)

    found = problems(replace(written, sections=sections))

    assert what in [one.what for one in found]


def test_titles_rows_and_questions_are_walked(written: Draft) -> None:
    item = replace(written.action_items[0], title="Raise the pool to 4096")
    row = replace(written.timeline[0], at=recorded.at(3, 33))
    asked = replace(written.section(SectionKind.IMPACT),
                    questions=(Question("Q9", SectionKind.IMPACT, "Did 8191 users notice?"),))
    sections: tuple[Section, ...] = tuple(asked if one.kind is asked.kind else one for one in written.sections)

    found = [one.what for one in problems(replace(
        written, title="orders: 55555 requests failed", action_items=(item,), timeline=(row,), sections=sections))]

    assert {"4096", "03:33", "8191", "55555"} <= set(found)


def test_rendered_text_is_read_with_the_evidence_that_it_names(written: Draft) -> None:
    evidence = {one.id: one for one in written.evidence}
    changed = written.markdown.replace("14 minutes before", "19 minutes before", 1)

    assert not problems_in(written.markdown, evidence)
    assert "19 minutes" in [one.what for one in problems_in(changed, evidence)]


def test_sentence_that_names_unknown_evidence_is_found() -> None:
    assert [one.what for one in problems_in("It failed. [^E99]", {})] == ["evidence E99"]


def test_marks_belong_to_the_words_before_them() -> None:
    found = list(cited("- **database**: It was `full | empty`. [^E1][^E2] It ended. [^E3]\n\n[^E1]: no sentence\n"))

    assert [(one.text, one.evidence) for one in found] == [
        ("It was “full   empty”.".replace("   ", " "), ("E1", "E2")), ("It ended.", ("E3",))]


@pytest.mark.parametrize("severity", list(Severity))
def test_card_says_only_what_evidence_holds(severity: Severity) -> None:
    similar = (messages.similar(recorded.past()),)
    shown = card(case(severity=severity, owners={"orders": "team-orders"}, similar=similar))

    assert not problems_of(shown)
    assert not problems_in(Renderer().card_markdown(shown), {one.id: one for one in shown.evidence}, shown.missing)


def test_title_of_a_card_is_no_evidence_for_itself() -> None:
    shown = card(case())

    assert [one.what for one in problems_of(replace(shown, title="orders: 15.5 % of requests failed"))] == ["15.5"]


def test_lines_without_a_mark_are_held_by_any_evidence(written: Draft) -> None:
    evidence = {one.id: one for one in written.evidence}
    changed = written.markdown.replace("- Duration: 23 minutes", "- Duration: 77 minutes")

    assert "Duration: 77 minutes" in list(uncited(changed))
    assert [one.what for one in problems_in(changed, evidence)] == ["77 minutes"]


# Of facts that were changed one by one; what is missed is, for one, a service in whose place another one stands that
# the same evidence names.
@pytest.mark.parametrize(
    ("kind", "least"),
    [("number", 0.9), ("time", 0.85), ("date", 1.0), ("duration", 0.85), ("version", 1.0), ("quotation", 1.0),
     ("service", 0.45), ("unknown service", 1.0)],
)
def test_changed_facts_are_caught(written: Draft, kind: str, least: float) -> None:
    shown = card(case())
    caught = [bool(unsupported(one.statement, {each.id: each for each in evidence}))
              for statements, evidence in ((written.statements(), written.evidence),
                                           (shown.statements(), shown.evidence))
              for statement in statements
              for one in mutations(statement, ("orders", "shop")) if one.kind == kind]

    assert caught and sum(caught) / len(caught) >= least


def test_card_is_walked_as_a_client_gets_it() -> None:
    shown = card(case())
    message, text = card_messages.card(shown), Renderer().card_markdown(shown)
    assert not untrue_in_card(message, text)

    message.situation[0].text = "orders is out of its normal since 03:33 UTC."

    assert [one.what for one in untrue_in_card(message, text)] == ["03:33"]
    assert "8191" in [one.what for one in untrue_in_card(message, text.replace("2,310", "8191"))]


def test_draft_is_walked_as_a_client_gets_it(written: Draft) -> None:
    message = Postmortem(markdown=written.markdown, evidence=[card_messages.evidence(one) for one in written.evidence])
    said = message.sections.add().statements.add(text=written.section(SectionKind.SUMMARY).statements[0].text,
                                                 evidence_ids=[one.id for one in written.evidence])
    assert not untrue_in_draft(message)

    said.text = "For 99 minutes it was away."

    assert [one.what for one in untrue_in_draft(message)] == ["99 minutes"]


def test_link_is_read_by_its_words_and_a_quoted_one_as_it_stands() -> None:
    found = list(cited("See [the plan](https://a.example.org/2048), as noted: `[the plan](x/2048) of 16`. [^E1]"))

    assert found[0].text == "See [the plan], as noted: “[the plan](x/2048) of 16”."


def test_title_may_give_a_bound_that_the_evidence_keeps() -> None:
    low = {"E1": Evidence("E1", EvidenceKind.METRIC, "0.004 % of requests failed before.", "web", None, None, 1.0)}

    assert not beyond_title("web: requests fail, baseline under 0.01 %", low)
    assert beyond_title("web: requests fail, baseline under 0.001 %", low)
