"""What a reviewer decided in one go: answers, other lines, waivers, action items; one revision, or nothing of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.drafting.action_items import ItemChanges, State
from services.drafting.markdown import document as markdown
from services.drafting.review import life as review
from services.drafting.review.findings import findings
from services.drafting.review.life import Changed, Finding, Postmortem
from shared.errors import FailedPrecondition, InvalidArgument, NotFound


@dataclass(frozen=True, slots=True)
class Settlement:
    """Answers by question, lines by finding, reasons by finding, changes by action item."""

    answers: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, str] = field(default_factory=dict)
    waivers: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, ItemChanges] = field(default_factory=dict)


def settle(before: Postmortem, settlement: Settlement, *, author: str) -> Changed:
    """`before` with all of it. Raises what the single steps raise: then nothing of it is stored."""
    found = findings(markdown.parse(before.markdown))
    now, done = before, []
    if settlement.lines:
        text = _reworded(before, found, settlement.lines)
        now = review.edit(now, text=text, section=None, author=author).after
        done.append(f"reworded {', '.join(settlement.lines)}")
    for finding, reason in settlement.waivers.items():
        now = review.waive(now, found, finding=finding, reason=reason, author=author).after
        done.append(f"waived {finding}: {reason}")
    for question, words in settlement.answers.items():
        now = review.answer(now, question=question, words=words, author=author).after
        done.append(f"answered {question}")
    for name, changes in settlement.items.items():
        now = _item(now, name, changes, author)
        done.append(f"{'dropped' if changes.state is State.DROPPED else 'changed'} action item {name}")
    detail = "; ".join(done)
    is_rewritten = now.markdown != before.markdown
    # Each step counted a revision of its own; a reader sees one change by one person.
    after = replace(now, revision=before.revision + is_rewritten)
    return Changed(after, author, "reviewed", detail, reason=f"reviewed: {detail}" if is_rewritten else "")


def _item(now: Postmortem, name: str, changes: ItemChanges, author: str) -> Postmortem:
    item = next((known for known in now.items if known.name == name), None)
    if item is None:
        raise NotFound(f"{now.name} has no action item {name}", reason="ACTION_ITEM_NOT_FOUND", resource=name)
    if item.state is not State.SUGGESTED:
        raise FailedPrecondition(f"{name} is no suggestion any more; change the action item itself",
                                 reason="ACTION_ITEM_OPEN", resource=name)
    return review.change_item(now, item, changes, author=author).after


def _reworded(before: Postmortem, found: Sequence[Finding], lines: Mapping[str, str]) -> str:
    """The text with other lines in place of those that hold the findings; their indent and line end stay."""
    at = {each.id: each.line for each in found}
    wanted: dict[int, str] = {}
    for finding, words in lines.items():
        if finding not in at:
            raise NotFound(f"{before.name} has no finding {finding!r}; it has: {', '.join(at) or 'none'}",
                           reason="FINDING_NOT_FOUND", resource=before.name)
        if wanted.setdefault(at[finding], words) != words:
            raise InvalidArgument(f"line {at[finding]} is reworded twice; a line that holds two findings has one text",
                                  reason="TWO_REWORDINGS", field="rewordings")
    text = before.markdown.split("\n")
    for number, words in wanted.items():
        line = text[number - 1]
        indent, end = line[: len(line) - len(line.lstrip())], "\r" if line.endswith("\r") else ""
        text[number - 1] = f"{indent}{' '.join(words.split())}{end}"
    return "\n".join(text)
