"""datetime and google.protobuf.Timestamp, both ways. Times are aware and in UTC on our side of the wire."""

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_proto(at: datetime | None) -> Timestamp | None:
    """The message for `at`, to the microsecond; None stays None, which leaves a field unset."""
    if at is None:
        return None
    whole, rest = divmod(at - _EPOCH, timedelta(seconds=1))
    return Timestamp(seconds=whole, nanos=rest.microseconds * 1000)


def from_proto(message: Timestamp | None) -> datetime | None:
    """The time of `message`, or None where it was not set (which the zero timestamp stands for)."""
    if message is None or (message.seconds == 0 and message.nanos == 0):
        return None
    return required(message)


def required(message: Timestamp) -> datetime:
    """The time of a message that validation has seen to be set."""
    return _EPOCH + timedelta(seconds=message.seconds, microseconds=message.nanos // 1000)


def to_unix_ns(at: datetime) -> int:
    """Nanoseconds since 1970, exact to the microsecond that datetime has."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def from_unix_ns(nanoseconds: int) -> datetime:
    """The time `nanoseconds` after 1970, cut to the microsecond. Raises OverflowError past the year 9999."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def duration_to_proto(duration: timedelta | None) -> Duration | None:
    """The message for `duration`; None stays None."""
    if duration is None:
        return None
    message = Duration()
    message.FromTimedelta(duration)
    return message


def duration_from_proto(message: Duration) -> timedelta:
    """The length of time that `message` says."""
    return timedelta(seconds=message.seconds, microseconds=message.nanos / 1000)
