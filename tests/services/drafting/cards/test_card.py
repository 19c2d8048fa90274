"""The incident card of a recorded incident: what stands on it, in which order, and that it is right while it burns."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.drafting import messages
from services.drafting.cards.card import Card, card
from services.drafting.cards.messages import card as card_message
from services.drafting.cards.messages import fingerprint
from services.drafting.cards.slack import HEADER, SECTION, blocks
from services.drafting.case import Case, Policy
from services.drafting.gather import BEFORE_DECLARED, LONGEST, nothing, windows
from services.drafting.incident import Gathered, Incident
from services.drafting.observations import Signal
from services.drafting.rendering import Renderer
from services.drafting.statements import unsupported_in
from tests.services.drafting import recorded


def gathered(incident: Incident | None = None, *, is_over: bool = False) -> Gathered:
    known = incident or messages.incident(recorded.incident(is_over=is_over))
    observed = messages.observations(recorded.observations(), *windows(known))
    return Gathered(known, observed, similar=(messages.similar(recorded.past()),),
                    runbooks=(messages.runbook(recorded.found_runbook(), recorded.runbook()),),
                    owners={"orders": "team-orders"})


def made(found: Gathered) -> Card:
    return card(Case(found, Policy()))


def test_the_symptom_comes_first_with_what_was_normal_and_what_is_now() -> None:
    situation = [one.text for one in made(gathered()).situation]

    assert situation[0] == "orders is out of its normal since 10:14 UTC."
    assert situation[1] == ("8.3 % of requests to orders POST /baskets failed at 10:15, 0.12 % before (z 12.4), "
                            "27 % at the worst at 10:25, 20 % now.")


def test_what_is_over_says_so() -> None:
    situation = [one.text for one in made(gathered(is_over=True)).situation]

    assert situation[0] == "orders was out of its normal from 10:14 to 10:37 UTC, 23 minutes."
    assert situation[1].endswith("back since 10:37.")


def test_instances_of_one_measure_are_one_line() -> None:
    incident = messages.incident(recorded.incident())
    one = replace(incident.facts.anomalies[0], operation="", metric_name="pool.timeouts", signal=Signal.SATURATION)
    pods = tuple(replace(one, attributes={"pod": name}) for name in ("a", "b", "c"))
    many = replace(incident, facts=replace(incident.facts, anomalies=(*incident.facts.anomalies, *pods)))

    lines = [each.text for each in made(gathered(many)).situation if "pool.timeouts" in each.text]

    assert len(lines) == 1


def test_the_deploy_is_the_cause_and_what_it_led_to_its_mechanism() -> None:
    (first, *_) = made(gathered()).shown

    assert (first.kinds, first.hypothesis.service) == ("deployment", "orders")
    assert first.mechanism.text.startswith("5.1.0 of orders was deployed 14 minutes before the onset; since then it ")
    assert "pool" in first.mechanism.text


def test_while_it_burns_the_first_check_is_to_take_the_change_back() -> None:
    found = gathered()
    before = tuple(one for one in found.observations.events if one.occurred_at < recorded.DETECTED)
    checks = [one.text for one in
              made(replace(found, observations=replace(found.observations, events=before))).next_checks]

    assert checks[0] == "Roll orders back to 5.0.9; a roll-back is the quickest test of this cause."


def test_what_is_being_rolled_back_is_watched_instead() -> None:
    checks = [one.text for one in made(gathered()).next_checks]

    assert checks[0].startswith("The roll-back of orders began at 10:30: see whether what is broken recovers")


def test_once_it_is_over_nobody_is_sent_to_roll_back() -> None:
    checks = [one.text for one in made(gathered(is_over=True)).next_checks]

    assert checks[0] == "Read what 5.1.0 changes, app/basket.py first."
    assert not [text for text in checks if text.startswith("Roll")]


def test_no_check_repeats_a_cause() -> None:
    shown = made(gathered())

    causes = {cause.mechanism.text for cause in shown.causes}
    assert not [one for one in shown.next_checks if any(text.rstrip(".") in one.text for text in causes)]


def test_an_unlikely_cause_is_kept_but_not_shown() -> None:
    shown = made(gathered())

    assert all(cause.hypothesis.probability >= 0.05 for cause in shown.shown)
    assert len(shown.causes) > len(shown.shown)


def test_only_what_is_cited_is_listed() -> None:
    text = Renderer().card_markdown(made(gathered()))

    body, _, notes = text.partition("[^E1]: ")
    listed = {line.split("]")[0] for line in f"[^E1]: {notes}".splitlines() if line.startswith("[^E")}
    assert listed
    assert all(f"{mark}]" in body for mark in listed)


@pytest.mark.parametrize("is_over", [False, True])
def test_no_sentence_says_more_than_its_evidence(is_over: bool) -> None:
    case = Case(gathered(is_over=is_over), Policy())

    assert not unsupported_in(card(case).statements(), case.book.by_id())


def test_a_card_without_any_telemetry_names_what_is_missing() -> None:
    bare = made(nothing(messages.incident(recorded.incident()), "telemetry unavailable: nobody is there"))

    text = Renderer().card_markdown(bare)

    assert "> Missing: telemetry unavailable: nobody is there" in text
    assert "8.3 % of requests to orders POST /baskets failed" in text


def test_the_same_material_makes_the_same_card() -> None:
    first, second = (card_message(made(gathered())) for _ in range(2))

    assert fingerprint(first) == fingerprint(second)


def test_who_declares_is_late_so_the_window_begins_before() -> None:
    incident = messages.incident(recorded.incident())
    declared = replace(incident.facts.anomalies[0], signal=Signal.DECLARED)
    by_hand = replace(incident, facts=replace(incident.facts, anomalies=(declared,)))

    window, baseline = windows(by_hand)

    assert window.start == recorded.ONSET - BEFORE_DECLARED
    assert baseline.end == window.start


def test_the_window_of_a_long_incident_has_an_end() -> None:
    incident = messages.incident(recorded.incident())
    late = replace(incident.entries[0], at=recorded.ONSET + timedelta(days=9))

    window, _ = windows(replace(incident, entries=(*incident.entries, late)))

    assert window.end - window.start == LONGEST


# Slack


def texts(parts: list[dict[str, Any]]) -> list[str]:
    return [part["text"]["text"] for part in parts if part["type"] in ("header", "section")]


def test_blocks_keep_the_limits_of_block_kit() -> None:
    long = replace(made(gathered()), title="x" * 400, missing=tuple("m" * 900 for _ in range(20)))

    parts = blocks(long, "https://afteraction.example.org/")

    assert len(parts) <= 50
    assert len(texts(parts)[0]) <= HEADER
    assert all(0 < len(text) <= SECTION for text in texts(parts))
    assert {part["type"] for part in parts} <= {"header", "context", "section"}
    assert parts[1]["elements"][0]["text"].endswith("|open the card>")


def test_a_log_line_pings_nobody_in_slack() -> None:
    hostile = messages.incident(recorded.incident())
    hostile = replace(hostile, facts=replace(hostile.facts, title="<!channel> *bold* <https://evil.example|here>"))
    found = gathered(hostile)
    observed = messages.observations(
        [*recorded.observations(), recorded.pattern("<!here> @everyone see https://evil.example/now `rm`")],
        *windows(hostile))

    said = "\n".join(texts(blocks(made(replace(found, observations=observed))))[1:])

    assert "<!here>" not in said
    assert "@everyone" not in said
    assert "https://evil" not in said
