"""What somebody else sent as JSON, read by path. What is missing or of the wrong kind is named by its path."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from shared.errors import InvalidArgument

_MOST_ITEMS = 10_000
# Go's zero time, with which it says that there is none.
_NO_TIME = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One call of a webhook. headers: names in lower case."""

    body: bytes
    headers: Mapping[str, str]
    arrived_at: datetime

    def header(self, name: str) -> str:
        return self.headers.get(name, "")

    @property
    def media_type(self) -> str:
        """Content-Type without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()


class Payload:
    """A part of a JSON document. Methods take a path of keys below it."""

    def __init__(self, value: object, path: str = "") -> None:
        self._value = value
        self._path = path

    @staticmethod
    def parse(body: bytes) -> "Payload":
        """A whole document. Raises InvalidArgument when it is not JSON."""
        try:
            return Payload(orjson.loads(body))
        except orjson.JSONDecodeError as error:
            raise InvalidArgument(f"the body is not JSON: {error}", reason="MALFORMED_BODY", field="body") from None

    def __bool__(self) -> bool:
        """Whether anything stands there."""
        return self._value is not None and self._value not in ("", {}, [])

    @property
    def value(self) -> Any:
        return self._value

    def child(self, *keys: str) -> "Payload":
        """What stands at the path; empty where nothing does."""
        found: object = self._value
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return Payload(found, self._join(keys))

    def text(self, *keys: str) -> str:
        """A text, number or truth at the path as text; empty where there is none."""
        found = self.child(*keys)._value
        if isinstance(found, bool):
            return "true" if found else "false"
        return str(found) if isinstance(found, str | int | float) else ""

    def required(self, *keys: str) -> str:
        """The same. Raises InvalidArgument where there is none."""
        found = self.text(*keys)
        if not found:
            raise self.wrong("is missing", *keys)
        return found

    def truth(self, *keys: str) -> bool:
        return self.child(*keys)._value is True

    def texts(self, *keys: str) -> dict[str, str]:
        """A map at the path, its values as text; lists and maps within it are left out."""
        found = self.child(*keys)
        if not isinstance(found._value, dict):
            return {}
        return {str(key): found.text(key) for key in found._value if found.text(key)}

    def items(self, *keys: str) -> Iterator["Payload"]:
        """The elements of a list at the path; none where there is none. Raises InvalidArgument when it is something
        else, or longer than anybody means to send."""
        found = self.child(*keys)._value
        if found is None:
            return
        if not isinstance(found, list):
            raise self.wrong("is not a list", *keys)
        if len(found) > _MOST_ITEMS:
            raise self.wrong(f"has {len(found)} elements, more than {_MOST_ITEMS}", *keys)
        for number, each in enumerate(found):
            yield Payload(each, f"{self._join(keys)}[{number}]")

    def time(self, *keys: str) -> Timestamp | None:
        """An RFC 3339 time at the path, or seconds since 1970. Raises InvalidArgument when it is something else."""
        text = self.text(*keys)
        if not text or text == _NO_TIME:
            return None
        found = Timestamp()
        try:
            if isinstance(self.child(*keys)._value, int | float):
                found.FromNanoseconds(int(float(text) * 1_000_000_000))
            else:
                found.FromJsonString(text)
            found.ToDatetime()
        except (ValueError, OverflowError):
            raise self.wrong(f"{text[:40]!r} is not a time such as 2026-07-05T03:00:00Z", *keys) from None
        return found

    def required_time(self, *keys: str) -> Timestamp:
        """The same. Raises InvalidArgument where there is none."""
        found = self.time(*keys)
        if found is None:
            raise self.wrong("is missing", *keys)
        return found

    def wrong(self, what: str, *keys: str) -> InvalidArgument:
        """An error that names the path."""
        path = self._join(keys) or "body"
        return InvalidArgument(f"{path} {what}", reason="MALFORMED_PAYLOAD", field=path)

    def _join(self, keys: tuple[str, ...]) -> str:
        return ".".join(part for part in (self._path, *keys) if part)
