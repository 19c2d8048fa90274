"""How a person did it: in haste, against advice, skipping the tests, instead of asking."""

from services.drafting.blameless.clauses import rest_of_clause
from services.drafting.blameless.people import Who
from services.drafting.blameless.subjects import Phrase, subject
from services.drafting.blameless.tokens import AUXILIARIES, Words, is_verb, lower
from services.drafting.blameless.verbs import gerunds
from services.drafting.blameless.word_sets import word_set

# By these the doer of a deed is told from its object: «skipping staging», not «skipping to line 40».
_LEAVING_OUT = gerunds("skip ignore bypass neglect disregard forget overlook dismiss circumvent flout defy overrule")
_DUTY_GERUNDS = gerunds("ask escalate roll revert follow check read test call wait consult verify review page tell")
_HASTE = frozenset(
    tuple(phrase.split())
    for phrase in (
        "in haste", "in a rush", "in a hurry", "in a panic", "without thinking", "for no good reason", "for no reason",
        "too quickly", "too hastily", "too eagerly", "too soon", "against", "without a word",
        "out of laziness", "out of convenience", "to save time", "without a second", "despite warnings",
        "despite clear", "despite repeated",
        "with no regard", "with little regard", "on a whim", "as a shortcut", "from memory",
    )
)
_ADVICE = word_set("advice instructions policy recommendation recommendations wishes orders objections warnings")
_THOUGHT_WRONGLY = frozenset({"thinking", "believing", "assuming"})
_EXPLAINED = word_set("because since as so")


def in_haste(words: Words, at: int) -> Phrase | None:
    """«ran the script in haste», «hit enter too quickly», «deleted it thinking it was a sandbox»."""
    if not _acts(words, at):
        return None
    end = rest_of_clause(words, at, 16)
    found_at = next(
        (place for place in range(at + 1, end) if any(_stands(words, place, phrase) for phrase in _HASTE)), None
    )
    is_deluded = any(
        lower(words, place) in _THOUGHT_WRONGLY
        and lower(words, place + 1) in ("it", "this", "they", "that", "he", "she", "nobody")
        for place in range(at + 2, end)
    )
    if found_at is None and not is_deluded:
        return None
    found = subject(words, at)
    return found if found.who in (Who.PERSON, Who.TEAM) else None


def left_out(words: Words, at: int) -> Phrase | None:
    """«deployed to production, skipping staging», «argued instead of rolling back»."""
    word = lower(words, at)
    if word in _LEAVING_OUT and words[at - 1].text == "," and lower(words, at + 1) != "to":
        return _doer(words, at)
    is_instead = word == "instead" and lower(words, at + 1) == "of" and lower(words, at + 2) in _DUTY_GERUNDS
    if is_instead and not any(token.lower in _EXPLAINED for token in words[at:]):
        return _doer(words, at)
    return None


def _doer(words: Words, end: int) -> Phrase | None:
    for at in range(end - 1, 0, -1):
        if _acts(words, at):
            found = subject(words, at)
            if found.who in (Who.PERSON, Who.TEAM):
                return found
    return None


def _acts(words: Words, at: int) -> bool:
    """A verb that somebody does: «ran», not «was run»."""
    word = lower(words, at)
    if word in AUXILIARIES or not (is_verb(words[at]) or word == "hit"):
        return False
    return lower(words, at - 1) not in ("was", "were", "been", "being", "is", "are", "be")


def _stands(words: Words, at: int, phrase: tuple[str, ...]) -> bool:
    if phrase[0] == "against":
        return lower(words, at) == "against" and any(
            lower(words, place) in _ADVICE for place in range(at + 1, at + 5)
        )
    return all(lower(words, at + number) == word for number, word in enumerate(phrase))
