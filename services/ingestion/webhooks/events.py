"""Our own events as JSON, for scripts and pipelines that have curl and no gRPC: a RecordEventsRequest, or one Event."""

from google.protobuf.json_format import ParseDict, ParseError

from afteraction.v1.event_pb2 import Event
from afteraction.v1.ingestion_service_pb2 import RecordEventsRequest
from services.ingestion.webhooks.payload import Delivery, Payload
from shared.errors import InvalidArgument

SOURCE = "events"


def parse(delivery: Delivery) -> list[Event]:
    """The events, an id for each where the sender gave none. Raises InvalidArgument."""
    payload = Payload.parse(delivery.body)
    if not isinstance(payload.value, dict):
        raise payload.wrong("is not an object")
    document = payload.value if "events" in payload.value else {"events": [payload.value]}
    request = RecordEventsRequest()
    try:
        ParseDict(document, request)
    except (ParseError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidArgument(f"the body is no event: {str(error)[:300]}; afteraction/v1/event.proto has the fields",
                              reason="MALFORMED_PAYLOAD", field="body") from None
    if not request.events:
        raise payload.wrong("is empty", "events")
    for event in request.events:
        # What just happened needs no clock in a shell script.
        if not event.HasField("occurred_at"):
            event.occurred_at.FromDatetime(delivery.arrived_at)
    return list(request.events)
