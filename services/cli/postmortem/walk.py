"""`afteraction review ID`: one walk from a draft to its publication.

Questions, findings, action items and comments that ask come one by one, below the summary; an empty answer leaves one
as it is. At the end the walk submits and publishes, if the person wants, or says what still stands in the way.
"""

from typing import TYPE_CHECKING

import typer

from afteraction.v1 import postmortem_service_pb2 as pb
from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceStub
from afteraction.v1.postmortem_pb2 import POSTMORTEM_STATE_PUBLISHED, SECTION_KIND_SUMMARY, Finding, Postmortem
from services.cli.connection import Connection, call
from services.cli.output import console, print_markdown
from services.cli.postmortem.reading import print_obstacles, read, said, stub
from services.cli.postmortem.walking_items import ask, settle_item
from shared.errors import AfteractionError, FailedPrecondition

if TYPE_CHECKING:
    from afteraction.v1.action_item_service_pb2_grpc import ActionItemServiceAsyncStub

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
        print_markdown(_opening(found), has_evidence=False)
        identifier = found.name.partition("/")[2]
        console.print(f"\nThe whole of it: `afteraction postmortem show {identifier}`, and `evidence {identifier}`.\n"
                      f"{said(found)}\nAn empty answer leaves a thing as it is.", markup=False)
        if found.state == POSTMORTEM_STATE_PUBLISHED:
            return
        await self._questions(found)
        await self._findings(found.name)
        for item in (await read(self._connection, found.name)).action_items:
            await settle_item(self._items, item, self._by)
        await self._comments(found)
        await self._publish(found.name)

    async def _questions(self, found: Postmortem) -> None:
        for question in (each for each in found.questions if not each.answer):
            console.print(f"\n{question.id}, {_section(found, question.section)}: {question.text}", markup=False)
            words = ask("  answer")
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
            words = ask("  the line instead (w REASON keeps it)")
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

    async def _comments(self, found: Postmortem) -> None:
        """Comments that ask something hold up the publication until somebody has answered."""
        for comment in found.comments:
            if comment.is_resolved or not comment.text.rstrip().endswith("?"):
                continue
            words = ask(f"\n{comment.author} asks: {comment.text}\n  answer")
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
            print_obstacles(refused)
            raise typer.Exit(1) from None
        console.print(said(published), markup=False)

    async def _try(self, step: "object") -> None:
        """One step; what is refused is said, and the walk goes on."""
        try:
            await step  # type: ignore[misc]
        except AfteractionError as error:
            console.print(f"  refused: {error.message}", markup=False)


def _opening(found: Postmortem) -> str:
    """What a reviewer reads first: the title, and the summary."""
    parts = {section.kind: section.markdown.strip() for section in found.sections}
    return "\n\n".join(filter(None, (f"# {found.title}", parts.get(SECTION_KIND_SUMMARY, ""))))


def _section(found: Postmortem, kind: int) -> str:
    """The heading of a part as it stands in the document."""
    return next((section.heading for section in found.sections if section.kind == kind), "") or "title"


def _line(markdown: str, finding: Finding) -> str:
    lines = markdown.split("\n")
    return lines[finding.line - 1].strip() if finding.line <= len(lines) else ""
