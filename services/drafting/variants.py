"""Log patterns that are one pattern to a reader: the same line but for a word that the miner took for a part of it.

An identifier of letters alone looks like a word, and a line with it like a new pattern. Beside the pattern whose line
it is, seen far more often, it tells nothing.
"""

from collections.abc import Iterable, Sequence

from services.drafting.observations import LogPatternWindow

# So seldom against the other one, and so many of its words different at most.
FEW, SHARE, MOST_OTHER_WORDS = 3, 0.02, 2


def without_variants(patterns: Sequence[LogPatternWindow], known: Iterable[LogPatternWindow]) -> list[LogPatternWindow]:
    """`patterns` without those that are a rare variant of another one; known: all that were seen of any service."""
    frequent = [one for one in known if one.count + one.baseline_count > FEW]
    return [one for one in patterns if not any(_is_variant(one, other) for other in frequent)]


def _is_variant(one: LogPatternWindow, other: LogPatternWindow) -> bool:
    if one.key == other.key or one.service != other.service or one.severity != other.severity:
        return False
    if one.count > max(FEW, SHARE * (other.count + other.baseline_count)):
        return False
    words, others = one.template.split(), other.template.split()
    if len(words) != len(others):
        return False
    different = sum(word != beside and "<*>" not in beside for word, beside in zip(words, others, strict=True))
    # A line of few words with another one is another line.
    return different <= min(MOST_OTHER_WORDS, len(words) // 4)
