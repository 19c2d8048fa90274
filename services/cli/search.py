"""`afteraction search`: past post-mortems and runbooks by words."""

from typing import Annotated

import typer

from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, DOCUMENT_KIND_RUNBOOK, DocumentKind
from afteraction.v1.memory_service_pb2 import Filter, Query, SearchSimilarRequest
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from services.cli.connection import call
from services.cli.output import Json, Stream, console, print_json

_KINDS = {"postmortem": DOCUMENT_KIND_POSTMORTEM, "runbook": DOCUMENT_KIND_RUNBOOK}


def search(text: Annotated[str, typer.Argument(help="Symptoms, messages, names: as you would tell a colleague.")],
           service: Annotated[list[str] | None, typer.Option(help="Only of this service; may be given again.")] = None,
           tag: Annotated[list[str] | None, typer.Option(help="Only with this tag; may be given again.")] = None,
           kind: Annotated[str, typer.Option(help="postmortem or runbook.")] = "",
           limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 5, stream: Stream = "",
           weak: Annotated[bool, typer.Option("--weak", help="Show weak matches too.")] = False,
           is_json: Json = False) -> None:
    """Finds past post-mortems and runbooks like what you describe."""
    if kind and kind not in _KINDS:
        raise typer.BadParameter(f"{kind} is none of {', '.join(_KINDS)}", param_hint="--kind")
    request = SearchSimilarRequest(
        query=Query(text=text), limit=limit, stream=stream, include_weak=weak,
        filter=Filter(services=service or [], tags=tag or [], kinds=[_KINDS[kind]] if kind else []))
    answer = call(lambda connection: connection.stub(MemoryServiceStub).SearchSimilar(request))
    if is_json:
        print_json(answer)
        return
    for number, result in enumerate(answer.results, 1):
        word = DocumentKind.Name(result.document.kind).removeprefix("DOCUMENT_KIND_").lower()
        console.print(f"{number}. {result.document.title}", style="bold", markup=False)
        console.print(f"   {result.runbook or result.document.source_id or result.document.name}  {word}  "
                      f"{result.score:.0%}{'  weak' if result.is_weak else ''}\n   {'; '.join(result.reasons)}",
                      markup=False)
    if not answer.results:
        console.print("Nothing similar is known. --weak shows what comes closest.")
