"""Other people's texts, cut to what an Event may hold: their words are evidence, and no reason to refuse a delivery."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from protovalidate import Validator

from afteraction.v1 import event_pb2
from buf.validate import validate_pb2
from shared.errors import InvalidArgument, Violation

_VALIDATOR = Validator()


def fitted(event: event_pb2.Event) -> event_pb2.Event:
    """`event` itself, with what is too long cut to the lengths that its proto allows.

    Raises InvalidArgument when something is wrong with it that cutting does not mend.
    """
    _cut(event)
    return validated(event)


def validated(event: event_pb2.Event) -> event_pb2.Event:
    """`event` itself. Raises InvalidArgument when it breaks a rule of its proto."""
    found = _VALIDATOR.collect_violations(event)
    if found:
        violations = [Violation(".".join(each.field_name for each in one.proto.field.elements)
                                if one.proto.field else "event", one.proto.message) for one in found]
        raise InvalidArgument("; ".join(f"{each.subject}: {each.description}" for each in violations),
                              reason="INVALID_EVENT", violations=violations)
    return event


def _cut(message: Message) -> None:
    for field, value in message.ListFields():
        rules: Any = field.GetOptions().Extensions[validate_pb2.field]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in sorted(value)[rules.map.max_pairs:]:
                del value[key]
        elif field.type == FieldDescriptor.TYPE_STRING:
            if isinstance(value, str):
                if rules.string.max_len:
                    setattr(message, field.name, value[:rules.string.max_len])
            elif rules.repeated.max_items:
                del value[rules.repeated.max_items:]
        elif isinstance(value, Message):
            _cut(value)
