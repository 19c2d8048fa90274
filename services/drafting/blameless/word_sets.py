"""Sets of words, written as one would write them down."""

def word_set(text: str) -> frozenset[str]:
    """The words of `text`."""
    return frozenset(text.split())
