"""Review with plain forms: one has the questions, findings and action items, and publishes; others edit and comment."""

from google.protobuf.field_mask_pb2 import FieldMask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.action_item_pb2 import ActionItem, ActionItemState, Priority
from afteraction.v1.action_item_service_pb2 import UpdateActionItemRequest
from afteraction.v1.postmortem_pb2 import Postmortem, SectionKind
from afteraction.v1.postmortem_service_pb2 import (
    AddCommentRequest,
    AmendPostmortemRequest,
    AnswerQuestionRequest,
    GetPostmortemRequest,
    PublishPostmortemRequest,
    ResolveCommentRequest,
    SetReviewersRequest,
    SetTagsRequest,
    SubmitPostmortemRequest,
    UpdatePostmortemRequest,
    WaiveFindingRequest,
)
from services.dashboard import forms
from services.dashboard.desk import LIVE, Desk, see_other
from services.dashboard.forms import Form
from shared.errors import Aborted, AfteractionError, FailedPrecondition, InvalidArgument
from shared.names import deterministic_id

_ITEM_FIELDS = ("title", "owner", "due_date", "priority")


def routes(desk: Desk) -> list[Route]:
    postmortems, action_items = desk.clients.postmortems, desk.clients.action_items

    async def show(request: Request) -> Response:
        return await _page(desk, request, await postmortems.GetPostmortem(GetPostmortemRequest(name=_name(request))))

    async def act(request: Request) -> Response:
        name = _name(request)
        form = await forms.read(request, desk.guard)
        author, action = form.author(), form.text("action")
        try:
            done = await _act(name, form, author, action)
        except (FailedPrecondition, InvalidArgument, Aborted) as error:
            # What was typed comes back in the fields; nothing that a person wrote is lost to a refusal.
            found = await postmortems.GetPostmortem(GetPostmortemRequest(name=name))
            return await _page(desk, request, found, status=409, error=error, typed=form)
        response = see_other(f"/{name}?done=Published" if action == "publish" else f"/{name}/review?done={done}")
        forms.remember_author(response, author, desk.guard)
        return response

    async def _act(name: str, form: Form, author: str, action: str) -> str:
        match action:
            case "save" | "publish":
                postmortem = await _settle(name, form, author)
                if action == "publish":
                    await postmortems.PublishPostmortem(PublishPostmortemRequest(
                        name=name, author=author, etag=postmortem.etag,
                        request_id=deterministic_id("publish", name, postmortem.etag)))
            case "edit":
                await postmortems.UpdatePostmortem(UpdatePostmortemRequest(
                    name=name, markdown=form.whole("markdown"), author=author, etag=form.required("etag", "the etag")))
            case "comment":
                await postmortems.AddComment(AddCommentRequest(
                    name=name, section=_section(form.text("section")), author=author,
                    text=form.required("text", "the comment"), request_id=form.text("request_id")))
            case "resolve":
                await postmortems.ResolveComment(ResolveCommentRequest(
                    name=name, comment=form.required("comment", "the comment"), author=author))
            case "people":
                await postmortems.SetReviewers(SetReviewersRequest(
                    name=name, reviewers=_listed(form.text("reviewers")), author=author))
                await postmortems.SetTags(SetTagsRequest(name=name, tags=_listed(form.text("tags")), author=author))
            case "submit":
                await postmortems.SubmitPostmortem(SubmitPostmortemRequest(
                    name=name, author=author, reviewers=_listed(form.text("reviewers"))))
            case "amend":
                await postmortems.AmendPostmortem(AmendPostmortemRequest(
                    name=name, author=author, markdown=form.whole("markdown"),
                    base_revision=int(form.required("base_revision", "the revision"))))
            case _:
                raise InvalidArgument(f"action {action!r} is none that this page has", reason="BAD_PARAMETER",
                                      field="action")
        return {"comment": "Comment added", "resolve": "Comment resolved"}.get(action, "Saved")

    async def _settle(name: str, form: Form, author: str) -> Postmortem:
        """Answers, waivers and action items that the form has and the post-mortem has not; what it is then."""
        before = await postmortems.GetPostmortem(GetPostmortemRequest(name=name))
        answered = {each.id: each.answer for each in before.questions}
        for question, answer in form.numbered("question"):
            if answer and answer != answered.get(question, ""):
                await postmortems.AnswerQuestion(AnswerQuestionRequest(
                    name=name, question=question, answer=answer, author=author))
        for finding, words in form.numbered("reword"):
            await _reword(name, finding, words, author)
        waived = {each.id for each in before.findings if each.waiver_reason}
        left = {each.id for each in (await postmortems.GetPostmortem(GetPostmortemRequest(name=name))).findings}
        for finding, reason in form.numbered("waiver"):
            if reason and finding in left - waived:
                await postmortems.WaiveFinding(WaiveFindingRequest(
                    name=name, finding=finding, reason=reason, author=author))
        for item in before.action_items:
            changed, fields = _changed(item, form)
            if fields:
                await action_items.UpdateActionItem(UpdateActionItemRequest(
                    action_item=changed, update_mask=FieldMask(paths=fields), author=author))
        return await postmortems.GetPostmortem(GetPostmortemRequest(name=name))

    async def _reword(name: str, finding: str, words: str, author: str) -> None:
        """The line of a finding as the form has it; the lines around it stay."""
        now = await postmortems.GetPostmortem(GetPostmortemRequest(name=name))
        line = next((each.line for each in now.findings if each.id == finding), 0)
        lines = now.markdown.split("\n")
        if not words or not 0 < line <= len(lines) or words == lines[line - 1].strip():
            return
        before = lines[line - 1]
        indent, end = before[:len(before) - len(before.lstrip())], "\r" if before.endswith("\r") else ""
        lines[line - 1] = f"{indent}{words}{end}"
        await postmortems.UpdatePostmortem(UpdatePostmortemRequest(
            name=name, markdown="\n".join(lines), author=author, etag=now.etag))

    return [Route("/postmortems/{id}/review", show), Route("/postmortems/{id}/review", act, methods=["POST"])]


