"""Whether a draft or a card says anything that no evidence holds: its sentences, titles, rows, questions and headers.

`problems(draft)` walks a draft as it was computed, `problems_of(card)` a card. `problems_in(markdown, evidence)` reads
either as people see it: what names evidence by marks must be held by that, every other line by any evidence of the
document. It can so be asked of what was stored, reworded or rendered in another style.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from services.drafting.cards.card import Card
from services.drafting.drafts.draft import Draft
from services.drafting.evidence import Evidence, EvidenceKind
from services.drafting.statements import Statement, Unsupported, unsupported, unsupported_in
from shared.plain_text import CLOSE_QUOTE, OPEN_QUOTE

_MARK = re.compile(r"\[\^(E\d+)\]")
_DEFINITION = re.compile(r"\[\^E\d+\]:")
_CODE = re.compile(r"(?<!`)(`+)(?!`) ?(.+?) ?(?<!`)\1(?!`)")
_ESCAPED = re.compile(r"\\([\\`*\[\]<>|~&#!_:.+=-])")
# Where a link leads to; one in a quotation is somebody's words.
_TARGET = re.compile(rf"{OPEN_QUOTE}[^{CLOSE_QUOTE}]*{CLOSE_QUOTE}|(?<=\])\([^()\s]*\)")
# The priority, the category and the due date of an item are decided, not observed.
_ITEM_CELLS = re.compile(r"\|\s*(?:TBD|[^|]*\(suggested\))\s*\|\s*\d{4}-\d\d-\d\d\s*\|\s*P\d\s*\|\s*[\w-]+\s*\|")
_LABEL = re.compile(r"\A\s*(?:[-*] |\d+\. )?(?:\*\*[\w -]+\*\*: )?")
# How likely a cause is, is judged, not observed.
_CAUSE = re.compile(r"\A\d+\. \*\*[^*]+\*\*(?: in (?P<service>.+?), [a-z ]+ \([<>]?\d+ %\)|, [<>]?\d+ %): ")
# What could not be had is told in the words of whoever did not answer; a question has a number of its own.
_DECIMAL = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\d)")
_UNHAD = re.compile(r"(?<=could not be had )\(.*\)")
_TOLD, _ASKED = re.compile(r"\A> Missing: "), re.compile(r"\A> \*\*Question Q\d+:\*\* ")


def problems(draft: Draft) -> tuple[Unsupported, ...]:
    """What the draft says beyond its evidence; empty when all of it is held."""
    evidence = {one.id: one for one in draft.evidence}
    found = [one for statement in _statements(draft) for one in unsupported(statement, evidence)]
    for text in (draft.title, *(question.text for question in draft.questions)):
        found += beyond_all(_without(draft.missing, text), evidence)
    return tuple(found)


def problems_of(card: Card) -> tuple[Unsupported, ...]:
    """The same of a card."""
    evidence = {one.id: one for one in card.evidence}
    return (*unsupported_in(card.statements(), evidence), *beyond_title(card.title, evidence))


def problems_in(
    markdown: str, evidence: Mapping[str, Evidence], missing: Sequence[str] = ()
) -> tuple[Unsupported, ...]:
    """The same of a Markdown text. missing: what it says could not be had."""
    found = [one for statement in cited(markdown) for one in unsupported(statement, evidence)]
    for text in uncited(markdown):
        found += beyond_all(_without(missing, text), evidence)
    return tuple(found)


def cited(markdown: str) -> Iterator[Statement]:
    """The sentences of a Markdown text that name evidence, plain, each with the marks behind it."""
    for line in _lines(markdown):
        at = 0
        for first, end, marks in _groups(line):
            text = _plain(line[at:first])
            if text:
                yield Statement(text, marks)
            at = end


def uncited(markdown: str) -> Iterator[str]:
    """What stands in a Markdown text without a mark behind it, plain."""
    for line in _lines(markdown):
        rest = line[max((end for _, end, _ in _groups(line)), default=0) :]
        if rest.strip(" |-:") and not _TOLD.match(rest):
            yield _plain(rest)


def _lines(markdown: str) -> Iterator[str]:
    yield from (line for line in markdown.splitlines() if not _DEFINITION.match(line))


def _groups(line: str) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    """Marks that stand side by side: where they begin and end, and their ids."""
    marks = list(_MARK.finditer(line))
    while marks:
        size = next((place for place in range(1, len(marks)) if marks[place - 1].end() != marks[place].start()),
                    len(marks))
        yield marks[0].start(), marks[size - 1].end(), tuple(mark[1] for mark in marks[:size])
        marks = marks[size:]


def _statements(draft: Draft) -> Iterator[Statement]:
    yield from draft.statements()
    for item in draft.action_items:
        yield Statement(item.title, item.evidence)
    for row in draft.timeline:
        yield Statement(f"{row.at:%H:%M} {row.statement.text}", row.statement.evidence)


def beyond_all(text: str, evidence: Mapping[str, Evidence]) -> Iterable[Unsupported]:
    """What stands in no evidence at all; nothing where there is none or no text."""
    return unsupported(Statement(text, tuple(evidence)), evidence) if evidence and text.strip() else ()


def beyond_title(title: str, evidence: Mapping[str, Evidence]) -> tuple[Unsupported, ...]:
    """What of a title no evidence but the title's own holds. Detection rounds its numbers in its own way."""
    others = untitled(evidence)
    words = " ".join(" ".join((one.statement, *one.values.values())) for one in others.values())
    held = set(_DECIMAL.findall(words))
    return tuple(one for one in beyond_all(title, others)
                 if not any(_is_rounded(one.what, number) or _is_bound(title, one.what, number) for number in held))


def _is_bound(title: str, limit: str, number: str) -> bool:
    """Whether the title says `under {limit}` of a number that is."""
    return f"under {limit} " in title and float(number) < float(limit)


def _is_rounded(one: str, other: str) -> bool:
    """Whether the two are one number, told to different places behind the point; a whole one says less of it."""
    try:
        first, second = float(one), float(other)
    except ValueError:
        return False
    places = min(_places(one), _places(other))
    most = 0.07 if places else 0.03
    return abs(first - second) <= min(0.5 * 10.0**-places, most * max(first, second)) + 1e-12


def _places(number: str) -> int:
    return len(number.partition(".")[2])


def untitled(evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """The evidence without the words that are to be held by it."""
    return {
        identifier: replace(one, values={name: value for name, value in one.values.items() if name != "title"})
        if one.kind is EvidenceKind.INCIDENT
        else one
        for identifier, one in evidence.items()
    }


def _without(missing: Sequence[str], text: str) -> str:
    """What could not be had is told in the words of whoever did not answer."""
    for what in missing:
        text = text.replace(what, "")
    return text


def _plain(markdown: str) -> str:
    text = _CAUSE.sub(lambda found: f"{found['service'] or ''}: ", _UNHAD.sub("", _ASKED.sub("", markdown)))
    text = _ITEM_CELLS.sub(" ", text).replace("|", " ")
    text = _CODE.sub(lambda found: f"{OPEN_QUOTE}{found[2].replace('¦', '|')}{CLOSE_QUOTE}", text)
    text = _TARGET.sub(lambda found: found[0] if found[0][0] == OPEN_QUOTE else "", text)
    text = _LABEL.sub("", text.replace("\u2060", ""))
    return " ".join(_ESCAPED.sub(r"\1", text).split())
