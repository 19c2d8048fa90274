"""What a door answers over HTTP when it refuses: the code, whether and when to come back, and why.

OTLP and remote write both read the code alone: 429, 502, 503 and 504 mean that the same request may be sent again
(remote write: any 5xx), everything else that it never will be taken.
"""

import math

from google.protobuf.json_format import MessageToDict
from google.rpc.status_pb2 import Status

from services.ingestion.http_bodies import TooLarge, UnsupportedMedia
from shared.errors import (
    AfteractionError,
    DeadlineExceeded,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from shared.postgres.pool import AWAY
from shared.rpc.status import to_status

# Errors that are answered; anything else is a defect of ours.
TOLD = (AfteractionError, *AWAY)
# The first that fits.
_CODES: tuple[tuple[type[AfteractionError], int], ...] = (
    (UnsupportedMedia, 415), (TooLarge, 413), (InvalidArgument, 400), (FailedPrecondition, 400), (NotFound, 404),
    (Unauthenticated, 401), (ResourceExhausted, 429), (Unavailable, 503), (DeadlineExceeded, 504))


def told(error: Exception) -> AfteractionError:
    """`error` as we say it: a database that is away is Unavailable."""
    if isinstance(error, AfteractionError):
        return error
    return Unavailable("the database does not answer; nothing was stored, try again", reason="DATABASE_AWAY",
                       retry_after_s=1.0)


def code_of(error: AfteractionError) -> int:
    """The HTTP status code."""
    return next((code for cls, code in _CODES if isinstance(error, cls)), 500)


def headers_of(error: AfteractionError) -> dict[str, str]:
    """Retry-After where waiting helps, WWW-Authenticate where a token does."""
    found = {}
    if error.retry_after_s is not None:
        found["Retry-After"] = str(max(math.ceil(error.retry_after_s), 1))
    if isinstance(error, Unauthenticated):
        found["WWW-Authenticate"] = "Bearer"
    return found


def status_of(error: AfteractionError) -> Status:
    """google.rpc.Status with its details."""
    return to_status(error)


def json_of(error: AfteractionError) -> dict[str, object]:
    """The same as JSON."""
    return dict(MessageToDict(to_status(error)))
