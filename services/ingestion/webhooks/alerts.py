"""An alert as Alertmanager and Grafana send it: both speak of labels, annotations and a fingerprint."""

from collections.abc import Mapping, Sequence

from google.protobuf.timestamp_pb2 import Timestamp

from afteraction.v1.event_pb2 import Alert, Event
from services.ingestion.prometheus import service_of
from services.ingestion.webhooks.payload import Payload
from shared.names import deterministic_id

_SUMMARIES = ("summary", "title", "message")
_DESCRIPTIONS = ("description", "message")
_RUNBOOKS = ("runbook_url", "runbook")
_SEVERITIES = ("severity", "priority", "level")
_STATES = {"firing": Alert.STATE_FIRING, "resolved": Alert.STATE_RESOLVED}


def alert_event(source: str, alert: Payload, *, group_key: str, service_labels: Sequence[str],
                attributes: Mapping[str, str]) -> Event:
    """The event of one alert in one state.

    Its id comes from the fingerprint, the start and the state. A notification that is sent again (a lost answer, the
    repeat_interval, a second Alertmanager of a cluster) is the same event.
    """
    state = _STATES.get(alert.text("status"))
    if state is None:
        raise alert.wrong(f"{alert.text('status')[:40]!r} is neither firing nor resolved", "status")
    labels, annotations = alert.texts("labels"), alert.texts("annotations")
    started_at = alert.required_time("startsAt")
    # While an alert fires, its end is a guess about the future.
    ended_at = alert.time("endsAt") if state == Alert.STATE_RESOLVED else None
    fingerprint = alert.text("fingerprint") or deterministic_id(*(f"{key}={labels[key]}" for key in sorted(labels)))
    return Event(
        id=f"{source}-" + deterministic_id(fingerprint, started_at.ToJsonString(), str(state)),
        occurred_at=_happened(started_at, ended_at), service=service_of(labels, service_labels)[1]
        if any(labels.get(label) for label in service_labels) else "", source=source,
        attributes={key: value for key, value in attributes.items() if value},
        alert=Alert(alert_name=_name(labels, annotations), state=state, severity=_first(labels, _SEVERITIES),
                    summary=_first(annotations, _SUMMARIES), description=_first(annotations, _DESCRIPTIONS),
                    runbook_url=_first(annotations, _RUNBOOKS), labels=labels, fingerprint=fingerprint,
                    group_key=group_key, url=alert.text("generatorURL"), ended_at=ended_at))


def _happened(started_at: Timestamp, ended_at: Timestamp | None) -> Timestamp:
    if ended_at is None or ended_at.ToNanoseconds() < started_at.ToNanoseconds():
        return started_at
    return ended_at


def _name(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    name = labels.get("alertname") or _first(annotations, _SUMMARIES) or "(an alert without a name)"
    # So Grafana calls every rule whose query fails or returns nothing.
    return f"{name}: {labels['rulename']}" if name.startswith("Datasource") and labels.get("rulename") else name


def _first(texts: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((texts[key] for key in keys if texts.get(key)), "")
