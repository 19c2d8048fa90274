"""Values of the domain to messages."""

from datetime import UTC, datetime

from afteraction.v1 import ingestion_service_pb2 as pb
from services.ingestion.doors import Door
from shared.timestamps import to_proto

_NEVER = datetime.min.replace(tzinfo=UTC)


def door(found: Door) -> pb.Door:
    """A door with its senders, the most recent ones first."""
    senders = sorted(found.senders.items(), key=lambda pair: (pair[1].last_received_at or _NEVER, pair[0]),
                     reverse=True)
    return pb.Door(
        name=found.name, address=found.address, accepted_requests=found.accepted_requests,
        rejected_requests=found.rejected_requests, accepted_items=found.accepted_items,
        rejected_items=found.rejected_items, last_received_at=to_proto(found.last_received_at),
        last_error=found.last_error, last_error_at=to_proto(found.last_error_at),
        senders=[pb.Sender(service=service, user_agent=agent, items=sender.items,
                           last_received_at=to_proto(sender.last_received_at))
                 for (_, service, agent), sender in senders])
