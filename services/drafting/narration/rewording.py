"""What an endpoint may change of a draft: the words of single sentences, never what they say.

Quotations (log lines, notes, names from outside in quotation marks) are replaced by placeholders before a sentence is
sent, so that of what a stranger wrote only names reach a model. What comes back is taken sentence by sentence, and only
if it has the same numbers, times, names, placeholders and negations, says nothing that its evidence does not hold, uses
hardly a word that neither the sentence nor its evidence has, is plain text, and blames nobody.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

from services.drafting.blameless import lint
from services.drafting.blameless.word_sets import word_set
from services.drafting.drafts.draft import Draft, Section
from services.drafting.evidence import Evidence
from services.drafting.markdown.document import SectionKind
from services.drafting.statements import Statement, unsupported
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE

# Prose; tables, sums and items stay as they were computed.
REWORDED = (SectionKind.SUMMARY, SectionKind.ROOT_CAUSE, SectionKind.LESSONS)
INSTRUCTIONS = (
    "You edit the sentences of an incident report so that they read well one after the other. The input is a numbered "
    "list. Answer with the same numbers, one sentence a line, and nothing else. Keep every number, time, name, version "
    "and every placeholder such as [Q1] exactly as it is. Add no fact, reason or advice. Name no person. Where a "
    "sentence reads well, repeat it."
)
_QUOTED = re.compile(f"{OPEN_QUOTE}[^{CLOSE_QUOTE}]*{CLOSE_QUOTE}")
_PLACEHOLDER = re.compile(r"\[Q(\d+)\]")
_LINE = re.compile(r"\s*(\d{1,3})[.):]\s+(\S.*)")
_FACT = re.compile(r"\d[\d,.:/-]*|\b[A-Za-z]\w*(?:[._/:-]+\w+)+")
_WORD = re.compile(r"[a-z]{4,}")
_NEGATION = re.compile(r"\b(?:not|no|never|nobody|none|without|nor|neither|cannot|\w+n't)\b", re.IGNORECASE)
# Links, mentions, markup, a second line, somebody speaking: no plain sentence has them.
_FORBIDDEN = re.compile(r"https?:|www\.|[@`<>{}|\\#*\[\]]|!\(|\b(?:I|I'm|you|your|please|sorry|as an)\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?](?=\s+[A-Z])")
_LONGER, _MOST_NEW_WORDS = 1.6, 0.25
# What joins sentences and says nothing of its own.
_JOINING = word_set("""
    after also although another around because been before being between both came during each ended from further
    furthermore have having however including into itself later meanwhile more moreover once only other over same since
    some such than that their them then there these they this those through thus time together under until upon were
    what when where whereas which while with within would
""")


class Refusal(Enum):
    """Why a sentence was not taken."""

    FORM = "form"
    LOST = "lost"
    INVENTED = "invented"
    UNSUPPORTED = "unsupported"
    BLAME = "blame"


def prompt(section: Section) -> str:
    """The sentences of a section, numbered, without the words of strangers."""
    return "\n".join(f"{number}. {_masked(statement.text)}" for number, statement in enumerate(section.statements, 1))


def answers(text: str, *, is_complete: bool) -> dict[int, str]:
    """The sentences of an answer by their number; of an answer that was cut off the last one is not whole."""
    lines = text.splitlines()
    if not is_complete:
        lines = lines[:-1]
    found: dict[int, list[str]] = {}
    for line in lines:
        match = _LINE.match(line)
        if match:
            found.setdefault(int(match[1]), []).append(match[2].strip())
    return {number: said[0] for number, said in found.items() if len(said) == 1}


def reworded(
    section: Section, said: Mapping[int, str], evidence: Mapping[str, Evidence]
) -> tuple[Section, Counter[Refusal]]:
    """The section with the sentences that may be taken, and why others were not."""
    refused: Counter[Refusal] = Counter()
    statements: list[Statement] = []
    for number, statement in enumerate(section.statements, 1):
        new = statement
        if number in said:
            verdict = judged(statement, said[number], evidence)
            if isinstance(verdict, Refusal):
                refused[verdict] += 1
            else:
                new = verdict
        statements.append(new)
    return replace(section, statements=tuple(statements)), refused


def judged(statement: Statement, said: str, evidence: Mapping[str, Evidence]) -> Statement | Refusal:
    """The statement in its new words, or why it must not have them."""
    quotes = _QUOTED.findall(statement.text)
    plain = " ".join(_PLACEHOLDER.sub(" ", said).split())
    if _FORBIDDEN.search(plain) or not plain.isprintable() or plain[-1:] not in (".", "”", "!", "?", ""):
        return Refusal.FORM
    if OPEN_QUOTE in said or CLOSE_QUOTE in said or '"' in said or _SENTENCE_END.search(plain) is not None:
        return Refusal.FORM
    if len(said) > _LONGER * len(_masked(statement.text)) + 20:
        return Refusal.FORM
    if sorted(_PLACEHOLDER.findall(said), key=int) != [str(place) for place in range(1, len(quotes) + 1)]:
        return Refusal.LOST
    before = _QUOTED.sub(" ", statement.text)
    if _facts(before) != _facts(plain) or len(_NEGATION.findall(before)) != len(_NEGATION.findall(plain)):
        return Refusal.LOST
    if _is_new(before, plain, [evidence[one] for one in statement.evidence if one in evidence]):
        return Refusal.INVENTED
    new = Statement(_PLACEHOLDER.sub(lambda found: quotes[int(found[1]) - 1], said), statement.evidence)
    if unsupported(new, evidence):
        return Refusal.UNSUPPORTED
    return Refusal.BLAME if lint(plain) else new


def with_sections(draft: Draft, sections: Sequence[Section]) -> Draft:
    """The draft with these sections in place of those of their kind."""
    new = {section.kind: section for section in sections}
    return replace(draft, sections=tuple(new.get(section.kind, section) for section in draft.sections))


def _masked(text: str) -> str:
    numbers = iter(range(1, len(text) + 1))
    return _QUOTED.sub(lambda _: f"[Q{next(numbers)}]", text)


def _facts(text: str) -> Counter[str]:
    return Counter(found.rstrip(".,:/-").casefold() for found in _FACT.findall(text))


def _is_new(before: str, after: str, evidence: Sequence[Evidence]) -> bool:
    """Whether names, or more than a few words, stand neither in the sentence nor in its evidence."""
    known = f"{before} {' '.join(one.statement for one in evidence)}"
    folded = known.casefold()
    names = re.findall(r"(?<=[a-z,;] )[A-Z]\w+", after)
    if any(name.casefold() not in folded for name in names):
        return True
    stems = {_stem(word) for word in _WORD.findall(folded)}
    words = [word for word in _WORD.findall(after.casefold()) if word not in _JOINING]
    new = [word for word in words if _stem(word) not in stems]
    return len(new) > max(1, _MOST_NEW_WORDS * len(words))


def _stem(word: str) -> str:
    return word[: max(4, len(word) - 3)]
