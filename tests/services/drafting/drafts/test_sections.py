"""A draft of a recorded incident: its eight sections, and that no sentence says more than its evidence."""

from datetime import timedelta

from afteraction.v1 import incident_pb2
from services.drafting import messages
from services.drafting.cards.card import card
from services.drafting.case import Case, Policy
from services.drafting.drafts.sections import draft
from services.drafting.drafts.truth import problems
from services.drafting.gather import windows
from services.drafting.incident import Gathered
from services.drafting.markdown.document import SectionKind, parse
from services.drafting.rendering import Renderer
from services.drafting.statements import unsupported_in
from tests.services.drafting import recorded
from tests.services.drafting.drafted import case


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


def test_incident_of_an_alert_is_told_as_one_and_by_the_second() -> None:
    # given an alert that fired for 25 seconds, and nothing that moved but the log
    fired = recorded.incident(is_over=True)
    [alert] = fired.anomalies
    alert.signal, alert.metric_name, alert.unit, alert.operation = incident_pb2.SIGNAL_ALERT, "PayErrors", "", ""
    alert.observed, alert.baseline, alert.z = 1, 0, 0
    fired.detected_at.CopyFrom(fired.onset_at)
    fired.recovered_at.FromDatetime(recorded.ONSET + timedelta(seconds=25))
    fired.resolved_at.CopyFrom(fired.recovered_at)

    # when
    written = draft(case(incident=fired, without="series", events=[]))

    # then
    assert written.title == "orders: alert “PayErrors” fired"
    [what, *_] = written.section(SectionKind.SUMMARY).statements
    assert what.text.startswith(
        "For 25 seconds on 2026-03-02, from 10:14:00 to 10:14:25 UTC, the alert “PayErrors” was firing for orders")
    said = " ".join(one.text for one in written.statements())
    assert "reached 1" not in said and "against 0 before" not in said
    assert "PoolTimeout" in " ".join(one.text for one in written.section(SectionKind.ROOT_CAUSE).statements)
    assert not problems(written)
