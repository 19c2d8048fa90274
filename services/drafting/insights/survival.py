"""How much of a draft stands in what was published: word by word, by section.

A word survives when it lies on the longest common run of the two texts of its section (difflib's matching blocks), so
moved or repeated words are not counted twice. Questions to the reviewer are no statements: they are there to be
replaced, and are left out on both sides; so are the definitions of evidence.
"""

from dataclasses import dataclass
from difflib import SequenceMatcher

from services.drafting.markdown.document import Document, SectionKind, parse
from services.drafting.markdown.questions import questions
from services.drafting.review.revisions import words

# The matcher is quadratic; no section that people read is longer.
_MOST_WORDS = 6000


@dataclass(frozen=True, slots=True)
class SectionSurvival:
    """Words of one section: in the draft, of these in the published text, and in the published text."""

    section: SectionKind
    drafted: int
    surviving: int
    published: int

    @property
    def share(self) -> float:
        """0 to 1; of an empty draft nothing could survive, and nothing was lost."""
        return self.surviving / self.drafted if self.drafted else 1.0


def survival(drafted: str, published: str) -> tuple[SectionSurvival, ...]:
    """Each section that either text has, in the order of the eight."""
    before, after = _words_of(parse(drafted)), _words_of(parse(published))
    return tuple(_compared(kind, before.get(kind, []), after.get(kind, []))
                 for kind in SectionKind if before.get(kind) or after.get(kind))


def overall(sections: tuple[SectionSurvival, ...]) -> float:
    """The share of all drafted words."""
    drafted = sum(each.drafted for each in sections)
    return sum(each.surviving for each in sections) / drafted if drafted else 1.0


def _compared(kind: SectionKind, before: list[str], after: list[str]) -> SectionSurvival:
    before, after = before[:_MOST_WORDS], after[:_MOST_WORDS]
    blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
    return SectionSurvival(kind, len(before), sum(block.size for block in blocks), len(after))


def _words_of(document: Document) -> dict[SectionKind, list[str]]:
    asked = [(document.line_starts[each.first], document.offset(each.end)) for each in questions(document)]
    found: dict[SectionKind, list[str]] = {}
    for section in document.sections:
        at, kept = section.body_start, []
        for start, end in asked:
            if section.body_start <= start < section.body_end:
                kept.append(document.text[at:start])
                at = end
        kept.append(document.text[at : section.body_end])
        body = "".join(kept) if section.kind is not SectionKind.TITLE else section.body + section.heading
        found.setdefault(section.kind, []).extend(words(body))
    return found
