"""Review with plain forms: one has the questions, findings and action items, and publishes; others edit and comment."""

from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from afteraction.v1.action_item_pb2 import ActionItemState
from afteraction.v1.postmortem_pb2 import Postmortem, SectionKind
from afteraction.v1.postmortem_service_pb2 import (
    AddCommentRequest,
    AmendPostmortemRequest,
    GetPostmortemRequest,
    PublishPostmortemRequest,
    ResolveCommentRequest,
    SetReviewersRequest,
    SetTagsRequest,
    SubmitPostmortemRequest,
    UpdatePostmortemRequest,
)
from services.dashboard import forms
from services.dashboard.desk import Desk, see_other
from services.dashboard.forms import Form
from services.dashboard.pages.review_form import line_of, reword_key, settled, typed
from services.dashboard.streams import LIVE
from shared.errors import Aborted, AfteractionError, FailedPrecondition, InvalidArgument
from shared.names import deterministic_id


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
            return await _page(desk, request, found, status=409, error=error, form=form)
        response = see_other(f"/{name}?done=Published" if action == "publish" else f"/{name}/review?done={done}")
        forms.remember_author(response, author, desk.guard)
        return response

    async def _act(name: str, form: Form, author: str, action: str) -> str:
        match action:
            case "save" | "publish":
                postmortem = await _settle(name, form, author)
                if action == "publish":
                    await _publish(postmortem, author)
            case "edit":
                now = await postmortems.GetPostmortem(GetPostmortemRequest(name=name))
                await postmortems.UpdatePostmortem(UpdatePostmortemRequest(
                    name=name, markdown=forms.with_line_ends(form.whole("markdown"), now.markdown), author=author,
                    etag=form.required("etag", "the etag")))
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

    async def _publish(postmortem: Postmortem, author: str) -> None:
        await postmortems.PublishPostmortem(PublishPostmortemRequest(
            name=postmortem.name, author=author, etag=postmortem.etag,
            request_id=deterministic_id("publish", postmortem.name, postmortem.etag)))

    async def _settle(name: str, form: Form, author: str) -> Postmortem:
        """Stores what the person changed, all of it or nothing; what the post-mortem is then.

        Raises Aborted, with both texts, where somebody else changed the same things in the meantime.
        """
        now = await postmortems.GetPostmortem(GetPostmortemRequest(name=name))
        found = settled(form, now, author)
        if found.conflicts:
            raise Aborted("somebody else changed the same things in the meantime; nothing of this form was saved",
                          reason="STALE_FORM", resource=name, violations=tuple(found.conflicts))
        if not found.is_empty:
            now = await postmortems.SettlePostmortem(found.request)
        for change in found.items:
            await action_items.UpdateActionItem(change)
        return await postmortems.GetPostmortem(GetPostmortemRequest(name=name)) if found.items else now

    return [Route("/postmortems/{id}/review", show), Route("/postmortems/{id}/review", act, methods=["POST"])]


async def _page(desk: Desk, request: Request, postmortem: Postmortem, *, status: int = 200,
                error: AfteractionError | None = None, form: Form | None = None) -> Response:
    return await desk.page(
        request, "review.html", status=status, postmortem=postmortem, error=error, typed=typed(form) if form else {},
        stream=postmortem.stream or LIVE, standing=standing(postmortem),
        line_of=partial(line_of, postmortem), reword_key=partial(reword_key, postmortem),
        dropped=ActionItemState.ACTION_ITEM_STATE_DROPPED,
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


def _section(text: str) -> "SectionKind.ValueType":
    if text and text not in SectionKind.keys():  # noqa: SIM118 - an enum wrapper, which is no container
        raise InvalidArgument(f"section {text!r} is none that a post-mortem has", reason="BAD_PARAMETER",
                              field="section")
    return SectionKind.Value(text or "SECTION_KIND_UNSPECIFIED")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]


def _name(request: Request) -> str:
    return f"postmortems/{request.path_params['id']}"
