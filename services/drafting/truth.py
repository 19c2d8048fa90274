"""Whether a draft says anything that no evidence holds: every sentence of it, its titles, its rows and its questions.

`problems(draft)` walks a draft as it was computed. `problems_in(markdown, evidence)` reads one as people see it, with
the evidence that its marks name: what stands in a draft that was stored, reworded or rendered in another style.
"""

import re
from collections.abc import Iterator, Mapping

from services.drafting.draft import Draft
from services.drafting.evidence import Evidence
from services.drafting.statements import CLOSE_QUOTE, OPEN_QUOTE, Statement, Unsupported, unsupported

_MARK = re.compile(r"\[\^(E\d+)\]")
_DEFINITION = re.compile(r"\[\^E\d+\]:")
_CODE = re.compile(r"(?<!`)(`+)(?!`) ?(.+?) ?(?<!`)\1(?!`)")
_ESCAPED = re.compile(r"\\([\\`*\[\]<>|~&#!_:.+=-])")
# The priority, the category and the due date of an item are decided, not observed.
_ITEM_CELLS = re.compile(r"\|\s*(?:TBD|[^|]*\(suggested\))\s*\|\s*\d{4}-\d\d-\d\d\s*\|\s*P\d\s*\|\s*[\w-]+\s*\|")
_CLOCK_CELL = re.compile(r"\A\|\s*(?:\d{4}-\d\d-\d\d )?\d\d:\d\d\s*\|")


def problems(draft: Draft) -> tuple[Unsupported, ...]:
    """What the draft says beyond its evidence; empty when all of it is held."""
    evidence = {one.id: one for one in draft.evidence}
    everything = tuple(evidence)
    found = [one for statement in _statements(draft) for one in unsupported(statement, evidence)]
    for text in (draft.title, *(question.text for question in draft.questions)):
        if everything:
            found += unsupported(Statement(_without_missing(draft, text), everything), evidence)
    return tuple(found)


def problems_in(markdown: str, evidence: Mapping[str, Evidence]) -> tuple[Unsupported, ...]:
    """The same for the sentences of a Markdown text that name their evidence."""
    return tuple(found for statement in cited(markdown) for found in unsupported(statement, evidence))


def cited(markdown: str) -> Iterator[Statement]:
    """The sentences of a Markdown text that name evidence, plain, each with the marks behind it."""
    for line in markdown.splitlines():
        if _DEFINITION.match(line):
            continue
        at = 0
        marks = list(_MARK.finditer(line))
        for place, mark in enumerate(marks):
            following = marks[place + 1].start() if place + 1 < len(marks) else -1
            if mark.end() == following:
                continue
            first = place
            while first and marks[first - 1].end() == marks[first].start():
                first -= 1
            text = _plain(line[at : marks[first].start()])
            if text:
                yield Statement(text, tuple(one[1] for one in marks[first : place + 1]))
            at = mark.end()


def _statements(draft: Draft) -> Iterator[Statement]:
    yield from draft.statements()
    for item in draft.action_items:
        yield Statement(item.title, item.evidence)
    for row in draft.timeline:
        yield Statement(f"{row.at:%H:%M} {row.statement.text}", row.statement.evidence)


def _without_missing(draft: Draft, text: str) -> str:
    """What could not be had is told in the words of whoever did not answer."""
    for what in draft.missing:
        text = text.replace(what, "")
    return text


def _plain(markdown: str) -> str:
    text = _ITEM_CELLS.sub(" ", _CLOCK_CELL.sub(" ", markdown))
    text = _CODE.sub(lambda found: f"{OPEN_QUOTE}{found[2].replace('¦', '|')}{CLOSE_QUOTE}", text)
    text = re.sub(r"\A\s*(?:[-*] )?(?:\*\*[\w -]+\*\*: )?", "", text.replace("\u2060", ""))
    return " ".join(_ESCAPED.sub(r"\1", text).replace("|", " ").split())