async def _page(desk: Desk, request: Request, postmortem: Postmortem, *, status: int = 200,
                error: AfteractionError | None = None, typed: Form | None = None) -> Response:
    return await desk.page(
        request, "review.html", status=status, postmortem=postmortem, error=error, typed=typed.values if typed else {},
        stream=postmortem.stream or LIVE, standing=standing(postmortem),
        lines=postmortem.markdown.split("\n"), dropped=ActionItemState.ACTION_ITEM_STATE_DROPPED,
        sections=[(SectionKind.Name(each.kind), each.heading) for each in postmortem.sections if each.kind],
        # The same form sent twice adds one comment.
        request_id=deterministic_id("comment", postmortem.name, postmortem.etag, str(len(postmortem.comments))))


def standing(postmortem: Postmortem) -> list[str]:
    """What still stands between this post-mortem and its publication, as far as it shows here."""
    questions = sum(not each.answer for each in postmortem.questions)
    findings = sum(not each.waiver_reason for each in postmortem.findings)
    items = sum(not (each.owner and each.due_date and each.priority) for each in postmortem.action_items
                if each.state != ActionItemState.ACTION_ITEM_STATE_DROPPED)
    asked = sum(not each.is_resolved and each.text.rstrip().endswith("?") for each in postmortem.comments)
    counted = ((questions, "question unanswered", "questions unanswered"),
               (findings, "blameless finding", "blameless findings"),
               (items, "action item incomplete", "action items incomplete"),
               (asked, "question of a comment unanswered", "questions of comments unanswered"))
    return [f"{count} {one if count == 1 else many}" for count, one, many in counted if count]


def _changed(item: ActionItem, form: Form) -> tuple[ActionItem, list[str]]:
    """The item as the form says, and the fields in which it differs."""
    after = ActionItem()
    after.CopyFrom(item)
    key = item.name.partition("/")[2]
    for field in _ITEM_FIELDS:
        if f"item.{key}.{field}" not in form.values:
            continue
        value = form.text(f"item.{key}.{field}")
        if field == "priority":
            after.priority = _priority(value)
        else:
            setattr(after, field, value)
    if form.text(f"item.{key}.drop"):
        after.state = ActionItemState.ACTION_ITEM_STATE_DROPPED
    return after, [field for field in (*_ITEM_FIELDS, "state") if getattr(after, field) != getattr(item, field)]


def _priority(text: str) -> "Priority.ValueType":
    if text not in ("", "P1", "P2", "P3"):
        raise InvalidArgument(f"priority {text!r} is none of P1, P2, P3", reason="BAD_PARAMETER", field="priority")
    return Priority.Value(f"PRIORITY_{text or 'UNSPECIFIED'}")


def _section(text: str) -> "SectionKind.ValueType":
    if text and text not in SectionKind.keys():  # noqa: SIM118 - an enum wrapper, which is no container
        raise InvalidArgument(f"section {text!r} is none that a post-mortem has", reason="BAD_PARAMETER",
                              field="section")
    return SectionKind.Value(text or "SECTION_KIND_UNSPECIFIED")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _name(request: Request) -> str:
    return f"postmortems/{request.path_params['id']}"
