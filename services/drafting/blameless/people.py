"""Whom a noun phrase speaks of: a person, a team, us, nobody, a customer, a system."""

from enum import Enum

from services.drafting.blameless.names import GIVEN_NAMES
from services.drafting.blameless.tokens import DETERMINERS, Token
from services.drafting.blameless.words import (
    CONTROLLER_WORDS,
    FIRST_PERSON,
    NOBODY,
    PERSON_NOUNS,
    SYSTEM_MODIFIERS,
    TEAM_NAMES,
    TEAM_NOUNS,
    THIRD_PERSON,
    TWO_LIVES,
    USER_NOUNS,
)


class Who(Enum):
    """What kind of thing a noun phrase speaks of."""

    PERSON = "person"
    TEAM = "team"
    WE = "we"
    THEY = "they"
    NOBODY = "nobody"
    USER = "user"
    # A capitalised word that is no known name: a person or a product.
    NAME = "name"
    SYSTEM = "system"
    # The sentence begins with the verb: «Forgot to renew …».
    ELIDED = "elided"
    UNKNOWN = "unknown"


#: Those of whom a failure would be said.
PEOPLE = frozenset({Who.PERSON, Who.TEAM, Who.WE})


def classify(words: tuple[Token, ...], sentence: frozenset[str] = frozenset()) -> Who:
    """Whom the noun phrase `words` (determiners and modifiers first, head last) speaks of."""
    if not words:
        return Who.UNKNOWN
    head, before = words[-1], words[:-1]
    word, modifiers = head.lower, {w.lower for w in before} - DETERMINERS
    if head.text[0] == "@":
        return Who.PERSON
    if head.text[0] == "\x01" or not head.text[0].isalpha():
        return Who.SYSTEM
    if word == "whoever":
        return Who.PERSON
    if word in FIRST_PERSON:
        return Who.WE
    if word in THIRD_PERSON:
        return Who.PERSON
    if word == "they":
        return Who.THEY
    if word in NOBODY or (word == "one" and before and before[-1].lower == "no"):
        return Who.NOBODY
    if word in ("one", "ones", "us", "them", "him", "me") and not modifiers:
        return Who.PERSON if word in ("him", "us", "me") else Who.UNKNOWN
    if word == "call" and before and before[-1].lower == "on":
        return Who.PERSON
    if word.endswith("'s"):
        return classify((*before, Token(head.text[:-2], word[:-2], head.start, head.end - 2)), sentence)
    if word in ("primary", "secondary") and len(modifiers) == 0:
        return (
            Who.PERSON
            if sentence & {"page", "paged", "pager", "alert", "on-call", "oncall", "acknowledge"}
            else Who.SYSTEM
        )
    stem = word.split("-")[-1] if "-" in word and word not in PERSON_NOUNS else word
    if stem in USER_NOUNS:
        return Who.USER if not (modifiers & SYSTEM_MODIFIERS and stem in TWO_LIVES) else Who.SYSTEM
    if stem in PERSON_NOUNS or stem in TEAM_NOUNS:
        if stem in TWO_LIVES and (modifiers & SYSTEM_MODIFIERS or sentence & CONTROLLER_WORDS):
            return Who.SYSTEM
        if stem in ("agent", "agents", "handler") and not modifiers & {"support", "human", "customer", "service"}:
            return Who.SYSTEM
        if stem in TWO_LIVES and any(w.text[0] == "\x01" for w in before):
            return Who.SYSTEM
        return Who.TEAM if stem in TEAM_NOUNS else Who.PERSON
    is_acronym = head.text.isupper() and len(before) == 1 and before[0].lower in ("the", "our")
    if word in TEAM_NAMES and word != "it" and is_acronym:
        return Who.TEAM
    if word in TEAM_NAMES and not before and head.text != "it":
        return Who.TEAM if head.text[0].isupper() or word not in ("it", "support", "security", "infra") else Who.UNKNOWN
    if head.text[0].isupper() and not head.text.isupper() and "-" not in head.text:
        if word in GIVEN_NAMES and not modifiers:
            return Who.PERSON
        if len(before) == 1 and before[0].lower in GIVEN_NAMES and before[0].text[0].isupper():
            return Who.PERSON
        if not before or all(w.text[0].isupper() and w.lower not in DETERMINERS for w in before):
            return Who.NAME
    return Who.SYSTEM
