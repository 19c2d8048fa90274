"""The forms of a verb, so that a rule names a verb once and knows it in every tense."""

from collections.abc import Iterator
from itertools import pairwise

_VOWELS = frozenset("aeiou")
# Verbs of more than one syllable that double their last letter all the same.
_DOUBLES = frozenset({"forget", "omit", "commit", "admit", "permit", "refer", "defer", "begin"})
_PASTS = {
    "blow": ("blew", "blown"), "break": ("broke", "broken"), "choose": ("chose", "chosen"), "cut": ("cut",),
    "do": ("did", "done"), "fall": ("fell", "fallen"), "forget": ("forgot", "forgotten"), "get": ("got", "gotten"),
    "give": ("gave", "given"), "go": ("went", "gone"), "hide": ("hid", "hidden"), "hold": ("held",), "keep": ("kept",),
    "leave": ("left",), "let": ("let",), "lose": ("lost",), "make": ("made",), "misread": ("misread",),
    "mistake": ("mistook", "mistaken"), "misunderstand": ("misunderstood",), "overlook": ("overlooked",),
    "override": ("overrode", "overridden"), "panic": ("panicked",), "have": ("had",),
    "know": ("knew", "known"), "hang": ("hung",), "sweep": ("swept",), "fight": ("fought",), "bite": ("bit", "bitten"),
    "begin": ("began", "begun"), "overwrite": ("overwrote", "overwritten"), "pay": ("paid",),
    "put": ("put",), "read": ("read",), "run": ("ran", "run"), "say": ("said",), "set": ("set",), "shut": ("shut",),
    "sit": ("sat",), "sleep": ("slept",), "speak": ("spoke", "spoken"), "stand": ("stood",), "take": ("took", "taken"),
    "tell": ("told",), "think": ("thought",), "wake": ("woke", "woken"), "withhold": ("withheld",),
    "write": ("wrote", "written"),
}


def forms(lemmas: str) -> frozenset[str]:
    """Every form of every verb of `lemmas`."""
    return frozenset(form for lemma in lemmas.split() for form in _forms(lemma))


def pasts(lemmas: str) -> frozenset[str]:
    """Their past tenses and participles."""
    return frozenset(form for lemma in lemmas.split() for form in _pasts(lemma))


def gerunds(lemmas: str) -> frozenset[str]:
    """Their forms in -ing."""
    return frozenset(_gerund(lemma) for lemma in lemmas.split())


def _forms(lemma: str) -> Iterator[str]:
    yield lemma
    yield _third(lemma)
    yield _gerund(lemma)
    yield from _pasts(lemma)


def _pasts(lemma: str) -> tuple[str, ...]:
    if lemma in _PASTS:
        return _PASTS[lemma]
    if lemma.endswith("e"):
        return (f"{lemma}d",)
    if _ends_in_y(lemma):
        return (f"{lemma[:-1]}ied",)
    return (f"{_stem(lemma)}ed",)


def _gerund(lemma: str) -> str:
    if lemma.endswith("ic"):
        return f"{lemma}king"
    if lemma.endswith("ie"):
        return f"{lemma[:-2]}ying"
    if lemma.endswith("e") and not lemma.endswith("ee"):
        return f"{lemma[:-1]}ing"
    return f"{_stem(lemma)}ing"


def _third(lemma: str) -> str:
    if _ends_in_y(lemma):
        return f"{lemma[:-1]}ies"
    return f"{lemma}es" if lemma.endswith(("s", "sh", "ch", "x", "z", "o")) else f"{lemma}s"


def _ends_in_y(lemma: str) -> bool:
    return len(lemma) > 1 and lemma[-1] == "y" and lemma[-2] not in _VOWELS


def _stem(lemma: str) -> str:
    """«skip» doubles its last letter, «overlook», «fix» and «omit» do and do not."""
    vowels = sum(letter in _VOWELS and before not in _VOWELS for before, letter in pairwise(" " + lemma))
    is_short = (
        len(lemma) > 2 and lemma[-1] not in _VOWELS and lemma[-1] not in "wxy"
        and lemma[-2] in _VOWELS and lemma[-3] not in _VOWELS
    )
    return lemma + lemma[-1] if is_short and (vowels == 1 or lemma in _DOUBLES) else lemma
