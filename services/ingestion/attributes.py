"""OpenTelemetry's attributes as text: what a resource and a value say."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource as ResourceMessage

UNKNOWN_SERVICE = "unknown_service"
LONGEST_VALUE = 4096
MOST_ATTRIBUTES = 128
# Told of every process alike, or new at each start: they say nothing about which series a point belongs to. The
# version is left out so that a deploy does not end every series of a service.
_NO_IDENTITY = ("telemetry.", "process.", "os.", "service.name", "service.version", "webengine.")

Redact = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Resource:
    """Who sent: the service, and what tells its instances apart."""

    service: str
    attributes: Mapping[str, str] = field(default_factory=dict)


def storable(text: str) -> str:
    """`text` without the one character that no text of PostgreSQL's can hold: whoever sends it would fail the commit of
    everybody in the group."""
    return text.replace("\0", "") if "\0" in text else text


def text(value: Any) -> str:
    """An AnyValue as text: lists and maps as JSON, bytes in hexadecimal; at most LONGEST_VALUE characters."""
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return storable(str(value.string_value[:LONGEST_VALUE]))
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "int_value":
        return str(value.int_value)
    if kind == "double_value":
        return repr(value.double_value)
    return "" if kind is None else orjson.dumps(plain(value), default=str).decode()[:LONGEST_VALUE]


def plain(value: Any, depth: int = 0) -> object:
    """An AnyValue as what JSON has; nested deeper than anybody means to, it is cut."""
    kind = value.WhichOneof("value")
    if kind is None or depth > 8:
        return None
    if kind == "array_value":
        return [plain(each, depth + 1) for each in value.array_value.values]
    if kind == "kvlist_value":
        return {each.key: plain(each.value, depth + 1) for each in value.kvlist_value.values}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    found = getattr(value, kind)
    return repr(found) if isinstance(found, float) and not math.isfinite(found) else found


def attributes(pairs: Iterable[Any], redact: Redact) -> dict[str, str]:
    """KeyValues as text, redacted; the first MOST_ATTRIBUTES of them."""
    found: dict[str, str] = {}
    for pair in pairs:
        if len(found) >= MOST_ATTRIBUTES:
            break
        found[storable(pair.key[:256])] = redact(pair.key, text(pair.value))
    return found


def decoded(parts: Iterable[bytes], redact: Redact) -> dict[str, str]:
    """Attributes whose KeyValues were left as bytes. Raises DecodeError when one of them is none."""
    return attributes(map(KeyValue.FromString, parts), redact)


def resource(message: ResourceMessage, redact: Redact) -> Resource:
    """The service of a resource, and its identifying attributes."""
    found = attributes(message.attributes, redact)
    service = found.get("service.name") or UNKNOWN_SERVICE
    return Resource(service[:256], {key: value for key, value in found.items() if not key.startswith(_NO_IDENTITY)})


def resource_from_bytes(body: bytes, redact: Redact) -> Resource:
    """The same, of a resource that was left as bytes. Raises DecodeError."""
    return resource(ResourceMessage.FromString(body), redact)
