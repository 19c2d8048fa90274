"""Events on their way in: an id where the sender gave none, and no secret left in any text."""

from collections.abc import Iterable, Sequence

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from afteraction.v1 import event_pb2
from services.ingestion.attributes import Redact, storable
from shared.errors import InvalidArgument
from shared.names import deterministic_id

_EARLIEST_S, _LATEST_S = 0, (2**63 - 1) // 1_000_000_000 - 1
# Names, ids and addresses: what they hold is looked up by others as it is.
_KEPT = {"id", "service", "source", "commit", "fingerprint", "group_key", "incident", "version", "previous_version",
         "environment", "alert_name", "changed_files", "author", "target"}


def prepared(events: Iterable[event_pb2.Event], redact: Redact) -> list[event_pb2.Event]:
    """Copies of the events, as they are stored. Raises InvalidArgument when one has no time that can be."""
    found = []
    for number, event in enumerate(events):
        copy = event_pb2.Event()
        copy.CopyFrom(event)
        _redact(copy, redact)
        if not _EARLIEST_S <= copy.occurred_at.seconds <= _LATEST_S:
            raise InvalidArgument(f"occurred_at of event {number} is before 1970 or beyond 2262",
                                  reason="MALFORMED_TIME", field=f"events[{number}].occurred_at")
        if not copy.id:
            copy.id = deterministic_id(event.SerializeToString(deterministic=True).hex())
        found.append(copy)
    return found


def _redact(message: Message, redact: Redact) -> None:
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING and isinstance(value, str) and "\0" in value:
            value = storable(value)
            setattr(message, field.name, value)
        if field.name in _KEPT:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in list(value):
                value[key] = redact(key, value[key])
        elif field.type == FieldDescriptor.TYPE_STRING and isinstance(value, str):
            name = _setting(message) if field.name in ("old_value", "new_value") else field.name
            setattr(message, field.name, redact(name, value))
        elif field.type == FieldDescriptor.TYPE_MESSAGE and isinstance(value, Message):
            _redact(value, redact)


def _setting(message: Message) -> str:
    """A changed setting may be a password: its key says so."""
    return str(getattr(message, "key", ""))


def services(events: Sequence[event_pb2.Event]) -> set[str]:
    """The services that events are about."""
    return {event.service for event in events}
