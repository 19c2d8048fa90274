"""Kubernetes' own events (core/v1 and events.k8s.io/v1), as an exporter forwards them."""

from collections.abc import Sequence

from afteraction.v1.event_pb2 import Event, InfrastructureEvent
from services.ingestion.prometheus import service_of
from services.ingestion.webhooks.payload import Delivery, Payload
from shared.names import deterministic_id

SOURCE = "kubernetes"
# Kubernetes counts a repeated event up, under the same uid: a back-off may come every ten seconds for hours. One in
# five minutes shows that it goes on.
_ONE_IN_S = 300


def parse(delivery: Delivery, *, service_labels: Sequence[str]) -> list[Event]:
    """The event of a delivery. Raises InvalidArgument."""
    return [event_of(Payload.parse(delivery.body), service_labels=service_labels)]


def is_event(payload: Payload) -> bool:
    """Whether a document is an event of Kubernetes."""
    return bool(payload.child("reason")) and bool(_regarding(payload).child("kind"))


def event_of(payload: Payload, *, service_labels: Sequence[str]) -> Event:
    """What happened to which object. Raises InvalidArgument."""
    regarding = _regarding(payload)
    at = (payload.time("series", "lastObservedTime") or payload.time("lastTimestamp") or payload.time("eventTime")
          or payload.time("deprecatedLastTimestamp") or payload.time("firstTimestamp")
          or payload.required_time("metadata", "creationTimestamp"))
    labels = regarding.texts("labels")
    names = (regarding.text("kind"), regarding.text("namespace"), regarding.required("name"))
    return Event(
        id=f"{SOURCE}-" + deterministic_id(payload.required("metadata", "uid"), str(at.seconds // _ONE_IN_S)),
        occurred_at=at, source=SOURCE,
        service=service_of(labels, service_labels)[1] if any(labels.get(each) for each in service_labels) else "",
        attributes={key: value for key, value in (
            ("k8s.event.type", payload.text("type")), ("k8s.event.count", payload.text("count")),
            ("k8s.namespace.name", names[1]), ("k8s.cluster.name", payload.text("clusterName"))) if value},
        infrastructure=InfrastructureEvent(reason=payload.required("reason"), resource="/".join(filter(None, names)),
                                           message=payload.text("message") or payload.text("note")))


def _regarding(payload: Payload) -> Payload:
    return payload.child("involvedObject") or payload.child("regarding")
