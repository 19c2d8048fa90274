"""The door for trackers' webhooks: hands on what came, as it came; drafting has the secret and checks who sent it."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from afteraction.v1.action_item_service_pb2 import ReceiveTrackerWebhookRequest
from services.dashboard.desk import Desk
from shared.errors import InvalidArgument

_MAX_BYTES = 4 * 1024 * 1024
# What a signature or the kind of event may stand in.
_HEADERS = (
    "x-hub-signature-256",
    "x-hub-signature",
    "x-github-event",
    "x-github-delivery",
    "linear-signature",
    "linear-event",
    "x-atlassian-webhook-identifier",
)


def routes(desk: Desk) -> list[Route]:
    async def receive(request: Request) -> Response:
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > _MAX_BYTES:
                raise InvalidArgument(f"the webhook is longer than {_MAX_BYTES} bytes", reason="WEBHOOK_TOO_LARGE")
        answer = await desk.clients.action_items.ReceiveTrackerWebhook(
            ReceiveTrackerWebhookRequest(
                tracker=request.path_params["tracker"][:32],
                headers={name: request.headers[name][:1024] for name in _HEADERS if name in request.headers},
                body=bytes(body),
            )
        )
        return JSONResponse({"changed": answer.changed})

    return [Route("/webhooks/trackers/{tracker}", receive, methods=["POST"])]
