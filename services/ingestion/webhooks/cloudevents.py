"""CloudEvents 1.0 over HTTP, structured, binary and batched: the way in for everything that has no door of its own.

What a CloudEvent says in CDEvents' words (https://cdevents.dev) of a service that was deployed, upgraded or rolled
back is a deploy; an event of Kubernetes within one is that; everything else is kept as something that happened.
"""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import unquote

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1.event_pb2 import Deploy, Event, InfrastructureEvent
from services.ingestion.http_bodies import UnsupportedMedia
from services.ingestion.webhooks import kubernetes
from services.ingestion.webhooks.payload import Delivery, Payload
from shared.names import deterministic_id

SOURCE = "cloudevents"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_DEPLOYS = ("deployed", "upgraded", "rolledback")
_LONGEST_DATA = 4_096
_OWN = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data",
        "data_base64")


def parse(delivery: Delivery, *, service_labels: Sequence[str]) -> list[Event]:
    """An event for each CloudEvent. Raises InvalidArgument."""
    media = delivery.media_type
    if media == BATCH:
        batch = Payload.parse(delivery.body)
        if not isinstance(batch.value, list):
            raise batch.wrong("is not a list of CloudEvents")
        found = list(batch.items())
    elif media == STRUCTURED:
        found = [Payload.parse(delivery.body)]
    elif "ce-specversion" in delivery.headers:
        found = [_binary(delivery)]
    else:
        raise UnsupportedMedia(f"Content-Type {media[:60]!r} without ce- headers is no CloudEvent; send {STRUCTURED}, "
                               f"{BATCH}, or ce-specversion, ce-id, ce-source and ce-type as headers",
                               reason="UNSUPPORTED_TYPE", field="Content-Type")
    return [_event(each, delivery.arrived_at, service_labels) for each in found]


def _binary(delivery: Delivery) -> Payload:
    """The same as if it had come structured: attributes out of headers, the body as data."""
    found: dict[str, object] = {name.removeprefix("ce-"): unquote(value) for name, value in delivery.headers.items()
                                if name.startswith("ce-")}
    is_json = delivery.media_type.endswith(("/json", "+json"))
    if is_json and delivery.body:
        found["data"] = Payload.parse(delivery.body).value
    elif delivery.body:
        found["data"] = delivery.body.decode("utf-8", "replace")
    return Payload(found)


def _event(cloud: Payload, arrived_at: datetime, service_labels: Sequence[str]) -> Event:
    if not cloud.required("specversion").startswith("1."):
        raise cloud.wrong(f"{cloud.text('specversion')[:20]!r} is not 1.0", "specversion")
    identity = deterministic_id(cloud.required("source"), cloud.required("id"))
    kind, data = cloud.required("type"), cloud.child("data")
    if kubernetes.is_event(data):
        return kubernetes.event_of(data, service_labels=service_labels)
    at = cloud.time("time")
    if at is None:
        at = Timestamp()
        at.FromDatetime(arrived_at)
    attributes = {f"cloudevents.{name}": text for name, text in cloud.texts().items() if name not in _OWN}
    event = Event(id=f"{SOURCE}-{identity}", occurred_at=at, source=SOURCE,
                  service=_service(cloud, data, service_labels),
                  attributes={**attributes, "cloudevents.source": cloud.text("source")})
    deploy = _deploy(kind, data)
    if deploy is not None:
        event.service = data.text("subject", "id") or event.service
        event.deploy.CopyFrom(deploy)
    else:
        event.infrastructure.CopyFrom(InfrastructureEvent(
            reason=kind, resource=cloud.text("subject") or cloud.text("source"), message=_message(data)))
    return event


def _service(cloud: Payload, data: Payload, service_labels: Sequence[str]) -> str:
    """The extension attribute `service`, or what the data calls so."""
    for where in (cloud, data):
        for label in service_labels:
            # Names of CloudEvents' attributes have neither separators nor capitals.
            for name in (label, label.replace("_", "").replace(".", "")):
                if where.text(name):
                    return where.text(name)
    return ""


def _deploy(kind: str, data: Payload) -> Deploy | None:
    """A deploy in CDEvents' words: `dev.cdevents.service.deployed.0.2.0`."""
    parts = kind.split(".")
    if parts[:3] != ["dev", "cdevents", "service"] or len(parts) < 4 or parts[3] not in _DEPLOYS:
        return None
    content = data.child("subject", "content")
    artifact = content.text("artifactId")
    return Deploy(version=artifact.rpartition("@")[2].partition("?")[0] or artifact or "(not said)",
                  environment=content.text("environment", "id") or content.text("environment", "name"),
                  is_rollback=parts[3] == "rolledback", description=artifact)


def _message(data: Payload) -> str:
    """What the data says for people, or all of it."""
    if isinstance(data.value, dict):
        for name in ("message", "summary", "description", "text"):
            if data.text(name):
                return data.text(name)
        return orjson.dumps(data.value).decode()[:_LONGEST_DATA] if data else ""
    return data.text()[:_LONGEST_DATA]
