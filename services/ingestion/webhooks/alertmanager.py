"""Alertmanager's webhook, version 4: a group of alerts, each firing or resolved."""

from collections.abc import Sequence

from afteraction.v1.event_pb2 import Event
from services.ingestion.webhooks.alerts import alert_event
from services.ingestion.webhooks.payload import Delivery, Payload

SOURCE = "alertmanager"


def parse(delivery: Delivery, *, service_labels: Sequence[str]) -> list[Event]:
    """An event for each alert of the group. Raises InvalidArgument."""
    group = Payload.parse(delivery.body)
    if not isinstance(group.child("alerts").value, list):
        raise group.wrong("is missing: this is no notification of Alertmanager's webhook_config", "alerts")
    attributes = {"alertmanager.receiver": group.text("receiver"), "alertmanager.url": group.text("externalURL")}
    if group.text("truncatedAlerts") not in ("", "0"):
        # Cut by max_alerts of the webhook_config; how many more there were is all that is known of them.
        attributes["alertmanager.truncated_alerts"] = group.text("truncatedAlerts")
    return [alert_event(SOURCE, alert, group_key=group.text("groupKey"), service_labels=service_labels,
                        attributes=attributes) for alert in group.items("alerts")]
