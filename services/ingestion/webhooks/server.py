"""The webhooks' door: a path for each sender below /webhooks, and what all of them share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from afteraction.v1.event_pb2 import Event
from services.ingestion.entrance import Entrance, Work, origin
from services.ingestion.http_bodies import Bodies, UnsupportedMedia
from services.ingestion.recorder import Recorder
from services.ingestion.settings import Settings
from services.ingestion.webhooks import (
    alertmanager,
    argocd,
    cloudevents,
    events,
    github,
    grafana,
    kubernetes,
    pagerduty,
    signatures,
)
from services.ingestion.webhooks.fitting import fitted, validated
from services.ingestion.webhooks.payload import Delivery
from shared.clock import Clock
from shared.offload import Offload

_JSON = ("application/json", cloudevents.STRUCTURED, cloudevents.BATCH)


@dataclass(frozen=True, slots=True)
class Webhook:
    """How one sender's deliveries are read. check: of the signature, in place of our token. fit: what makes an event
    storable; of our own events one that is too long is a mistake to be told."""

    parse: Callable[[Delivery], list[Event]]
    check: signatures.Check | None = None
    takes_any_type: bool = False
    fit: Callable[[Event], Event] = fitted


def webhooks(settings: Settings) -> Mapping[str, Webhook]:
    """Every sender that has a path of its own."""
    labels = settings.service_labels
    return {
        alertmanager.SOURCE: Webhook(partial(alertmanager.parse, service_labels=labels)),
        grafana.SOURCE: Webhook(partial(grafana.parse, service_labels=labels)),
        pagerduty.SOURCE: Webhook(pagerduty.parse, signatures.pagerduty(settings.pagerduty_secret)
                                  if settings.pagerduty_secret else None),
        github.SOURCE: Webhook(partial(github.parse, services=settings.github_services),
                               signatures.github(settings.github_secret) if settings.github_secret else None),
        argocd.SOURCE: Webhook(partial(argocd.parse, service_labels=labels)),
        kubernetes.SOURCE: Webhook(partial(kubernetes.parse, service_labels=labels)),
        cloudevents.SOURCE: Webhook(partial(cloudevents.parse, service_labels=labels), takes_any_type=True),
        events.SOURCE: Webhook(events.parse, fit=validated),
    }


def routes(entrance: Entrance, *, settings: Settings, recorder: Recorder, bodies: Bodies, offload: Offload,
           clock: Clock) -> Sequence[Route]:
    """/webhooks/{sender} for each."""
    return [Route(f"/webhooks/{name}",
                  entrance.endpoint(door(name), _receiver(door(name), webhook, recorder, bodies, offload, clock),
                                    needs_token=webhook.check is None), methods=["POST"])
            for name, webhook in webhooks(settings).items()]


def door(name: str) -> str:
    """The name under which `afteraction doctor` shows a sender."""
    return f"webhooks/{name}"


def _receiver(door_name: str, webhook: Webhook, recorder: Recorder, bodies: Bodies, offload: Offload,
              clock: Clock) -> Work:
    async def receive(request: Request) -> Response:
        body = await bodies.read(request)
        delivery = Delivery(body, {name.lower(): value for name, value in request.headers.items()}, clock.now())
        if webhook.check:
            webhook.check(delivery)
        if not webhook.takes_any_type and delivery.media_type not in _JSON:
            # A page in a browser could send a form without asking first; JSON it cannot.
            raise UnsupportedMedia(f"Content-Type {delivery.media_type[:60]!r} is not read here; send application/json",
                                   reason="UNSUPPORTED_TYPE", field="Content-Type")
        found = await offload.run(_events, webhook, delivery)
        if not found:
            return JSONResponse({"recorded": 0, "duplicates": 0, "note": "nothing in this delivery is recorded"}, 200)
        answer = await recorder.record(found, origin(request, door_name))
        return JSONResponse({"recorded": answer.recorded, "duplicates": answer.duplicates}, 200)
    return receive


def _events(webhook: Webhook, delivery: Delivery) -> list[Event]:
    return [webhook.fit(event) for event in webhook.parse(delivery)]
