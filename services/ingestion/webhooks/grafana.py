"""Grafana Alerting's webhook contact point: Alertmanager's groups, with what Grafana knows besides."""

from collections.abc import Sequence

from afteraction.v1.event_pb2 import Event
from services.ingestion.webhooks.alerts import alert_event
from services.ingestion.webhooks.payload import Delivery, Payload

SOURCE = "grafana"
_LINKS = {"grafana.dashboard.url": "dashboardURL", "grafana.panel.url": "panelURL", "grafana.silence.url": "silenceURL"}


def parse(delivery: Delivery, *, service_labels: Sequence[str]) -> list[Event]:
    """An event for each alert of the group. Raises InvalidArgument."""
    group = Payload.parse(delivery.body)
    if not isinstance(group.child("alerts").value, list):
        raise group.wrong("is missing: this is no notification of Grafana Alerting (legacy alerting is not read)",
                          "alerts")
    return [alert_event(SOURCE, alert, group_key=group.text("groupKey"), service_labels=service_labels,
                        attributes=_attributes(group, alert)) for alert in group.items("alerts")]


def _attributes(group: Payload, alert: Payload) -> dict[str, str]:
    found = {"grafana.receiver": group.text("receiver"), "grafana.url": group.text("externalURL")}
    found |= {name: alert.text(key) for name, key in _LINKS.items()}
    # What the rule's queries gave, by their letters; before Grafana 10 a text.
    found |= {f"grafana.value.{name}": value for name, value in alert.texts("values").items()}
    return found if alert.texts("values") else found | {"grafana.values": alert.text("valueString")}
