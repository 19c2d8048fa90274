"""The errors that cross the wire, named after google.rpc codes.

    AfteractionError
    ├── InvalidArgument      the request is wrong, whatever the state of the system
    ├── NotFound             no such resource
    ├── AlreadyExists        there is one already, and it is another
    ├── FailedPrecondition   the state of the resource does not allow it
    ├── Aborted              somebody else changed it in between: read again, try again
    ├── Unauthenticated      no token, or a wrong one
    ├── ResourceExhausted    too much at once: wait, try again
    ├── Unavailable          something behind us is away: wait, try again
    ├── DeadlineExceeded     the time that the caller gave has run out
    ├── Unimplemented        the server does not know this call
    └── Internal             a defect of ours

The domain and the stores raise them; `shared.rpc.status` turns them into google.rpc.Status and back, so that a "not
found" in one service is still a "not found" three services away. Every reason stands in docs/errors.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that stands in the way: the field or the resource, and what is wrong with it."""

    subject: str
    description: str


class AfteractionError(Exception):
    """What went wrong, in a sentence that gives the value and the way out.

    reason: stable, upper case, for programs. resource: the name of what it is about, when it is about one.
    violations: every single thing that is wrong. retry_after_s: seconds after which trying again may help.
    """

    def __init__(self, message: str, *, reason: str, resource: str = "", violations: Iterable[Violation] = (),
                 retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.resource = resource
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s


class InvalidArgument(AfteractionError):
    """The request is wrong; `field` names where."""

    def __init__(self, message: str, *, reason: str, field: str = "", violations: Iterable[Violation] = ()) -> None:
        named = (Violation(field, message),) if field else ()
        super().__init__(message, reason=reason, violations=tuple(violations) or named)


class NotFound(AfteractionError):
    """No such resource."""


class AlreadyExists(AfteractionError):
    """There is one already, and it is another."""


class FailedPrecondition(AfteractionError):
    """The state of the resource does not allow it; `violations` has every reason at once."""


class Aborted(AfteractionError):
    """Somebody else changed it in between: read again, try again."""


class Unauthenticated(AfteractionError):
    """No token, or a wrong one."""


class ResourceExhausted(AfteractionError):
    """Too much at once; `retry_after_s` says when to come back."""

    def __init__(self, message: str, *, reason: str, retry_after_s: float | None, resource: str = "") -> None:
        super().__init__(message, reason=reason, resource=resource, retry_after_s=retry_after_s)


class Unavailable(AfteractionError):
    """Something behind us is away; `retry_after_s` says when to come back."""

    def __init__(self, message: str, *, reason: str, retry_after_s: float | None = 1.0, resource: str = "") -> None:
        super().__init__(message, reason=reason, resource=resource, retry_after_s=retry_after_s)


class DeadlineExceeded(AfteractionError):
    """The time that the caller gave has run out."""


class Unimplemented(AfteractionError):
    """The server does not know this call: it is older than its caller."""


class Internal(AfteractionError):
    """A defect of ours; the log of the service that answered has the trace."""
