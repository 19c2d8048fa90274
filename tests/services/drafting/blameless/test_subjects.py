import pytest

from services.drafting.blameless.people import Who
from services.drafting.blameless.subjects import phrase_after, subject
from services.drafting.blameless.tokens import tokens


@pytest.mark.parametrize(
    ("sentence", "verb", "who"),
    [
        ("The on-call failed", "failed", Who.PERSON),
        ("The engineer on call apparently never failed", "failed", Who.PERSON),
        ("The developer who wrote the query failed", "failed", Who.PERSON),
        ("The billing team deployed and failed", "failed", Who.TEAM),
        ("Alice, the primary, failed", "failed", Who.PERSON),
        ("The Kafka operator failed", "failed", Who.SYSTEM),
        ("One of the reviewers failed", "failed", Who.PERSON),
        ("The pods of the team failed", "failed", Who.SYSTEM),
        ("The NOC failed", "failed", Who.TEAM),
        ("We failed", "failed", Who.WE),
    ],
)
def test_subject_of_a_verb_is_found_past_what_stands_between(sentence: str, verb: str, who: Who) -> None:
    words = tokens(sentence)
    at = max(place for place, token in enumerate(words) if token.lower == verb)

    assert subject(words, at).who is who


@pytest.mark.parametrize(
    ("phrase", "length"),
    [("the platform team the quota", 3), ("a developer eager to leave", 2), ("an engineer on call", 4)],
)
def test_noun_phrase_ends_at_its_head(phrase: str, length: int) -> None:
    assert phrase_after(tokens(phrase), 0).end == length
