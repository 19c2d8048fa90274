"""A document cut into passages: one thing said, under the heading it was said under, short enough to be read whole.

`cut` is what to call. The first passage is title and symptoms: what an on-call would look for. Cuts fall between
blocks, then lines, then sentences, then words: a passage ends in the middle of a sentence only when one sentence is
longer than the model reads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from services.memory.documents import Document, Passage, Role
from services.memory.importing.sections import Section, sections

CountPieces = Callable[[Sequence[str]], list[int]]
"""Word pieces of each text, as the embedding model counts them, without its two special ones."""

MOST_PASSAGES = 400  # a longer document is cut off here, and says so in its import report

_BLOCKS = re.compile(r"\n\s*\n")
_SENTENCES = re.compile(r"(?<=[.!?。])\s+")
# None of these looks past where the same could begin again: a megabyte of `[` or `<a` would take hours.
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^)\s[]*(?:\s[^)[]*)?\)")
_ADDRESS = re.compile(r"<?https?://\S+>?")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<!--(?:(?!<!--).)*?-->", re.DOTALL)
_RULES = re.compile(r"^[\s|:+=_*~-]{3,}$", re.MULTILINE)
_MARKS = re.compile(r"\*\*|__|`+|^>+\s?", re.MULTILINE)
_CELLS = re.compile(r"\s*\|\s*")
_SPACES = re.compile(r"[ \t]+")
_BLANK_LINES = re.compile(r"\n{3,}")


def cut(document: Document, count: CountPieces, *, most_pieces: int) -> list[Passage]:
    """The passages of `document`, at most `most_pieces` word pieces each with the title, as `count` counts them."""
    budget = max(32, most_pieces - count([document.title])[0] - 3)
    found: list[Passage] = []
    for role, heading, text in _groups(document):
        for piece in _pieces(text, count, budget):
            found.append(Passage(len(found), role, heading, piece))
            if len(found) == MOST_PASSAGES:
                return found
    if not found:
        found.append(Passage(0, Role.SUMMARY, "", document.title))
    return found


def plain(text: str) -> str:
    """`text` without Markdown's marks, addresses and table rules: what a reader would say aloud."""
    text = _LINK.sub(r"\1", _LINK.sub(r"\1", text))  # twice: a badge is a picture in a link
    text = _ADDRESS.sub(" ", text)
    text = _TAG.sub(" ", text)
    text = _RULES.sub("", text)
    text = _MARKS.sub("", text)
    text = _CELLS.sub(" ", text) if "|" in text else text
    return _BLANK_LINES.sub("\n\n", _SPACES.sub(" ", text)).strip()


def _groups(document: Document) -> Iterator[tuple[Role, str, str]]:
    """Neighbouring sections of one role as one text, so that a timeline of thirty headings is not thirty passages."""
    parts = [part for part in sections(document.markdown) if plain(part.text) or part.heading]
    given = [*document.alert_names, *document.log_patterns]
    if given:
        yield Role.SYMPTOMS, "Symptoms", "\n".join([document.title, *given])
    if parts and parts[0].level <= 1 and parts[0].role is Role.OTHER:
        # What stands before the first section is where people say what it is about.
        if lead := plain(parts[0].text):
            yield Role.SUMMARY, parts[0].heading, lead
        parts = parts[1:]
    for role, together in _runs(parts):
        text = "\n\n".join(_with_heading(part, role) for part in together)
        if text.strip():
            yield role, together[0].heading, text
    if document.resolution and document.resolution not in document.markdown:
        yield Role.MITIGATION, "Resolution", plain(document.resolution)


def _runs(parts: Sequence[Section]) -> Iterator[tuple[Role, list[Section]]]:
    run: list[Section] = []
    for part in parts:
        if run and part.role is not run[0].role:
            yield run[0].role, run
            run = []
        run.append(part)
    if run:
        yield run[0].role, run


def _with_heading(part: Section, role: Role) -> str:
    """Headings that only name the role (`Impact`) add nothing to the text; a finer one (`11:20`, `Slow disk`) does."""
    text = plain(part.text)
    if part.level > 2 and part.level < 7 and part.heading:
        return f"{part.heading}: {text}" if text else part.heading
    return text


def _pieces(text: str, count: CountPieces, budget: int) -> Iterator[str]:
    """`text` in parts of at most `budget` word pieces, cut at the widest gap that makes them fit."""
    atoms = list(_atoms(text, count, budget))
    sizes = count([atom for atom, _ in atoms])
    kept: list[str] = []
    used = 0
    for (atom, gap), size in zip(atoms, sizes, strict=True):
        if kept and used + size > budget:
            yield "".join(kept).strip()
            kept, used = [], 0
        kept.append((gap if kept else "") + atom)
        used += size
    if kept and "".join(kept).strip():
        yield "".join(kept).strip()


def _atoms(text: str, count: CountPieces, budget: int) -> Iterator[tuple[str, str]]:
    """Parts that are never cut again, each with the gap before it."""
    blocks = [block for block in _BLOCKS.split(text) if block.strip()]
    for block, size in zip(blocks, count(blocks), strict=True):
        if size <= budget:
            yield block, "\n\n"
            continue
        sentences = [s for line in block.split("\n") for s in _SENTENCES.split(line) if s.strip()]
        for sentence, length in zip(sentences, count(sentences), strict=True):
            if length <= budget:
                yield sentence, " "
            else:
                yield from ((words, " ") for words in _by_words(sentence, count, budget))


def _by_words(sentence: str, count: CountPieces, budget: int) -> Iterator[str]:
    """A sentence too long for the model, cut where the words allow; a word that is too long alone is cut by length."""
    kept: list[str] = []
    used = 0
    words = [word[i : i + budget] for word in sentence.split() for i in range(0, len(word), budget)]
    for word, size in zip(words, count(words), strict=True):
        if kept and used + size > budget:
            yield " ".join(kept)
            kept, used = [], 0
        kept.append(word)
        used += size
    if kept:
        yield " ".join(kept)
