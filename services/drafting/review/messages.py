"""Post-mortems, revisions and action items to the contract's messages and back."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from afteraction.v1 import action_item_pb2, evidence_pb2, postmortem_pb2, postmortem_service_pb2
from services.drafting import action_items
from services.drafting.action_items import Item, ItemChanges
from services.drafting.markdown import document as markdown
from services.drafting.markdown.document import Document, SectionKind
from services.drafting.markdown.questions import questions
from services.drafting.markdown.tables import ItemRow
from services.drafting.review.life import Comment, Finding, Postmortem
from services.drafting.review.revisions import Part, Revision
from services.drafting.review.settling import Settlement
from services.drafting.store.postmortem_parts import Entry
from shared.errors import InvalidArgument
from shared.rpc.field_mask import masked_fields
from shared.timestamps import to_proto

# What an item's update_mask may name.
CHANGEABLE = ("title", "owner", "due_date", "priority", "state")
T = TypeVar("T")


def postmortem(value: Postmortem, found: Sequence[Finding]) -> postmortem_pb2.Postmortem:
    """The whole: what the text says now, and what the drafter found beside it and still stands there."""
    document = markdown.parse(value.markdown)
    drafted = postmortem_pb2.Postmortem.FromString(value.drafted)
    bodies = {section.kind: section.body for section in document.sections}
    statements = {section.kind: section.statements for section in drafted.sections}
    factors = [factor for factor in drafted.factors if factor.statement.text in bodies.get(SectionKind.FACTORS, "")]
    whole = listed(value)
    whole.MergeFrom(
        postmortem_pb2.Postmortem(
            markdown=value.markdown,
            factors=factors,
            evidence=drafted.evidence,
            sections=[
                postmortem_pb2.Section(
                    kind=int(section.kind),  # type: ignore[arg-type]
                    heading=section.heading,
                    markdown=section.body,
                    statements=[
                        statement
                        for statement in statements.get(int(section.kind), ())  # type: ignore[call-overload]
                        if statement.text in section.body
                    ],
                )
                for section in document.sections
            ],
            action_items=[action_item(item) for item in value.items],
            questions=_questions(value, document),
            findings=_findings(value, found),
            comments=[_comment(remark) for remark in value.comments],
            impact=drafted.impact if drafted.HasField("impact") else None,
            hypotheses=drafted.hypotheses,
            lesson=drafted.lesson if drafted.HasField("lesson") else None,
        )
    )
    whole.title = document.title  # as the text has it, also where it has none
    return whole


def evidence(value: Postmortem) -> list[evidence_pb2.Evidence]:
    """The evidence that was frozen with the incident."""
    return list(postmortem_pb2.Postmortem.FromString(value.drafted).evidence)


def listed(value: Postmortem) -> postmortem_pb2.Postmortem:
    """What a list shows: without text, evidence and all that is read from them."""
    return postmortem_pb2.Postmortem(
        name=value.name,
        incident=value.incident,
        stream=value.stream,
        title=value.title,
        state=int(value.state),  # type: ignore[arg-type]
        severity=value.severity,  # type: ignore[arg-type]
        revision=value.revision,
        reviewers=value.reviewers,
        tags=value.tags,
        services=value.services,
        etag=value.etag,
        ticket_url=value.ticket_url,
        document=value.document,
        latency_s=value.latency_s,
        created_at=to_proto(value.created_at),
        updated_at=to_proto(value.updated_at),
        published_at=to_proto(value.published_at),
        onset_at=to_proto(value.onset_at),
        resolved_at=to_proto(value.resolved_at),
    )


def action_item(item: Item) -> action_item_pb2.ActionItem:
    return action_item_pb2.ActionItem(
        name=item.name,
        postmortem=item.postmortem,
        title=item.title,
        owner=item.owner,
        due_date=item.due.isoformat() if item.due else "",
        priority=item.priority,  # type: ignore[arg-type]
        state=int(item.state),  # type: ignore[arg-type]
        url=item.url,
        reason=item.reason,
        evidence_ids=item.evidence,
        category=item.category,
        incident=item.incident,
        created_at=to_proto(item.created_at),
        done_at=to_proto(item.done_at),
        etag=item.etag,
    )


def changes(message: action_item_pb2.ActionItem, fields: Collection[str]) -> ItemChanges:
    """What a message says of the fields that a mask names. Raises InvalidArgument."""

    def is_meant(field: str) -> bool:
        return field in fields

    if is_meant("title") and not message.title.strip():
        raise InvalidArgument("an action item needs a title", reason="EMPTY_TITLE", field="action_item.title")
    return ItemChanges(
        title=message.title.strip() if is_meant("title") else None,
        owner=message.owner.strip() if is_meant("owner") else None,
        due=action_items.due_date(message.due_date) if is_meant("due_date") and message.due_date else None,
        priority=int(message.priority) if is_meant("priority") else None,
        state=action_items.State(message.state) if is_meant("state") and message.state else None,
    )


def settlement(request: postmortem_service_pb2.SettlePostmortemRequest) -> Settlement:
    """What a reviewer decided. Raises InvalidArgument, also where one thing is settled in two ways."""
    return Settlement(
        answers=_each("answers", ((each.question, each.answer) for each in request.answers)),
        lines=_each("rewordings", ((each.finding, each.line) for each in request.rewordings)),
        waivers=_each("waivers", ((each.finding, each.reason) for each in request.waivers)),
        items=_each(
            "action_items",
            (
                (each.action_item.name, changes(each.action_item, masked_fields(each.update_mask, CHANGEABLE)))
                for each in request.action_items
            ),
        ),
    )


def _each(field: str, pairs: Iterable[tuple[str, T]]) -> dict[str, T]:
    found: dict[str, T] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidArgument(f"{field} holds {key} twice", reason="SETTLED_TWICE", field=field)
        found[key] = value
    return found


def item_row(message: action_item_pb2.ActionItem) -> ItemRow:
    """An item that somebody adds. Raises InvalidArgument."""
    due = action_items.due_date(message.due_date) if message.due_date else None
    return ItemRow(
        " ".join(message.title.split()),
        message.owner.strip(),
        due,
        int(message.priority),
        message.category.strip(),
        message.reason.strip(),
        tuple(message.evidence_ids),
    )


def time(key: str) -> datetime:
    """A time in a page token. Raises InvalidArgument."""
    try:
        return datetime.fromisoformat(key)
    except ValueError:
        raise _bad_token() from None


def number(key: str) -> int:
    """A number in a page token. Raises InvalidArgument."""
    if not key.isdecimal():
        raise _bad_token()
    return int(key)


def section_kind(number: int) -> SectionKind | None:
    """None where a request names no section."""
    return SectionKind(number) if number else None


def revision(value: Revision) -> postmortem_pb2.Revision:
    return postmortem_pb2.Revision(
        number=value.number,
        author=value.author,
        created_at=to_proto(value.created_at),
        markdown=value.markdown,
        reason=value.reason,
    )


def entry(value: Entry) -> postmortem_pb2.AuditEntry:
    return postmortem_pb2.AuditEntry(
        occurred_at=to_proto(value.occurred_at),
        actor=value.actor,
        action=value.action,
        detail=value.detail,
        revision=value.revision,
    )


def part(value: Part) -> postmortem_service_pb2.DiffPart:
    return postmortem_service_pb2.DiffPart(change=value.change.value, text=value.text)  # type: ignore[arg-type]


def finding(value: Finding) -> postmortem_pb2.Finding:
    return postmortem_pb2.Finding(
        id=value.id,
        rule=value.rule,
        text=value.text,
        why=value.why,
        rewrite=value.rewrite,
        line=value.line,
        column=value.column,
        section=int(value.section),  # type: ignore[arg-type]
    )


def _bad_token() -> InvalidArgument:
    return InvalidArgument(
        "page_token is not one that an earlier answer gave; begin again without it",
        reason="BAD_PAGE_TOKEN",
        field="page_token",
    )


def _questions(value: Postmortem, document: Document) -> list[postmortem_pb2.Question]:
    """Those that stand in the text, and those that were answered."""
    still = questions(document)
    open_ids = {question.id for question in still}
    return [
        postmortem_pb2.Question(id=question.id, section=int(question.section), text=question.text)  # type: ignore[arg-type]
        for question in still
    ] + [
        postmortem_pb2.Question(
            id=given.question,
            section=int(given.section),  # type: ignore[arg-type]
            text=given.text,
            answer=given.answer,
            answered_by=given.author,
        )
        for given in value.answers
        if given.question not in open_ids
    ]


def _findings(value: Postmortem, found: Sequence[Finding]) -> list[postmortem_pb2.Finding]:
    waivers = {waiver.finding: waiver for waiver in value.waivers}
    messages = []
    for each in found:
        message = finding(each)
        if each.id in waivers:
            message.waiver_reason, message.waived_by = waivers[each.id].reason, waivers[each.id].author
        messages.append(message)
    return messages


def _comment(value: Comment) -> postmortem_pb2.Comment:
    return postmortem_pb2.Comment(
        id=value.id,
        section=int(value.section) if value.section else 0,  # type: ignore[arg-type]
        author=value.author,
        text=value.text,
        created_at=to_proto(value.created_at),
        is_resolved=value.is_resolved,
    )
