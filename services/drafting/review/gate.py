"""The gate before publication: everything that stands in the way, at once."""

import re
from collections.abc import Iterable, Sequence

from services.drafting.action_items import missing
from services.drafting.markdown import document as markdown
from services.drafting.markdown.document import HEADINGS, Document, SectionKind
from services.drafting.markdown.questions import questions
from services.drafting.markdown.tables import tables
from services.drafting.review.life import Finding, Postmortem
from shared.errors import Violation

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_PLACEHOLDER = re.compile(
    r"[\s.*_`-]*(?:tbd|todo|n/?a|none|to be (?:done|written|filled in|determined))?[\s.*_`-]*", re.IGNORECASE
)


def what_is_missing(postmortem: Postmortem, findings: Sequence[Finding]) -> Iterable[Violation]:
    """Everything that stands between a post-mortem and its publication, in the order of the document."""
    document = markdown.parse(postmortem.markdown)
    for kind in SectionKind:
        if is_empty(document, kind):
            name = HEADINGS.get(kind, "title")
            yield Violation(f"sections/{kind.name.lower()}", f"the section {name!r} is empty")
    for question in questions(document):
        yield Violation(f"questions/{question.id}", f"question {question.id} is unanswered: {question.text}")
    for item in postmortem.items:
        for field in missing(item) if item.is_live else ():
            yield Violation(f"{item.name}/{field}", f"the action item {item.title!r} has no {field.replace('_', ' ')}")
    waived = {waiver.finding for waiver in postmortem.waivers}
    for found in findings:
        if found.id not in waived:
            yield Violation(
                f"findings/{found.id}", f"line {found.line}: {found.text!r} {found.why}; rewrite or waive it"
            )
    for remark in postmortem.comments:
        if not remark.is_resolved and remark.text.rstrip().endswith("?"):
            yield Violation(f"comments/{remark.id}", f"{remark.author} asks and nobody answered: {remark.text}")


def is_empty(document: Document, kind: SectionKind) -> bool:
    """Whether a part is missing or says nothing: blank, a placeholder, or a table without rows."""
    if kind is SectionKind.TITLE:
        return bool(_PLACEHOLDER.fullmatch(document.title))
    section = document.section(kind)
    if section is None:
        return True
    body = _COMMENT.sub("", section.body)
    if _PLACEHOLDER.fullmatch(body):
        return True
    only_table = all(not line.strip() or line.lstrip().startswith("|") for line in body.splitlines())
    return only_table and not any(
        any(map(str.strip, cells)) for table in tables(document, kind) for cells in table.rows
    )
