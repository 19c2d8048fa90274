"""The life of a post-mortem, decided from values alone.

    draft ──submit──► in review ──publish──► published ──amend──► amended ──publish──► published

Each function takes what is stored and returns what becomes of it, or raises in words why not. Nobody's text is lost:
every text is a revision, and an edit that was written against an older one is refused or merged, never laid over.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum

from services.drafting.action_items import Item, ItemChanges
from services.drafting.action_items import State as ItemState
from services.drafting.markdown import document as markdown
from services.drafting.markdown.document import HEADINGS, Document, SectionKind
from services.drafting.markdown.questions import answer as answer_in_text
from services.drafting.markdown.questions import questions
from services.drafting.markdown.tables import (
    ItemRow,
    accepted,
    action_items,
    append_item,
    counted_from,
    remove_row,
    replace_item,
)
from services.drafting.review import merging as revisions_merge
from shared.errors import FailedPrecondition, InvalidArgument, NotFound, Violation
from shared.names import deterministic_id

# Who wrote what no person wrote.
DRAFTER = "afteraction"
# Why a revision of the drafter's differs from the draft before it only in its words.
REWORDED = "reworded"
_SEVERITY = re.compile(r"\bseverity\W{1,8}P([1-4])\b", re.IGNORECASE)


class State(IntEnum):
    """Where a post-mortem is in its life; the numbers are those of the contract."""

    DRAFT = 1
    IN_REVIEW = 2
    PUBLISHED = 3
    AMENDED = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, and what somebody answered."""

    question: str
    section: SectionKind
    text: str
    answer: str
    author: str


