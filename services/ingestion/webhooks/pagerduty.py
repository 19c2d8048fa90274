"""PagerDuty's webhooks, version 3: who was called, who came, when it was over, and what responders wrote."""

from afteraction.v1.event_pb2 import Event, Note, Page
from services.ingestion.webhooks.payload import Delivery, Payload
from shared.names import deterministic_id

SOURCE = "pagerduty"
_STATES = {
    "incident.triggered": Page.STATE_SENT, "incident.escalated": Page.STATE_SENT,
    "incident.reassigned": Page.STATE_SENT, "incident.delegated": Page.STATE_SENT,
    "incident.reopened": Page.STATE_SENT, "incident.unacknowledged": Page.STATE_SENT,
    "incident.responder.added": Page.STATE_SENT, "incident.acknowledged": Page.STATE_ACKNOWLEDGED,
    "incident.resolved": Page.STATE_RESOLVED}
_NOTES = ("incident.annotated", "incident.status_update_published")


def parse(delivery: Delivery) -> list[Event]:
    """The event of a delivery; none for what is no page and no note (a test, a changed priority). Raises
    InvalidArgument."""
    event = Payload.parse(delivery.body).child("event")
    kind = event.required("event_type")
    if kind not in _STATES and kind not in _NOTES:
        return []
    found = Event(id=f"{SOURCE}-{deterministic_id(event.required('id'))}",
                  occurred_at=event.required_time("occurred_at"), source=SOURCE,
                  attributes={"pagerduty.event.type": kind})
    data = event.child("data")
    if kind in _NOTES:
        incident = data.child("incident")
        found.note.CopyFrom(Note(author=event.text("agent", "summary"),
                                 text=data.text("content") or data.required("message")))
    else:
        incident = data
        found.service = data.text("service", "summary")
        found.page.CopyFrom(Page(state=_STATES[kind], target=_target(kind, event),
                                 summary=data.text("title") or data.text("incident", "summary"),
                                 url=data.text("html_url") or data.text("incident", "html_url")))
    for name, value in (("pagerduty.incident.id", incident.text("id") or data.text("incident", "id")),
                        ("pagerduty.incident.number", incident.text("number")),
                        ("pagerduty.incident.url", incident.text("html_url")),
                        ("pagerduty.urgency", data.text("urgency")),
                        ("pagerduty.priority", data.text("priority", "summary")),
                        ("pagerduty.escalation_policy", data.text("escalation_policy", "summary"))):
        if value:
            found.attributes[name] = value
    return [found]


def _target(kind: str, event: Payload) -> str:
    """Whom it went to; of an acknowledgement or a resolution: whose it was."""
    if kind in ("incident.acknowledged", "incident.resolved"):
        return event.text("agent", "summary")
    names = [each.text("summary") for each in event.items("data", "assignees")]
    return ", ".join(filter(None, names)) or event.text("data", "user", "summary") \
        or event.text("data", "escalation_policy", "summary")
