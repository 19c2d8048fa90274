import pytest

from services.drafting.blameless import lint


@pytest.mark.parametrize(
    "sentence",
    [
        "The DBA never answered the ticket.",
        "The vendor's engineers did not cooperate.",
        "Nobody on the squad took the alert seriously.",
        "The engineers had ample time to react and did not.",
        "QA signed off on the build without running the suite.",
        "The change was started by someone who did not know the system.",
    ],
)
def test_what_people_left_undone_is_found(sentence: str) -> None:
    assert [finding.rule for finding in lint(sentence)] == ["person-as-failure"]


@pytest.mark.parametrize(
    "sentence",
    [
        "The on-call did not have access.",
        "The on-call did not get the page: the provider had dropped it.",
        "The DBA did not restart the leader, which kept the log intact.",
        "The team rolled back without losing a message.",
        "The scheduler never answered.",
        "Three people on the call had never used this system.",
        "Customers did not receive their mails.",
    ],
)
def test_what_people_did_not_have_or_a_reason_is_not_found(sentence: str) -> None:
    assert lint(sentence) == ()
