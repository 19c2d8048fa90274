"""OTLP over HTTP: the three paths of the specification, in protobuf and in JSON."""

from collections.abc import Sequence

from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.ingestion.entrance import Entrance, Work, origin
from services.ingestion.http_answers import code_of, headers_of, status_of
from services.ingestion.http_bodies import Bodies, UnsupportedMedia
from services.ingestion.otlp_grpc import answer
from services.ingestion.otlp_json import to_protobuf
from services.ingestion.reception import Kind, Reception
from shared.errors import AfteractionError
from shared.offload import Offload

DOOR = "otlp-http"
PATHS = {"/v1/metrics": Kind.METRICS, "/v1/logs": Kind.LOGS, "/v1/traces": Kind.TRACES}
_PROTOBUF, _JSON = "application/x-protobuf", "application/json"


def routes(entrance: Entrance, *, reception: Reception, bodies: Bodies, offload: Offload) -> Sequence[Route]:
    """/v1/metrics, /v1/logs and /v1/traces."""
    return [Route(path, entrance.endpoint(DOOR, _exporter(kind, reception, bodies, offload), _refusal),
                  methods=["POST"]) for path, kind in PATHS.items()]


def _exporter(kind: Kind, reception: Reception, bodies: Bodies, offload: Offload) -> Work:
    async def export(request: Request) -> Response:
        media = media_type(request)
        if media not in (_PROTOBUF, _JSON):
            raise UnsupportedMedia(f"Content-Type {media[:60]!r} is not read here; send {_PROTOBUF} or {_JSON}",
                                   reason="UNSUPPORTED_TYPE", field="Content-Type")
        body = await bodies.read(request)
        if media == _JSON:
            body = await offload.run(to_protobuf, kind, body)
        return _response(answer(kind, await reception.receive(kind, body, origin(request, DOOR))), media, 200)
    return export


def media_type(request: Request) -> str:
    """Content-Type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _response(message: Message, media: str, code: int, headers: dict[str, str] | None = None) -> Response:
    if media == _PROTOBUF:
        return Response(message.SerializeToString(), code, headers, _PROTOBUF)
    return Response(MessageToJson(message), code, headers, _JSON)


def _refusal(request: Request, error: AfteractionError) -> Response:
    """google.rpc.Status, in the format in which the sender speaks."""
    return _response(status_of(error), media_type(request), code_of(error), headers_of(error))
