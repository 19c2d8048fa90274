"""What the rules share: a hit, where a clause ends, what is denied."""

from dataclasses import dataclass

from services.drafting.blameless.people import PEOPLE
from services.drafting.blameless.subjects import Phrase, phrase_after
from services.drafting.blameless.tokens import Words, is_adverb, lower
from services.drafting.blameless.word_sets import word_set


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule's finding: tokens [start, end) of the sentence."""

    rule: str
    start: int
    end: int


COMPOUND_AFTER_ERROR = word_set("""
    budget budgets rate rates log logs handling message messages tracking code codes page pages reporting monitoring
    count counts ratio threshold alert alerts domain domains mode modes test tests injection response responses
    handler reports tracker queue queues percentage dashboard metric metrics line lines event events series share
    correction margin bar boundary path paths state analysis detection recovery scenario scenarios rates-over class
    type types
""")


DENIALS = word_set("""
    not never no isn't wasn't instead rather avoid don't beyond without stop than neither
""")


COMPARATIVES = frozenset({"sooner", "earlier", "faster", "better", "quicker", "more", "careful"})


def rest_of_clause(words: Words, at: int, limit: int = 14) -> int:
    """Where the verb phrase that begins at `at` ends."""
    end = at
    while end < len(words) and end < at + limit and words[end].text not in ",;:()":
        if end > at + 1 and lower(words, end) in (
            "because", "which", "so", "but", "while", "when", "after", "before", "until", "since",
        ):
            break
        end += 1
    while end > at + 1 and not words[end - 1].is_word:
        end -= 1
    return end


def is_denied(words: Words, at: int) -> bool:
    return any(lower(words, back) in DENIALS for back in range(max(0, at - 6), at))


def by_agent(words: Words, verb: int) -> Phrase | None:
    for ahead in range(verb + 1, min(verb + 8, len(words) - 1)):
        if lower(words, ahead) == "by":
            found = phrase_after(words, ahead + 1)
            return Phrase(found.who, verb, verb) if found.who in PEOPLE else None
    return None


def participle(words: Words, at: int) -> int:
    """Index of the main verb behind the modal at `at`."""
    ahead = at + 1
    while (
        ahead < len(words)
        and ahead < at + 7
        and (
            lower(words, ahead) in ("have", "of", "not", "never", "been", "be", "to", "all", "at", "least")
            or is_adverb(words[ahead])
        )
    ):
        ahead += 1
    return ahead
