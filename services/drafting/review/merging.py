"""Two people's changes of one revision brought together, line by line; where both changed the same lines, both stay.

The lines that stand now keep standing. What the other wrote there follows as a question to the reviewer, so that
nobody's text is lost and nothing is published before somebody has decided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher


@dataclass(frozen=True, slots=True)
class Merge:
    """The text, and how many places of it both had changed."""

    text: str
    conflicts: int


def merge(base: str, ours: str, theirs: str, *, who: str, first_question: int) -> Merge:
    """`ours` with what changed from `base` to `theirs`.

    who: whose change `theirs` is, for the questions. first_question: number of the first question that may be asked.
    """
    if theirs in (base, ours):
        return Merge(ours, 0)
    if ours == base:
        return Merge(theirs, 0)
    lines = [text.splitlines(keepends=True) for text in (base, ours, theirs)]
    merged: list[str] = []
    waiting: list[str] = []
    conflicts = 0
    for stable, old, mine, other in _regions(*lines):
        if stable or mine == other or other == old:
            _add(merged, mine, waiting)
        elif mine == old:
            _add(merged, other, waiting)
        else:
            _add(merged, mine, waiting)
            waiting.append(_question(f"Q{first_question + conflicts}", who, other))
            conflicts += 1
    _ask(merged, waiting)
    return Merge("".join(merged), conflicts)


def _add(merged: list[str], lines: Sequence[str], waiting: list[str]) -> None:
    """Adds lines, and before them the questions that wait: not between the rows of a table, which that would end."""
    for line in lines:
        if not line.startswith("|"):
            _ask(merged, waiting)
        merged.append(line)


def _ask(merged: list[str], waiting: list[str]) -> None:
    if waiting and merged and not merged[-1].endswith(("\n", "\r")):
        merged.append("\n")
    merged.extend(waiting)
    waiting.clear()


def _question(identifier: str, who: str, lines: Sequence[str]) -> str:
    """The other's lines as a quoted block below a question."""
    asked = (
        f"an edit by {who} was made at the same time. Which text stands? It says here:"
        if lines
        else (f"an edit by {who} was made at the same time and removes the lines above. Do they stay?")
    )
    quoted = "".join(f"> {line.rstrip()}\n" for line in lines)
    return f"\n> **Question {identifier}:** {asked}\n{quoted}\n"


def _regions(base: list[str], ours: list[str], theirs: list[str]) -> list[tuple[bool, list[str], list[str], list[str]]]:
    """The three texts cut at lines that all of them share: stable regions, and those that somebody changed."""
    in_ours, in_theirs = _matches(base, ours), _matches(base, theirs)
    regions: list[tuple[bool, list[str], list[str], list[str]]] = []
    at = mine = other = 0
    for line in [number for number in range(len(base)) if number in in_ours and number in in_theirs]:
        if line > at or in_ours[line] > mine or in_theirs[line] > other:
            regions.append((False, base[at:line], ours[mine : in_ours[line]], theirs[other : in_theirs[line]]))
        regions.append((True, base[line : line + 1], ours[in_ours[line] : in_ours[line] + 1], []))
        at, mine, other = line + 1, in_ours[line] + 1, in_theirs[line] + 1
    regions.append((False, base[at:], ours[mine:], theirs[other:]))
    return regions


def _matches(base: list[str], changed: list[str]) -> dict[int, int]:
    """Which line of `changed` a line of `base` became, in order."""
    blocks = SequenceMatcher(None, base, changed, autojunk=False).get_matching_blocks()
    return {block.a + step: block.b + step for block in blocks for step in range(block.size)}
