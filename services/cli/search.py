"""`afteraction search`: past post-mortems and runbooks by words."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, DOCUMENT_KIND_RUNBOOK, DocumentKind
from afteraction.v1.memory_service_pb2 import Filter, GiveFeedbackRequest, Query, SearchSimilarRequest
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.cli.connection import call
from services.cli.names import full_name
from services.cli.names import severity as as_severity
from services.cli.output import Json, Stream, console, print_json
from services.cli.postmortem.reading import By
from shared.timestamps import to_proto

# Characters of a passage that are shown.
_PASSAGE = 200
_KINDS = {"postmortem": DOCUMENT_KIND_POSTMORTEM, "runbook": DOCUMENT_KIND_RUNBOOK}


def search(text: Annotated[str, typer.Argument(help="Symptoms, messages, names: as you would tell a colleague.")],
           service: Annotated[list[str] | None, typer.Option(help="Only of this service; may be given again.")] = None,
           tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; may be given again.")] = None,
           kind: Annotated[str, typer.Option(help="postmortem or runbook.")] = "",
           severity: Annotated[list[str] | None, typer.Option(help="Only of P1 to P4; may be given again.")] = None,
           since: Annotated[datetime | None, typer.Option(help="Only what happened from then on, in UTC.")] = None,
           until: Annotated[datetime | None, typer.Option(help="Only what happened before, in UTC.")] = None,
           limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 5, stream: Stream = "",
           weak: Annotated[bool, typer.Option("--weak", help="Show weak matches too.")] = False,
           is_json: Json = False) -> None:
    """Finds past post-mortems and runbooks like what you describe."""
    if kind and kind not in _KINDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(_KINDS)}", param_hint="--kind")
    request = SearchSimilarRequest(
        query=Query(text=text), limit=limit, stream=stream, include_weak=weak,
        filter=Filter(services=service or [], tags=tag or [], kinds=[_KINDS[kind]] if kind else [],
                      severities=[as_severity(each) for each in severity or ()],
                      occurred_after=to_proto(since.replace(tzinfo=UTC)) if since else None,
                      occurred_before=to_proto(until.replace(tzinfo=UTC)) if until else None))
    answer = call(lambda connection: connection.stub(MemoryServiceStub).SearchSimilar(request))
    if is_json:
        print_json(answer)
        return
    for number, result in enumerate(answer.results, 1):
        word = DocumentKind.Name(result.document.kind).removeprefix("DOCUMENT_KIND_").lower()
        console.print(f"{number}. {result.document.title}", style="bold", markup=False)
        console.print(f"   {result.runbook or result.document.source_id or result.document.name}  {word}  "
                      f"{result.score:.0%}{'  weak' if result.is_weak else ''}\n   {'; '.join(result.reasons)}\n"
                      f"   {_begins(result.passage.text)}", markup=False)
    if not answer.results:
        console.print("Nothing similar is known. --weak shows what comes closest.")


def feedback(document: Annotated[str, typer.Argument(help="documents/ID, as `search --json` names it.")],
             text: Annotated[str, typer.Argument(help="The words that it was found with.")], by: By,
             helpful: Annotated[bool, typer.Option("--helpful/--not-helpful", help="Did it help?")] = True) -> None:
    """Says whether a search's result helped: later searches alike rank it higher, or lower."""
    request = GiveFeedbackRequest(document=full_name("documents", document), query=Query(text=text),
                                  is_helpful=helpful, author=by)
    call(lambda connection: connection.stub(MemoryServiceStub).GiveFeedback(request))
    console.print(f"noted: {request.document} {'helped' if helpful else 'did not help'}", markup=False)


def _begins(passage: str) -> str:
    """The passage that matched, as far as a line goes."""
    words = " ".join(passage.split())
    return words if len(words) <= _PASSAGE else words[:_PASSAGE].rsplit(" ", 1)[0] + " …"
