"""Argo CD's notifications, as docs/connect/argocd.md has them sent: the Application itself, and where it is shown."""

import re
from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from afteraction.v1.event_pb2 import Deploy, Event, InfrastructureEvent
from services.ingestion.prometheus import service_of
from services.ingestion.webhooks.payload import Delivery, Payload
from shared.names import deterministic_id

SOURCE = "argocd"
_COMMIT = re.compile(r"[0-9a-f]{40}\Z")


def parse(delivery: Delivery, *, service_labels: Sequence[str]) -> list[Event]:
    """The sync that an Application is in or had, and its health where that is bad. Raises InvalidArgument."""
    payload = Payload.parse(delivery.body)
    app = payload.child("app")
    name = app.required("metadata", "name")
    labels = app.texts("metadata", "labels")
    service = service_of(labels, service_labels)[1] if any(labels.get(each) for each in service_labels) else name
    operation = app.child("status", "operationState")
    found = []
    match operation.text("phase"):
        case "Running" | "Succeeded":
            found.append(_deploy(payload, app, operation, service))
        case "Failed" | "Error":
            found.append(_trouble("SyncFailed", app, operation.time("finishedAt") or
                                  operation.required_time("startedAt"), operation.text("message"), service))
    health = app.child("status", "health")
    if health.text("status") == "Degraded":
        # Argo CD before 2.14 does not say since when.
        since = health.time("lastTransitionTime") or app.required_time("status", "reconciledAt")
        found.append(_trouble("HealthDegraded", app, since, health.text("message"), service))
    return found


def _deploy(payload: Payload, app: Payload, operation: Payload, service: str) -> Event:
    """A sync is told while it runs and when it is done: the same id."""
    started_at, finished_at = operation.required_time("startedAt"), operation.time("finishedAt")
    revision = (operation.text("syncResult", "revision") or operation.text("operation", "sync", "revision")
                or app.required("status", "sync", "revision"))
    earlier = [each.text("revision") for each in app.items("status", "history")]
    if earlier and earlier[-1] == revision:
        earlier.pop()
    images = [each.value for each in app.items("status", "summary", "images") if isinstance(each.value, str)]
    watched = None
    if finished_at and finished_at.ToNanoseconds() > started_at.ToNanoseconds():
        watched = Duration()
        watched.FromNanoseconds(finished_at.ToNanoseconds() - started_at.ToNanoseconds())
    return Event(
        id=f"{SOURCE}-" + deterministic_id(*_identity(app), revision, started_at.ToJsonString()),
        occurred_at=started_at, service=service, source=SOURCE, attributes=_attributes(app, images),
        deploy=Deploy(version=_short(revision), previous_version=_short(earlier[-1]) if earlier else "",
                      commit=revision if _COMMIT.match(revision) else "", url=payload.text("url"),
                      # Back to something that had been out, before the last one.
                      is_rollback=revision in earlier[:-1] and revision != earlier[-1], watch_window=watched))


def _trouble(reason: str, app: Payload, at: object, message: str, service: str) -> Event:
    event = Event(service=service, source=SOURCE, attributes=_attributes(app, ()), occurred_at=at,  # type: ignore[arg-type]
                  infrastructure=InfrastructureEvent(reason=reason, resource=f"Application/{'/'.join(_identity(app))}",
                                                     message=message))
    event.id = f"{SOURCE}-" + deterministic_id(reason, *_identity(app), event.occurred_at.ToJsonString())
    return event


def _identity(app: Payload) -> tuple[str, str]:
    return app.text("metadata", "namespace"), app.required("metadata", "name")


def _attributes(app: Payload, images: Sequence[str]) -> dict[str, str]:
    found = {"argocd.application": app.text("metadata", "name"), "argocd.project": app.text("spec", "project"),
             "k8s.namespace.name": app.text("spec", "destination", "namespace"),
             "vcs.repository.url.full": app.text("spec", "source", "repoURL"),
             "container.image.names": "\n".join(images[:50])}
    return {key: value for key, value in found.items() if value}


def _short(revision: str) -> str:
    """A commit by its first twelve digits; the version of a chart as it is."""
    return revision[:12] if _COMMIT.match(revision) else revision
