import pytest

from services.drafting.blameless.idioms import idiom
from services.drafting.blameless.tokens import lower, tokens


def found(sentence: str) -> list[str]:
    words = tokens(sentence)
    return [lower(words, at) for at in range(len(words)) if idiom(words, at) is not None]


@pytest.mark.parametrize(
    ("sentence", "verb"),
    [
        ("The contractor left the debug port open.", "left"),
        ("The team keeps ignoring this alert.", "keeps"),
        ("The lead brushed the finding aside.", "brushed"),
        ("The developers took far too long to look.", "took"),
        ("The on-call was apparently asleep.", "was"),
        ("Our vendor told no one.", "told"),
    ],
)
def test_turn_of_speech_about_people_is_found_at_its_verb(sentence: str, verb: str) -> None:
    assert found(sentence) == [verb]


@pytest.mark.parametrize(
    "sentence",
    [
        "The restart left the port open.",
        "The proxy keeps ignoring the header.",
        "The replica was slow to catch up.",
        "The timeout left a transaction open.",
        "The on-call did not sit on it.",
        "The engineer left the company in May.",
    ],
)
def test_systems_and_denials_are_left_alone(sentence: str) -> None:
    assert found(sentence) == []


def test_they_are_people_where_people_were_named() -> None:
    assert found("The team was told, and they did nothing.") == ["did"]
    assert found("The retries were configured, and they did nothing.") == []
