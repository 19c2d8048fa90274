"""People behind a passive or a cause: «was caused by an engineer», «due to the on-call ignoring it»."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import Hit, rest_of_clause
from services.drafting.blameless.people import PEOPLE
from services.drafting.blameless.subjects import Phrase, phrase_after
from services.drafting.blameless.tokens import NEGATIONS, Words, lower
from services.drafting.blameless.word_sets import word_set
from services.drafting.blameless.words import HARM, MISTAKENLY, WRONG

_PARTICLES = frozenset({"out", "through", "up", "aside", "off", "down"})

# What is said to be done by people where it went wrong.
_DONE_BADLY = word_set("""
    caused triggered botched screwed missed ignored overlooked forgotten skipped mishandled misconfigured neglected
    dismissed bypassed misread brushed waved mislabelled botched bungled fumbled mixed confused abused
    rushed mismanaged misjudged hurried broken
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
            is_bad = before in _DONE_BADLY or (before in _PARTICLES and lower(words, at - 2) in _DONE_BADLY)
            is_bad = is_bad or _is_wrong_thing(words, at)
            causal = is_bad or bool(window & MISTAKENLY)
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


def _is_wrong_thing(words: Words, by: int) -> bool:
    """«the wrong branch was deployed by Chidi»."""
    back = by - 1
    while back > 0 and lower(words, back) not in ("was", "were"):
        back -= 1
    return back > 0 and by - back < 4 and any(lower(words, at) in WRONG for at in range(max(0, back - 4), back))


def _is_by_mistake(words: Words, start: int) -> bool:
    return any(
        lower(words, at) == "by" and lower(words, at + 1) in ("mistake", "accident") for at in range(start, len(words))
    )


def _head_is_last(words: Words, found: Phrase) -> bool:
    return not lower(words, found.end - 1).endswith("'s")
