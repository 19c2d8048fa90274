"""Guilt, blame and punishment."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import COMPOUND_AFTER_ERROR, Hit, is_denied, rest_of_clause
from services.drafting.blameless.people import PEOPLE, Who, classify
from services.drafting.blameless.subjects import phrase_after, phrase_before, subject
from services.drafting.blameless.tokens import PREPOSITIONS, Words, is_verb, lower
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import FAULT_NOUNS, HARM

_PUNISHMENTS = word_set("reprimanded disciplined sacked punished sanctioned disciplinary reprimand")


def fault(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word = token.lower
        if word in FAULT_NOUNS:
            hit = (_possessed_fault(words, at) if at else None) or (_fault_of(words, at) if word != "lack" else None)
            if hit:
                yield hit
        if word in ("cause", "reason", "culprit") and _is_named_cause(words, at):
            yield Hit("fault", at, rest_of_clause(words, at, 8))
        if word == "on" and lower(words, at - 1) in ("is", "was", "falls", "fell", "lies", "entirely"):
            is_harm = lower(words, subject(words, at - 1).end - 1) in HARM | {"blame", "this"}
            if is_harm and not _is_role(words, at) and phrase_after(words, at + 1).who in PEOPLE:
                yield Hit("fault", at - 1, rest_of_clause(words, at, 6))
        if word == "fault" and lower(words, at - 1) == "at" and subject(words, at - 1).who in PEOPLE | {Who.NAME}:
            yield Hit("fault", at - 1, at + 1)
        elif word in ("blame", "blamed", "blames", "blaming"):
            if not is_denied(words, at) and _blames_people(words, at):
                yield Hit("fault", at, rest_of_clause(words, at, 6))
        elif word in ("culprit", "culprits", "guilty", "scapegoat"):
            found = phrase_after(words, at + 2)
            if (
                (lower(words, at + 1) in ("was", "is", "were", "party", ":")
                and found.who in PEOPLE)
                or (subject(words, at - 1).who in PEOPLE
                and word != "culprit")
            ):
                yield Hit("fault", at, at + 3)
        elif word in ("responsible", "accountable", "liable"):
            hit = _responsible(words, at)
            if hit:
                yield hit
        elif word in _PUNISHMENTS and not is_denied(words, at):
            yield Hit("fault", at, at + 1)


def _is_named_cause(words: Words, at: int) -> bool:
    """«the cause of the incident was Tomasz»; «the cause was a person on the line» goes on."""
    for place in range(at + 1, min(at + 6, len(words) - 1)):
        if lower(words, place) in ("was", "is", ":"):
            found = phrase_after(words, place + 1)
            return found.who in PEOPLE and lower(words, found.end) in ("", ".")
        if not words[place].is_word:
            return False
    return False


def _is_role(words: Words, at: int) -> bool:
    """«is on call»."""
    return lower(words, at + 1) in ("call", "duty", "shift")


def _possessed_fault(words: Words, at: int) -> Hit | None:
    """«Ben's mistake», «the team's failure to», «our oversight»; not «our failure rate», «the team's error budget»."""
    following = lower(words, at + 1)
    if following in COMPOUND_AFTER_ERROR:
        return None
    is_plain = lower(words, at) in ("failure", "error", "errors", "fault", "lapse", "lapses", "slip", "inaction")
    if is_plain and following not in ("to", "in", "", ".", ",", "and", "caused", "led", "was", "when", "of", "that"):
        return None
    back = at - 1
    while (
        back > 0
        and back > at - 3
        and not lower(words, back).endswith("'s")
        and lower(words, back) not in ("our", "his", "her", "their", "my", "your")
    ):
        if not words[back].is_word or lower(words, back) in PREPOSITIONS | {"the", "a", "an"} or is_verb(words[back]):
            return None
        back -= 1
    owner = lower(words, back)
    if owner in ("his", "her", "my", "your") or (
        owner == "our" and lower(words, at) not in ("failure", "error", "errors", "fault")
    ):
        return Hit("fault", back, rest_of_clause(words, at, 6))
    if owner == "our" and following in ("to", ".", ",", ""):
        return Hit("fault", back, rest_of_clause(words, at, 6))
    if owner == "their" and (
        following in ("to", "in") or lower(words, at) not in ("failure", "error", "errors", "fault")
    ):
        return Hit("fault", back, rest_of_clause(words, at, 6))
    if owner.endswith(("'s", "s'")):
        found = phrase_before(words, back + 1)
        if lower(words, at) in ("typo", "typos", "misconfiguration") and found.who not in PEOPLE:
            return None
        if found.who in PEOPLE or (
            found.who is Who.NAME and lower(words, at) not in ("failure", "error", "errors", "fault")
        ):
            return Hit("fault", found.start, rest_of_clause(words, at, 6))
    return None


def _fault_of(words: Words, at: int) -> Hit | None:
    """«a mistake made by the DBA», «an error on the part of», «failure of the reviewer to»."""
    following = at + 1
    if lower(words, at) in ("fault",) and lower(words, following) == "lies":
        following += 1
    if lower(words, following) in ("made", "committed"):
        following += 1
    if (
        lower(words, following) == "on"
        and lower(words, following + 1) in ("the", "our", "their")
        and lower(words, following + 2) in ("part", "side")
    ):
        if lower(words, following + 1) in ("our", "their"):
            return Hit("fault", at, following + 3)
        following += 3
    elif lower(words, following) not in ("by", "of", "with", "from"):
        return None
    found = phrase_after(words, following + 1)
    if found.who not in PEOPLE or (lower(words, following) in ("from", "with") and lower(words, at) != "fault"):
        return None
    return Hit("fault", at, min(found.end, len(words)))


def _blames_people(words: Words, at: int) -> bool:
    ahead = range(at + 1, min(at + 6, len(words)))
    if any(lower(words, i) in ("on", "with", "for", "to") and phrase_after(words, i + 1).who in PEOPLE for i in ahead):
        return True
    if lower(words, at) == "blame" and lower(words, at - 1) == "to" and _begins_with_people(words):
        return True
    if lower(words, at) in ("blame", "blamed") and lower(words, at - 1) in ("to", "is", "was", "were", "are", "be"):
        return subject(words, at - 1).who in PEOPLE
    is_active = lower(words, at) != "blamed" or lower(words, at - 1) not in ("be", "been", "was", "were", "is", "are")
    return phrase_after(words, at + 1).who in PEOPLE and is_active


def _begins_with_people(words: Words) -> bool:
    """«Management's decision … is to blame»."""
    owner = next((place for place in range(min(4, len(words))) if lower(words, place).endswith(("'s", "s'"))), None)
    return owner is not None and classify(words[: owner + 1]) in PEOPLE


def _responsible(words: Words, at: int) -> Hit | None:
    ahead = {lower(words, i) for i in range(at + 1, min(at + 8, len(words)))}
    harmful = ahead & (HARM | {"this", "breaking", "causing", "deleting", "losing"}) and lower(words, at + 1) == "for"
    if lower(words, at) == "accountable" and lower(words, at - 1) == "held":
        return Hit("fault", at - 1, at + 1)
    if not harmful or ahead & word_set("""
        review reviews response budget tracking handling management postmortem communication communications reports
        recovery
    """):
        return None
    found = subject(words, at)
    return Hit("fault", found.start, rest_of_clause(words, at, 6)) if found.who in PEOPLE else None
