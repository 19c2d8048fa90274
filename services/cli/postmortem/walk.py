"""`afteraction review ID`: one walk from a draft to its publication.

Questions, findings, incomplete action items and comments that ask come one by one; an empty answer leaves one as it
is. At the end the walk submits and publishes, if the person wants, or says what still stands in the way.
"""

from typing import TYPE_CHECKING

import typer
from google.protobuf.field_mask_pb2 import FieldMask

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.action_item_pb2 import ACTION_ITEM_STATE_OPEN, ACTION_ITEM_STATE_SUGGESTED, ActionItem, Priority
from afteraction.v1.action_item_service_pb2 import UpdateActionItemRequest
from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceStub
from afteraction.v1.postmortem_pb2 import POSTMORTEM_STATE_PUBLISHED, Finding, Postmortem
from services.cli.connection import Connection, call
from services.cli.output import console, print_markdown
from services.cli.postmortem.reading import read, said, stub
from shared.errors import AfteractionError, FailedPrecondition

if TYPE_CHECKING:
    from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceAsyncStub

_PRIORITIES = {"P1": Priority.PRIORITY_P1, "P2": Priority.PRIORITY_P2, "P3": Priority.PRIORITY_P3}


def walk(name: str, by: str) -> None:
    """Walks through a post-mortem with the person at the terminal."""
    call(lambda connection: _Walk(connection, by).through(name))


class _Walk:
    def __init__(self, connection: Connection, by: str) -> None:
        self._connection = connection
        self._postmortems = stub(connection)
        self._items: ActionItemServiceAsyncStub = connection.stub(ActionItemServiceStub)
        self._by = by

    async def through(self, name: str) -> None:
        found = await read(self._connection, name)
        print_markdown(found.markdown)
        console.print(f"\n{said(found)}\nAn empty answer leaves a thing as it is.\n", markup=False)
        if found.state == POSTMORTEM_STATE_PUBLISHED:
            return
        await self._questions(found)
        await self._findings(found.name)
        await self._action_items(found.name)
        await self._comments(found)
        await self._publish(found.name)

    async def _questions(self, found: Postmortem) -> None:
        for question in (each for each in found.questions if not each.answer):
            words = _ask(f"{question.id}: {question.text}\n  answer")
            if words:
                await self._try(
                    self._postmortems.AnswerQuestion(
                        pb.AnswerQuestionRequest(name=found.name, question=question.id, answer=words, author=self._by)
                    )
                )

    async def _findings(self, name: str) -> None:
        seen: set[str] = set()
        while True:
            # Read again each time: a rewrite moves what comes after it.
            found = await read(self._connection, name)
            finding = next((f for f in found.findings if not f.waiver_reason and f.id not in seen), None)
            if finding is None:
                return
            seen.add(finding.id)
            console.print(
                f"\nline {finding.line}: {_line(found.markdown, finding)}\n"
                f"  {finding.text!r}: {finding.why}\n  for example: {finding.rewrite}",
                markup=False,
            )
            words = _ask("  the line instead (w REASON keeps it)")
            if words.startswith("w ") and words[2:].strip():
                request = pb.WaiveFindingRequest(name=name, finding=finding.id, reason=words[2:], author=self._by)
                await self._try(self._postmortems.WaiveFinding(request))
            elif words:
                await self._try(self._rewrite(found, finding, words))

    async def _rewrite(self, found: Postmortem, finding: Finding, words: str) -> None:
        lines = found.markdown.split("\n")
        end = "\r" if lines[finding.line - 1].endswith("\r") else ""
        lines[finding.line - 1] = words + end
        await self._postmortems.UpdatePostmortem(
            pb.UpdatePostmortemRequest(name=found.name, markdown="\n".join(lines), author=self._by, etag=found.etag)
        )

    async def _action_items(self, name: str) -> None:
        found = await read(self._connection, name)
        for item in found.action_items:
            if item.state not in (ACTION_ITEM_STATE_SUGGESTED, ACTION_ITEM_STATE_OPEN):
                continue
            if item.owner and item.due_date and item.priority:
                continue
            console.print(f"\naction item: {item.title}", markup=False)
            await self._try(self._complete(item))

    async def _complete(self, item: ActionItem) -> None:
        wanted, paths = ActionItem(name=item.name), []
        if not item.owner and (owner := _ask("  owner")):
            wanted.owner = owner
            paths.append("owner")
        if not item.due_date and (due := _ask("  due date, such as 2026-11-24")):
            wanted.due_date = due
            paths.append("due_date")
        if not item.priority and (priority := _ask("  priority, P1 to P3").upper()) in _PRIORITIES:
            wanted.priority = _PRIORITIES[priority]
            paths.append("priority")
        if paths:
            await self._items.UpdateActionItem(
                UpdateActionItemRequest(action_item=wanted, update_mask=FieldMask(paths=paths), author=self._by)
            )

    async def _comments(self, found: Postmortem) -> None:
        """Comments that ask something hold up the publication until somebody has answered."""
        for comment in found.comments:
            if comment.is_resolved or not comment.text.rstrip().endswith("?"):
                continue
            words = _ask(f"\n{comment.author} asks: {comment.text}\n  answer")
            if words:
                await self._try(
                    self._postmortems.AddComment(
                        pb.AddCommentRequest(name=found.name, section=comment.section, text=words, author=self._by)
                    )
                )
                await self._try(
                    self._postmortems.ResolveComment(
                        pb.ResolveCommentRequest(name=found.name, comment=comment.id, author=self._by)
                    )
                )

    async def _publish(self, name: str) -> None:
        if not typer.confirm("\npublish it now?", default=True):
            console.print(said(await read(self._connection, name)), markup=False)
            return
        await self._postmortems.SubmitPostmortem(
            pb.SubmitPostmortemRequest(name=name, author=self._by, reviewers=[self._by])
        )
        try:
            published = await self._postmortems.PublishPostmortem(
                pb.PublishPostmortemRequest(name=name, author=self._by)
            )
        except FailedPrecondition as refused:
            console.print("It cannot be published yet:", markup=False)
            for violation in refused.violations:
                console.print(f"  {violation.description}", markup=False)
            raise typer.Exit(1) from None
        console.print(said(published), markup=False)

    async def _try(self, step: "object") -> None:
        """One step; what is refused is said, and the walk goes on."""
        try:
            await step  # type: ignore[misc]
        except AfteractionError as error:
            console.print(f"  refused: {error.message}", markup=False)


def _ask(prompt: str) -> str:
    return str(typer.prompt(prompt, default="", show_default=False)).strip()


def _line(markdown: str, finding: Finding) -> str:
    lines = markdown.split("\n")
    return lines[finding.line - 1].strip() if finding.line <= len(lines) else ""