@dataclass(frozen=True, slots=True)
class Waiver:
    """Somebody decided to keep the words of a finding, and why."""

    finding: str
    reason: str
    author: str


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody says about a section; `section` is None where it is about the whole."""

    id: str
    section: SectionKind | None
    author: str
    text: str
    created_at: datetime
    is_resolved: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """What the blameless lint found, with its place. Lines and columns count from 1."""

    id: str
    rule: str
    text: str
    why: str
    rewrite: str
    line: int
    column: int
    section: SectionKind


@dataclass(frozen=True, slots=True)
class Postmortem:
    """What is stored of one. `version` counts every change, `revision` those of the text.

    drafted: what the drafter found beside the text (evidence, factors, hypotheses, impact), as the contract's message.
    """

    name: str
    incident: str
    stream: str
    state: State
    severity: int
    title: str
    markdown: str
    revision: int
    version: int
    services: tuple[str, ...]
    tags: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    drafted: bytes = b""
    is_edited: bool = False
    reviewers: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    answers: tuple[Answer, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    published_at: datetime | None = None
    published_revision: int = 0
    document: str = ""
    ticket_url: str = ""
    onset_at: datetime | None = None
    resolved_at: datetime | None = None
    latency_s: float = 0.0
    items: tuple[Item, ...] = ()

    @property
    def etag(self) -> str:
        """Changes with the text and the state; a comment by somebody else does not spoil an edit."""
        return deterministic_id(self.name, str(self.revision), self.state.name)


@dataclass(frozen=True, slots=True)
class Changed:
    """What becomes of a post-mortem: the value, who did what for the audit log, and why the text has a new revision."""

    after: Postmortem
    actor: str
    action: str
    detail: str = ""
    reason: str = ""


Decision = Callable[[Postmortem], Changed]


@dataclass(frozen=True, slots=True)
class Drafted:
    """What the drafter hands over: the text, what stands beside it (as the contract's message), and what lists need."""

    incident: str
    stream: str
    severity: int
    markdown: str
    message: bytes
    services: tuple[str, ...]
    tags: tuple[str, ...]
    onset_at: datetime | None
    resolved_at: datetime | None
    ticket_url: str = ""
    latency_s: float = 0.0


def edit(before: Postmortem, *, text: str, section: SectionKind | None, author: str) -> Changed:
    """Another text for the whole or for one part. Raises FailedPrecondition once it is published."""
    _refuse_published(before)
    new = text if section is None else markdown.replace_section(before.markdown, section, text)
    where = HEADINGS.get(section, "title") if section else "whole document"
    return _rewritten(before, new, author, "edited", where, reason=f"edited: {where}")


def answer(before: Postmortem, *, question: str, words: str, author: str) -> Changed:
    """The answer in place of the question. The same answer once more changes nothing."""
    _refuse_published(before)
    asked = {found.id: found for found in questions(markdown.parse(before.markdown))}.get(question)
    if asked is None and any(given.question == question and given.answer == words for given in before.answers):
        return Changed(before, author, "answered", question)
    new = answer_in_text(before.markdown, question, words)
    assert asked is not None  # answer_in_text raises where there is no such question
    given = Answer(question, asked.section, asked.text, words, author)
    others = tuple(other for other in before.answers if other.question != question)
    return _rewritten(
        replace(before, answers=(*others, given)), new, author, "answered", question, reason=f"answered {question}"
    )


def waive(before: Postmortem, findings: Sequence[Finding], *, finding: str, reason: str, author: str) -> Changed:
    """The words of a finding stay, for a reason. Raises NotFound where there is no such finding, InvalidArgument."""
    if not any(letter.isalnum() for letter in reason):
        raise InvalidArgument(f"the reason {reason!r} says nothing", reason="EMPTY_REASON", field="reason")
    if not any(found.id == finding for found in findings):
        known = ", ".join(found.id for found in findings) or "none"
        raise NotFound(
            f"{before.name} has no finding {finding!r}; it has: {known}",
            reason="FINDING_NOT_FOUND",
            resource=before.name,
        )
    others = tuple(waiver for waiver in before.waivers if waiver.finding != finding)
    return Changed(
        replace(before, waivers=(*others, Waiver(finding, reason, author))),
        author,
        "waived finding",
        f"{finding}: {reason}",
    )


def submit(before: Postmortem, *, reviewers: Sequence[str], author: str) -> Changed:
    """Opened for review. Twice is once; `reviewers` replaces them where some are given."""
    chosen = tuple(dict.fromkeys(reviewers)) or before.reviewers
    match before.state:
        case State.DRAFT:
            return Changed(
                replace(before, state=State.IN_REVIEW, reviewers=chosen), author, "submitted", ", ".join(chosen)
            )
        case State.IN_REVIEW | State.AMENDED:
            return Changed(replace(before, reviewers=chosen), author, "submitted", ", ".join(chosen))
        case State.PUBLISHED:
            raise FailedPrecondition(
                f"{before.name} is published; amend it to review it again",
                reason="ALREADY_PUBLISHED",
                resource=before.name,
            )


def publish(before: Postmortem, obstacles: Sequence[Violation], *, author: str, at: datetime) -> Changed:
    """Published. Twice is once. Raises FailedPrecondition with every obstacle at once.

    A draft that nobody submitted is taken as submitted by who publishes it.
    """
    if before.state is State.PUBLISHED:
        return Changed(before, author, "published")
    if obstacles:
        listed = "; ".join(obstacle.description.rstrip(".") for obstacle in obstacles)
        raise FailedPrecondition(
            f"{before.name} cannot be published yet: {listed}",
            reason="NOT_READY",
            resource=before.name,
            violations=tuple(obstacles),
        )
    detail = "without a submission" if before.state is State.DRAFT else ""
    text = accepted(before.markdown)
    if before.published_at is None and before.resolved_at is not None:
        text = counted_from(text, at.date(), before.resolved_at.date())
    revision = before.revision + (text != before.markdown)
    after = replace(before, markdown=text, revision=revision, state=State.PUBLISHED, published_at=at,
                    published_revision=revision)
    return Changed(after, author, "published", detail, reason="accepted what was suggested")


def amend(before: Postmortem, *, text: str, base: str | None, author: str, origin: str = "") -> Changed:
    """A published one in review again, with `text` merged in, which was written against the text `base` (None: newest).

    An empty `text` only opens it. Raises FailedPrecondition for one that was never published.
    """
    if before.state in (State.DRAFT, State.IN_REVIEW):
        raise FailedPrecondition(
            f"{before.name} was not published yet; edit it instead", reason="NOT_PUBLISHED", resource=before.name
        )
    new, detail = before.markdown, origin
    if text:
        asked = [int(found.id[1:]) for found in questions(markdown.parse(before.markdown))]
        asked += [int(given.question[1:]) for given in before.answers if given.question[1:].isdigit()]
        merged = revisions_merge.merge(
            before.markdown if base is None else base,
            before.markdown,
            text,
            who=author,
            first_question=max(asked, default=0) + 1,
        )
        new = merged.text
        detail += f"{merged.conflicts} places that both changed" if merged.conflicts else ""
    opened = replace(before, state=State.AMENDED)
    return _rewritten(opened, new, author, "amended", detail, reason=f"amended {detail}".strip())


def comment(
    before: Postmortem, *, text: str, section: SectionKind | None, author: str, identifier: str, at: datetime
) -> Changed:
    """One more comment, at any time of its life."""
    added = Comment(identifier, section, author, text, at)
    if any(known.id == identifier for known in before.comments):
        return Changed(before, author, "commented")
    return Changed(replace(before, comments=(*before.comments, added)), author, "commented", identifier)


def resolve_comment(before: Postmortem, *, identifier: str, author: str) -> Changed:
    """A comment that has been dealt with. Raises NotFound."""
    if not any(known.id == identifier for known in before.comments):
        raise NotFound(f"{before.name} has no comment {identifier!r}", reason="COMMENT_NOT_FOUND", resource=before.name)
    comments = tuple(
        replace(known, is_resolved=known.is_resolved or known.id == identifier) for known in before.comments
    )
    return Changed(replace(before, comments=comments), author, "resolved comment", identifier)


def set_reviewers(before: Postmortem, *, reviewers: Iterable[str], author: str) -> Changed:
    chosen = tuple(dict.fromkeys(name.strip() for name in reviewers if name.strip()))
    return Changed(replace(before, reviewers=chosen), author, "set reviewers", ", ".join(chosen))


def set_tags(before: Postmortem, *, tags: Iterable[str], author: str) -> Changed:
    chosen = tuple(dict.fromkeys(tag.strip().casefold() for tag in tags if tag.strip()))
    if any(len(tag) > 100 for tag in chosen):
        raise InvalidArgument("a tag has at most 100 characters", reason="TAG_TOO_LONG", field="tags")
    return Changed(replace(before, tags=chosen), author, "set tags", ", ".join(chosen))


def add_item(before: Postmortem, row: ItemRow, *, author: str) -> Changed:
    """One more row in the table of action items."""
    body = append_item(markdown.parse(before.markdown), row)
    new = markdown.replace_section(before.markdown, SectionKind.ACTION_ITEMS, body)
    return _rewritten(before, new, author, "added action item", row.title, reason=f"added action item: {row.title}")


def change_item(before: Postmortem, item: Item, changes: ItemChanges, *, author: str) -> Changed:
    """Other cells in the row of a suggestion, or, where it is dropped, the row away.

    Raises NotFound when the text has no such row, FailedPrecondition for a state that no suggestion has.
    """
    if changes.state not in (None, ItemState.SUGGESTED, ItemState.DROPPED):
        raise FailedPrecondition(
            f"{item.name} is a suggestion; it opens when its post-mortem is published",
            reason="ACTION_ITEM_SUGGESTED",
            resource=item.name,
        )
    document = markdown.parse(before.markdown)
    row = next((row for row in action_items(document) if row.title == item.title), None)
    if row is None:
        raise NotFound(
            f"{item.name} has no row in {before.name} any more", reason="ACTION_ITEM_NOT_FOUND", resource=item.name
        )
    is_dropped = changes.state is ItemState.DROPPED
    new = remove_row(document, row.line) if is_dropped else replace_item(document, row.line, changes.cells())
    action = "dropped action item" if is_dropped else "changed action item"
    return _rewritten(before, new, author, action, item.title, reason=f"{action}: {item.title}")


def severity_in(document: Document, otherwise: int) -> int:
    """The severity that the title's list gives, which a person may have corrected."""
    match = _SEVERITY.search(document.sections[0].body)
    return int(match[1]) if match else otherwise


def _refuse_published(postmortem: Postmortem) -> None:
    if postmortem.state is State.PUBLISHED:
        raise FailedPrecondition(
            f"{postmortem.name} is published; amend it, then edit", reason="ALREADY_PUBLISHED", resource=postmortem.name
        )


def _rewritten(before: Postmortem, text: str, author: str, action: str, detail: str, *, reason: str) -> Changed:
    """`before` with another text as its next revision; with the same text no revision is added."""
    if text == before.markdown:
        return Changed(before, author, action, detail)
    if not text.strip():
        raise InvalidArgument(
            "the text is empty; a post-mortem is never deleted by an edit", reason="EMPTY_TEXT", field="markdown"
        )
    document = markdown.parse(text)
    after = replace(
        before,
        markdown=text,
        revision=before.revision + 1,
        title=document.title or before.title,
        severity=severity_in(document, before.severity),
        is_edited=True,
    )
    return Changed(after, author, action, detail, reason)
