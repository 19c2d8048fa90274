"""Telling people to be better."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import Hit, rest_of_clause
from services.drafting.blameless.people import PEOPLE, Who
from services.drafting.blameless.subjects import Phrase, phrase_after, subject
from services.drafting.blameless.tokens import Words, lower
from services.drafting.blameless.word_sets import word_set

_CARE = word_set("""
    careful vigilant attentive diligent mindful cautious disciplined thorough alert conscientious aware
""")


def admonition(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        word, following = token.lower, lower(words, at + 1)
        if (
            word in _CARE
            and lower(words, at - 1) in ("more", "extra", "very", "be", "better", "really")
            and not (word == "aware" and lower(words, at - 1) in ("be", "very"))
            and word != "alert"
        ):
            before = {lower(words, back) for back in range(max(0, at - 4), at)}
            if before & {"be", "being", "become"} and not is_technical_subject(words, at):
                yield Hit("admonition", at - 1, at + 1)
        elif (
            word in ("more", "closer", "better", "greater", "extra")
            and following in ("attention", "care", "caution", "diligence", "discipline")
            and (
                {lower(words, back) for back in range(max(0, at - 3), at)}
                & {"pay", "paid", "paying", "take", "taking", "exercise", "with", "taken", "show"}
            )
        ):
            yield Hit("admonition", at - 1, at + 2)
        elif (
            word in ("remind", "reminded", "retrain", "retrained", "admonish", "lecture")
            and phrase_after(words, at + 1).who in PEOPLE
        ) or (
            word in ("reminded", "retrained", "told")
            and lower(words, at - 1) in ("be", "been", "was", "were")
            and _obliged(words, at).who in PEOPLE
            and (word != "told" or _CARE & {lower(words, i) for i in range(at, at + 5)})
        ):
            yield Hit("admonition", at, rest_of_clause(words, at, 8))
        elif (word == "must" and following in ("remember", "learn")) or (word == "try" and following == "harder"):
            if word == "try" or subject(words, at).who in PEOPLE:
                yield Hit("admonition", at, at + 2)
        elif word == "better" and following == "at" and lower(words, at - 1) in ("be", "get", "become"):
            if _obliged(words, at - 1).who in PEOPLE:
                yield Hit("admonition", at - 1, rest_of_clause(words, at, 6))
        elif word in _TAUGHT and lower(words, at - 1) == "be" and _obliged(words, at - 1).who is Who.PERSON:
            yield Hit("admonition", at - 1, rest_of_clause(words, at, 6))
        elif word in ("follow", "obey", "respect", "stick", "adhere") and _is_told(words, at):
            yield Hit("admonition", at, rest_of_clause(words, at, 6))
        elif word in ("need", "needs", "must", "should", "have", "ought") and _is_lectured(words, at):
            yield Hit("admonition", at, rest_of_clause(words, at, 8))
        elif word == "think" and following in ("before", "twice"):
            yield Hit("admonition", at, at + 2)


def _is_lectured(words: Words, at: int) -> bool:
    """«engineers need to stop deploying», «must do a better job», «should know not to»."""
    verb = at + 1 + (lower(words, at + 1) == "to")
    after = lower(words, verb + 1)
    is_lecture = (
        (lower(words, verb) == "stop" and after.endswith("ing"))
        or (lower(words, verb) == "do" and "better" in (after, lower(words, verb + 2)))
        or (lower(words, verb) == "know" and after in ("not", "better", "that", "how", "to", "when"))
        or (lower(words, verb) in ("learn", "improve", "grow", "wake", "start")
            and after in ("to", "their", "his", "her", "up", "taking", "caring", "reading", "thinking", "paying"))
        or (lower(words, verb) in ("take", "show", "have") and after in ("responsibility", "ownership", "discipline"))
    )
    return is_lecture and subject(words, at).who in PEOPLE


def is_technical_subject(words: Words, at: int) -> bool:
    return subject(words, at - 1).who is Who.SYSTEM and lower(words, at) != "careful"


def _obliged(words: Words, at: int) -> Phrase:
    """Who is meant: «staff need to be reminded», «we need to be better at»."""
    while at > 0 and lower(words, at - 1) in _OBLIGES:
        at -= 1
    return subject(words, at)


_OBLIGES = word_set("be been to need needs needed have has must should will shall ought was were got all")
_TAUGHT = word_set("supervised coached educated disciplined retrained taught trained held")
_RULES = word_set("process processes procedure procedures rules rule runbook checklist policy policies instructions")


def _is_told(words: Words, at: int) -> bool:
    """«people have to follow the process»; not «we should follow up»."""
    if lower(words, at - 1) not in ("to", "must", "should") or lower(words, at + 1) == "up":
        return False
    ahead = {lower(words, i) for i in range(at + 1, min(at + 6, len(words)))}
    return bool(ahead & _RULES) and _obliged(words, at).who is Who.PERSON
