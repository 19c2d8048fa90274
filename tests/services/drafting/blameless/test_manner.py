import pytest

from services.drafting.blameless import lint


@pytest.mark.parametrize(
    "sentence",
    [
        "The engineer ran the script in haste.",
        "Sam deployed to production, skipping staging.",
        "The team released it against the advice of the vendor.",
        "Two engineers argued in the channel instead of rolling back.",
        "Wei deleted it thinking it was a sandbox.",
    ],
)
def test_the_way_a_person_did_it_is_blame(sentence: str) -> None:
    assert [finding.rule for finding in lint(sentence)] == ["person-as-failure"]


@pytest.mark.parametrize(
    "sentence",
    [
        "The job started too soon after the restart.",
        "The loader reads the file, skipping empty lines.",
        "The engineer restarted the pod instead of rolling back, because the image was gone.",
        "The pool ran against the replica.",
        "The key was rotated too quickly for the caches.",
    ],
)
def test_the_way_a_system_did_it_or_a_reason_is_not(sentence: str) -> None:
    assert lint(sentence) == ()
