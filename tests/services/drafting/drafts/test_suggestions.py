"""Work that data asks for: specific, owned, due by priority and effort, none without evidence."""

from datetime import date

import pytest

from services.drafting.case import Case, Policy
from services.drafting.drafts.draft import SuggestedItem
from services.drafting.drafts.milestones import milestones
from services.drafting.drafts.resources import bound, resource
from services.drafting.drafts.suggestions import MOST_ITEMS, suggestions
from services.drafting.hypotheses.hypothesis import CauseKind, Hypothesis
from services.drafting.incident import Similar
from services.drafting.observations import Severity, SimilarPast
from tests.services.drafting.drafted import case


def items(desk: Case) -> dict[str, SuggestedItem]:
    return {item.title: item for item in suggestions(desk, milestones(desk))}


def find(found: dict[str, SuggestedItem], words: str) -> SuggestedItem:
    return next(item for title, item in found.items() if words in title)


def test_each_item_answers_what_was_seen() -> None:
    found = items(case())

    assert find(found, "checklist").priority == 1
    assert find(found, "how many calls one request").reason == "orders made 5 calls for each request, 1 before."
    assert find(found, "watch window").title.endswith("from 5 minutes to 15 minutes")
    assert "“The pool size is documented nowhere.”" in find(found, "Document how").reason
    assert all(item.evidence for item in found.values())


def test_due_dates_follow_from_priority_and_effort() -> None:
    found = items(case())

    assert find(found, "checklist").due == date(2026, 3, 9)
    assert find(found, "how many calls").due == date(2026, 3, 16)
    assert find(found, "watch window").due == date(2026, 3, 9)
    assert find(found, "Document how").due == date(2026, 3, 23)


def test_due_dates_are_the_teams_decision() -> None:
    found = items(case(policy=Policy(due_days={1: (1, 2), 2: (3, 4), 3: (5, 6)})))

    assert find(found, "checklist").due == date(2026, 3, 3)


def test_owner_is_that_of_the_service_that_the_work_is_on() -> None:
    assert {item.owner for item in items(case(owners={"orders": "team-orders"})).values()} == {"team-orders"}
    assert {item.owner for item in items(case()).values()} == {""}


def test_open_item_of_a_similar_incident_is_not_asked_for_again() -> None:
    past = SimilarPast("documents/d1", "postmortems/p7", "Billing ran out of connections", 0.8)

    found = items(case(similar=(Similar(past, open_action_items=("Size every pool",)),)))

    assert not any("Size every pool" in title for title in found)


def test_step_that_ended_it_is_made_ready() -> None:
    found = items(case())

    assert find(found, "one command").title == "Make the rollback of orders one command that needs no build"
    assert find(found, "one command").reason.startswith("9 minutes passed from the recognised cause")


def test_most_urgent_come_first_and_a_minor_incident_has_fewer() -> None:
    major, minor = items(case()), items(case(severity=Severity.P4))

    assert [item.priority for item in major.values()] == sorted(item.priority for item in major.values())
    assert len(minor) <= MOST_ITEMS[False] < len(major)


def test_nothing_is_asked_for_where_nothing_was_seen() -> None:
    bare = case(without="operation", events=[], missing=("telemetry incomplete",), severity=Severity.P4)

    assert not any("watch window" in title or "calls" in title for title in items(bare))


@pytest.mark.parametrize("kind", [kind for kind in CauseKind if kind is not CauseKind.UNKNOWN])
def test_every_kind_of_cause_has_work_that_names_its_service(kind: CauseKind) -> None:
    assert "orders" in bound(Hypothesis(kind, "orders", 0.9, "It broke."))


def test_resource_is_told_by_the_words_of_the_mechanism() -> None:
    said = "5.1.0 was deployed, and the connection pool of orders was used up."

    assert resource(Hypothesis(CauseKind.DEPLOYMENT, "orders", 0.9, said)) == "connection pool settings"
    assert resource(Hypothesis(CauseKind.DEPLOYMENT, "orders", 0.9, "It broke.")) is None
