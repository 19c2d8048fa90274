"""An error of people given as the cause."""

from collections.abc import Iterator

from services.drafting.blameless.clauses import COMPOUND_AFTER_ERROR, Hit, is_denied
from services.drafting.blameless.tokens import Words, lower
from services.drafting.blameless.word_sets import word_set


def human_error(words: Words) -> Iterator[Hit]:
    for at, token in enumerate(words):
        following = lower(words, at + 1)
        if token.lower in ("fat-finger", "fat-fingered", "fat-fingering", "pebkac", "pebcak"):
            yield Hit("human-error", at, at + 1)
        if token.lower in ("this", "that", "it") and following in ("was", "is") and _is_mistake(words, at + 2):
            yield Hit("human-error", at, at + 4)
        if token.lower == "fat" and following.startswith("finger"):
            yield Hit("human-error", at, at + 2)
        if token.lower == "finger" and following in ("trouble", "problem"):
            yield Hit("human-error", at, at + 2)
        people = word_set("""
            human operator user pilot manual personal individual engineer admin administrator operational developer
            people staff technician person personnel dba
        """)
        if token.lower in people and following in (
            "error", "errors", "mistake", "mistakes", "failure", "failures", "fault", "slip", "failing", "lapse",
            "misunderstanding", "confusion", "inattention", "carelessness", "oversight",
        ):
            if lower(words, at + 2) in COMPOUND_AFTER_ERROR or is_denied(words, at) or _is_refused(words, at + 2):
                continue
            if following.startswith(("failure", "failing", "fault")) and token.lower not in (
                "human", "operator", "engineer", "people", "person",
            ):
                continue
            if token.lower in ("user", "operator", "admin", "personal", "individual", "operational") and not _is_cause(
                words, at, at + 2
            ):
                continue
            yield Hit("human-error", at, at + 2)


_CAUSE_BEFORE = word_set("""
    to was is were be been by of from through cause causes caused due because simple plain classic pure down just
    attributed a an as was-a
""")


def _is_mistake(words: Words, at: int) -> bool:
    """«This was a mistake in setting up the pool»."""
    return (
        lower(words, at) in ("a", "an", "our", "my")
        and lower(words, at + 1) in ("mistake", "oversight", "blunder", "misjudgement")
        and lower(words, at + 2) in ("", ".", ",", "in", "when", "during", "while", "made", "on", "by")
    )


def _is_refused(words: Words, after: int) -> bool:
    """«Human error is never a root cause»."""
    return lower(words, after) in ("is", "was", "cannot", "can") and (
        lower(words, after) == "cannot" or lower(words, after + 1) in ("not", "never", "no", "hardly", "rarely")
    )


def _is_cause(words: Words, start: int, end: int) -> bool:
    """A cause is said of it: «due to user error», «user error caused», «Root cause: operator error»."""
    before = lower(words, start - 1)
    return (
        before in _CAUSE_BEFORE
        or before in (":", "—", "-", "–")
        or (start == 0 and end >= len(words) - 1)
        or (lower(words, end) == "of" and "problem" in {token.lower for token in words[end:]})
        or lower(words, end)
        in ("caused", "led", "resulted", "triggered", "was", "brought", "during", "by", "when", "on", "while")
    )
