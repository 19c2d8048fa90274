"""What the draft asks of its reviewer: `> **Question Q1:** text`, found in quotes only, and replaced by the answer."""

import re
from dataclasses import dataclass

from services.drafting.markdown.document import Document, SectionKind, parse
from shared.errors import InvalidArgument, NotFound

_OPENING = re.compile(r"[ \t]*(?:>[ \t]?)+[ \t]*\*\*Question (Q\d+):\*\*[ \t]*(.*)")
_MARK = re.compile(r"[ \t]*(?:>[ \t]?)*")


@dataclass(frozen=True, slots=True)
class Question:
    """An open question: lines `first` to `end` of the document, counted from 0, half-open."""

    id: str
    section: SectionKind
    text: str
    first: int
    end: int


def questions(document: Document) -> tuple[Question, ...]:
    """The questions that stand in the document, in order; of two with one id the first counts."""
    found: dict[str, Question] = {}
    for token in document.tokens:
        if token.type != "blockquote_open" or token.map is None:
            continue
        for question in _in_quote(document, token.map[0], token.map[1]):
            found.setdefault(question.id, question)
    return tuple(found.values())


def answer(text: str, identifier: str, words: str) -> str:
    """`text` with the answer below what was asked, which is no open question any more; nothing else changes.

    Raises NotFound when no such question stands there, InvalidArgument when the answer says nothing or would change the
    sections.
    """
    if not any(letter.isalnum() for letter in words):
        raise InvalidArgument(
            f"the answer {words!r} says nothing; “Not known” is an answer too", reason="EMPTY_ANSWER", field="answer"
        )
    document = parse(text)
    question = next((question for question in questions(document) if question.id == identifier), None)
    if question is None:
        known = ", ".join(found.id for found in questions(document)) or "none"
        raise NotFound(
            f"no open question {identifier}; open are: {known}", reason="QUESTION_NOT_FOUND", resource=identifier
        )
    newline = "\r\n" if "\r\n" in text else "\n"
    # A blank line on both sides: beside a quote or a paragraph the answer would become a part of it.
    before = "" if _is_blank(document, question.first - 1) else newline
    after = newline if _is_blank(document, question.end) else newline * 2
    asked = f"> *Asked:* {question.text}{newline * 2}"
    head, tail = text[: document.offset(question.first)], text[document.offset(question.end) :]
    changed = head + before + asked + words + after + tail
    if [(section.kind, section.heading) for section in parse(changed).sections] != [
        (section.kind, section.heading) for section in document.sections
    ]:
        raise InvalidArgument(
            "the answer holds the heading of a section or leaves a code block open; write it as prose",
            reason="SECTION_NOT_SELF_CONTAINED",
            field="answer",
        )
    return changed


def _in_quote(document: Document, first: int, end: int) -> list[Question]:
    starts = [
        (number, match)
        for number in range(first, end)
        if (match := _OPENING.match(document.lines(number, number + 1).rstrip("\r\n")))
    ]
    found = []
    for index, (number, match) in enumerate(starts):
        until = starts[index + 1][0] if index + 1 < len(starts) else end
        more = (_MARK.sub("", document.lines(line, line + 1).strip(), count=1) for line in range(number + 1, until))
        text = " ".join(part for part in (match[2].strip(), *more) if part)
        found.append(Question(match[1], document.section_at(number + 1), text, number, until))
    return found


def _is_blank(document: Document, line: int) -> bool:
    return line < 0 or line >= len(document.line_starts) or not document.lines(line, line + 1).strip()
