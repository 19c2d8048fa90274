"""Prometheus remote write over HTTP, 1.0 and 2.0 on one path; the content type says which."""

import re
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.ingestion.entrance import Entrance, Work, origin
from services.ingestion.http_answers import code_of, headers_of
from services.ingestion.http_bodies import Bodies, UnsupportedMedia
from services.ingestion.prometheus import Written
from services.ingestion.reception import Kind, Reception
from shared.errors import AfteractionError

DOOR = "remote-write"
PATH = "/api/v1/write"
_PROTOBUF = "application/x-protobuf"
_PROTO = re.compile(r";\s*proto=\"?([\w.]+)\"?", re.ASCII)


def routes(entrance: Entrance, *, reception: Reception, bodies: Bodies) -> Sequence[Route]:
    """/api/v1/write, which is where Prometheus' own receiver listens."""
    return [Route(PATH, entrance.endpoint(DOOR, _writer(reception, bodies), _refusal), methods=["POST"])]


def _writer(reception: Reception, bodies: Bodies) -> Work:
    async def write(request: Request) -> Response:
        kind = _kind(request.headers.get("content-type", ""))
        body = await bodies.read(request, snappy=True)
        decoded = await reception.receive(kind, body, origin(request, DOOR))
        headers = _written(decoded.written)
        if decoded.rejected:
            # What could be taken is stored. By the specification a part that was not taken must be told, by a code
            # after which nobody sends the whole again.
            return PlainTextResponse(f"{decoded.rejected} samples were not taken, the others are stored. "
                                     f"{decoded.message}\n", 400, headers)
        return Response(None, 204, headers)
    return write


def _kind(content_type: str) -> Kind:
    """Which message the body is. Without a content type, or with a bare one, senders of 1.0 mean theirs."""
    media = content_type.partition(";")[0].strip().lower()
    proto = _PROTO.search(content_type)
    name = proto[1] if proto else Kind.REMOTE_WRITE_1.value
    for kind in (Kind.REMOTE_WRITE_1, Kind.REMOTE_WRITE_2):
        if media in ("", _PROTOBUF) and name == kind.value:
            return kind
    raise UnsupportedMedia(f"Content-Type {content_type[:80]!r} is not read here; send {_PROTOBUF} with "
                           f"proto={Kind.REMOTE_WRITE_2.value} or proto={Kind.REMOTE_WRITE_1.value}",
                           reason="UNSUPPORTED_TYPE", field="Content-Type")


def _written(written: Written) -> dict[str, str]:
    return {"X-Prometheus-Remote-Write-Samples-Written": str(written.samples),
            "X-Prometheus-Remote-Write-Histograms-Written": str(written.histograms),
            "X-Prometheus-Remote-Write-Exemplars-Written": str(written.exemplars)}


def _refusal(request: Request, error: AfteractionError) -> Response:
    """A sentence, which senders put into their logs as it is."""
    return PlainTextResponse(f"{error.message}\n", code_of(error), headers_of(error) | _written(Written()))
