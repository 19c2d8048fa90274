from hypothesis import given
from hypothesis import strategies as st

from services.drafting.insights.survival import overall, survival
from services.drafting.markdown.document import SectionKind

DRAFT = """# Checkout outage

## Summary

Carts asked for one connection an item.

> **Question Q1:** Was it load-tested?

## Lessons learned

Ten minutes to the rollback.
"""


def share(draft: str, published: str) -> dict[SectionKind, float]:
    return {each.section: each.share for each in survival(draft, published)}


def test_untouched_draft_survives_whole() -> None:
    assert overall(survival(DRAFT, DRAFT)) == 1.0


def test_each_section_is_counted_by_itself() -> None:
    published = DRAFT.replace("Ten minutes to the rollback.", "We rehearse it now.")

    shares = share(DRAFT, published)

    assert shares[SectionKind.SUMMARY] == 1.0
    assert shares[SectionKind.LESSONS] == 0.0


def test_words_that_a_person_added_take_nothing_from_the_draft() -> None:
    published = DRAFT.replace("Carts asked", "That night carts of regulars, and Carts asked")

    assert share(DRAFT, published)[SectionKind.SUMMARY] == 1.0


def test_question_that_was_answered_is_no_loss() -> None:
    published = DRAFT.replace("> **Question Q1:** Was it load-tested?", "It was not load-tested.")

    assert share(DRAFT, published)[SectionKind.SUMMARY] == 1.0


def test_word_changed_is_a_word_lost() -> None:
    [_, summary, _] = survival(DRAFT, DRAFT.replace("connection", "socket"))

    assert (summary.drafted, summary.surviving, summary.published) == (7, 6, 7)


@given(st.text(max_size=300), st.text(max_size=300))
def test_share_stays_between_none_and_all(draft: str, published: str) -> None:
    for each in survival(draft, published):
        assert 0 <= each.surviving <= min(each.drafted, each.published)
        assert 0.0 <= each.share <= 1.0
