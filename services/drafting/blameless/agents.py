"""People behind a passive or a cause: «was caused by an engineer», «due to the on-call ignoring it»."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import Hit, rest_of_clause
from services.drafting.blameless.people import PEOPLE
from services.drafting.blameless.subjects import Phrase, phrase_after
from services.drafting.blameless.tokens import NEGATIONS, Words, lower
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import HARM, MISTAKENLY, WRONG

# What is said to be done by people where it went wrong.
_DONE_BADLY = word_set("""
    caused triggered botched screwed missed ignored overlooked forgotten skipped mishandled misconfigured neglected
    dismissed bypassed misread rushed mismanaged misjudged hurried broken
""")


def agents(words: Words) -> Iterator[Hit]:
    """«was caused by an engineer», «deleted by mistake by the DBA», «due to the on-call ignoring»."""
    for at, token in enumerate(words):
        if token.lower not in ("by", "to", "of", "from"):
            continue
        before = lower(words, at - 1)
        found = phrase_after(words, at + 1)
        if found.who not in PEOPLE or found.end <= found.start:
            continue
        after = lower(words, found.end)
        causal = (token.lower == "to" and before in ("due", "owing", "thanks")) or (
            token.lower == "of" and before == "because"
        )
        if token.lower == "by":
            window = {lower(words, back) for back in range(max(0, at - 5), at)}
            causal = before in _DONE_BADLY or bool(window & MISTAKENLY)
            causal = causal or (
                before == "introduced" and bool({lower(words, b) for b in range(max(0, at - 6), at)} & HARM)
            )
            is_mistake = bool(window & {"mistake", "mistakes", "error", "blunder"})
            causal = causal or (before in ("made", "committed") and is_mistake)
            causal = causal or _is_by_mistake(words, found.end)
            causal = causal and lower(words, at - 2) not in NEGATIONS
            if causal and before in ("caused", "triggered") and after in ("request", "requests"):
                continue
        if causal and not _head_is_last(words, found) and after in WRONG:
            yield Hit("person-as-failure", at - 1, rest_of_clause(words, at))
        if causal and _head_is_last(words, found):
            is_whole = after in ("who", ".", ",", "not", "") or not words[found.end].is_word
            if token.lower == "by" or is_whole or after.endswith("ing"):
                yield Hit("person-as-failure", at - 1, rest_of_clause(words, at))


def _is_by_mistake(words: Words, start: int) -> bool:
    return any(
        lower(words, at) == "by" and lower(words, at + 1) in ("mistake", "accident") for at in range(start, len(words))
    )


def _head_is_last(words: Words, found: Phrase) -> bool:
    return not lower(words, found.end - 1).endswith("'s")
