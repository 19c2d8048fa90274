"""What no data says, asked of the reviewer at its place: few, each one that only a person can answer."""

from collections.abc import Iterable

from services.drafting.case import Case
from services.drafting.drafts.draft import Factor, Impact, Question, Section, SuggestedItem
from services.drafting.drafts.factors import FEWEST_FACTORS, skipped_checks
from services.drafting.drafts.lessons import unknown_moments
from services.drafting.drafts.milestones import Milestones, culprit_change
from services.drafting.drafts.root_cause import is_known
from services.drafting.markdown.document import SectionKind
from services.drafting.wording import listed

# What a minor incident's reviewer is asked first, and of how much.
_MINOR = (SectionKind.ROOT_CAUSE, SectionKind.SUMMARY, SectionKind.IMPACT, SectionKind.FACTORS, SectionKind.TIMELINE,
          SectionKind.ACTION_ITEMS)
MOST_OF_MINOR = 3

Asked = list[tuple[SectionKind, str]]


def questions(
    case: Case, course: Milestones, found: tuple[Factor, ...], cost: Impact, items: tuple[SuggestedItem, ...],
    slow: tuple[str, ...],
) -> Asked:
    """Everything that is asked, with the part that it belongs to."""
    asked: Asked = [(SectionKind.SUMMARY,
                     f"When this was written, some of the material could not be had ({what}). Does anything that "
                     "matters stand there?") for what in case.gathered.missing]
    asked += [(SectionKind.TIMELINE, text) for text in unknown_moments(course)]
    asked += [(SectionKind.ROOT_CAUSE, text) for text in _about_cause(case)]
    asked += [(SectionKind.FACTORS, text) for text in _about_factors(case, found)]
    asked += [(SectionKind.IMPACT, text) for text in _about_impact(case, cost)]
    asked += [(SectionKind.ACTION_ITEMS, text) for text in _about_items(case, items)]
    if not case.is_major:
        return sorted(asked, key=lambda one: _MINOR.index(one[0]))[:MOST_OF_MINOR]
    return asked + [(SectionKind.LESSONS, text) for text in slow[:1]]


def numbered(sections: Iterable[Section], asked: Asked) -> tuple[tuple[Question, ...], ...]:
    """The questions of each section, numbered in the order of the sections."""
    parts: list[tuple[Question, ...]] = []
    count = 0
    for section in sections:
        texts = list(dict.fromkeys(text for kind, text in asked if kind is section.kind))
        parts.append(tuple(Question(f"Q{count + place}", section.kind, text) for place, text in enumerate(texts, 1)))
        count += len(texts)
    return tuple(parts)


def _about_cause(case: Case) -> Iterable[str]:
    if not is_known(case):
        yield "What caused this incident, and what shows it?"
        return
    change = culprit_change(case)
    if change is not None and not skipped_checks(change):
        yield "Was the change tested under the load at which it failed? No data says so."


def _about_factors(case: Case, found: tuple[Factor, ...]) -> Iterable[str]:
    if not case.is_major and not is_known(case):
        return
    if not found:
        yield "No contributing factor could be shown from data. What made this incident possible?"
    elif len(found) < FEWEST_FACTORS:
        yield "What else made this incident possible, longer or worse? Data shows no more."
    elif case.is_major and "process" not in {factor.category for factor in found}:
        yield "Which step of the process could have caught this before production, and what let it pass?"


def _about_impact(case: Case, cost: Impact) -> Iterable[str]:
    unknown = []
    if cost.failed_requests is None:
        unknown.append("how many requests failed or were too slow")
    if cost.affected_users is None and case.is_major:
        unknown.append("how many users met it")
    if cost.cost is None and case.is_major:
        unknown.append("what it cost")
    if unknown:
        yield f"No data says {listed(unknown)}. What is known?"


def _about_items(case: Case, items: tuple[SuggestedItem, ...]) -> Iterable[str]:
    if not items and not case.is_major:
        return
    if not items:
        yield "What work follows from this? No data asks for any."
    elif case.is_major and any(not item.owner for item in items):
        yield "Who owns the items without an owner? The ownership catalogue names nobody."
