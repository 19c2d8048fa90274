"""Events: what people and other systems told."""

from datetime import timedelta

from afteraction.v1 import event_pb2
from services.drafting.observations import (
    Alert,
    ConfigChange,
    Deploy,
    Event,
    EventDetail,
    FlagChange,
    InfrastructureEvent,
    Note,
    Page,
    PageState,
)
from shared.names import deterministic_id
from shared.timestamps import duration_from_proto, from_proto, required

_PAGES = {event_pb2.Page.STATE_ACKNOWLEDGED: PageState.ACKNOWLEDGED, event_pb2.Page.STATE_RESOLVED: PageState.RESOLVED}


def event(message: event_pb2.Event) -> Event:
    """One event. An id that nobody gave is derived from the content."""
    identifier = message.id or deterministic_id("event", message.SerializeToString(deterministic=True).hex())
    return Event(
        id=identifier,
        occurred_at=required(message.occurred_at),
        detail=_detail(message),
        service=message.service,
        source=message.source,
        attributes=dict(message.attributes),
    )


def _detail(message: event_pb2.Event) -> EventDetail:
    match message.WhichOneof("kind"):
        case "deploy":
            deploy = message.deploy
            return Deploy(
                version=deploy.version,
                previous_version=deploy.previous_version,
                environment=deploy.environment,
                commit=deploy.commit,
                url=deploy.url,
                is_rollback=deploy.is_rollback,
                changed_files=tuple(deploy.changed_files),
                watch_window=duration_from_proto(deploy.watch_window)
                if deploy.HasField("watch_window")
                else timedelta(0),
                instances=deploy.instances,
                description=deploy.description,
            )
        case "config_change":
            config = message.config_change
            return ConfigChange(config.key, config.old_value, config.new_value, config.url)
        case "flag_change":
            flag = message.flag_change
            return FlagChange(flag.key, flag.old_value, flag.new_value, flag.url)
        case "alert":
            alert = message.alert
            return Alert(
                alert_name=alert.alert_name,
                is_firing=alert.state != event_pb2.Alert.STATE_RESOLVED,
                severity=alert.severity,
                summary=alert.summary,
                description=alert.description,
                runbook_url=alert.runbook_url,
                labels=dict(alert.labels),
                fingerprint=alert.fingerprint,
                url=alert.url,
                ended_at=from_proto(alert.ended_at),
            )
        case "page":
            page = message.page
            return Page(_PAGES.get(page.state, PageState.SENT), page.target, page.summary, page.url)
        case "note":
            return Note(message.note.text, message.note.author, message.note.incident)
        case "infrastructure":
            below = message.infrastructure
            return InfrastructureEvent(below.reason, below.resource, below.message)
        case _:
            return Note(f"an event of a kind that this version does not know ({message.source or 'unknown source'})")
