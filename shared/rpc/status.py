"""Our errors to google.rpc.Status and back: one table, both directions."""

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

from shared.errors import (
    Aborted,
    AfteractionError,
    AlreadyExists,
    DeadlineExceeded,
    FailedPrecondition,
    Internal,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
    Violation,
)

DOMAIN = "afteraction"
DETAILS_KEY = "grpc-status-details-bin"

_CODES: dict[type[AfteractionError], int] = {
    InvalidArgument: code_pb2.INVALID_ARGUMENT,
    NotFound: code_pb2.NOT_FOUND,
    AlreadyExists: code_pb2.ALREADY_EXISTS,
    FailedPrecondition: code_pb2.FAILED_PRECONDITION,
    Aborted: code_pb2.ABORTED,
    Unauthenticated: code_pb2.UNAUTHENTICATED,
    ResourceExhausted: code_pb2.RESOURCE_EXHAUSTED,
    Unavailable: code_pb2.UNAVAILABLE,
    DeadlineExceeded: code_pb2.DEADLINE_EXCEEDED,
    Unimplemented: code_pb2.UNIMPLEMENTED,
    Internal: code_pb2.INTERNAL,
}
_CLASSES = {code: cls for cls, code in _CODES.items()}


def to_status(error: AfteractionError) -> status_pb2.Status:
    """The status for `error`: ErrorInfo always, then BadRequest or PreconditionFailure, ResourceInfo, RetryInfo."""
    status = status_pb2.Status(code=_code(error), message=error.message)
    _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN,
                                             metadata={"resource": error.resource} if error.resource else {}))
    if error.violations and isinstance(error, InvalidArgument):
        _add(status, error_details_pb2.BadRequest(field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=each.subject, description=each.description)
            for each in error.violations]))
    elif error.violations:
        _add(status, error_details_pb2.PreconditionFailure(violations=[
            error_details_pb2.PreconditionFailure.Violation(type=error.reason, subject=each.subject,
                                                            description=each.description)
            for each in error.violations]))
    if error.resource:
        _add(status, error_details_pb2.ResourceInfo(resource_name=error.resource))
    if error.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMicroseconds(round(error.retry_after_s * 1e6))
        _add(status, error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def from_status(status: status_pb2.Status) -> AfteractionError:
    """The error that a status says; a code that is none of ours becomes Internal."""
    cls = _CLASSES.get(status.code, Internal)
    reason, resource, retry_after_s = "UNKNOWN", "", None
    violations: tuple[Violation, ...] = ()
    for detail in status.details:
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        failure, retry = error_details_pb2.PreconditionFailure(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, resource = info.reason, info.metadata.get("resource", "")
        elif detail.Unpack(bad):
            violations = tuple(Violation(each.field, each.description) for each in bad.field_violations)
        elif detail.Unpack(failure):
            violations = tuple(Violation(each.subject, each.description) for each in failure.violations)
        elif detail.Unpack(retry):
            retry_after_s = retry.retry_delay.ToMicroseconds() / 1e6
    error = cls.__new__(cls)
    AfteractionError.__init__(error, status.message, reason=reason, resource=resource, violations=violations,
                              retry_after_s=retry_after_s)
    return error


def from_rpc_error(error: grpc.aio.AioRpcError) -> AfteractionError:
    """The error behind a failed call, with its details where the server sent some."""
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return from_status(status_pb2.Status.FromString(value))
    code = error.code().value[0]
    return from_status(status_pb2.Status(code=code, message=error.details() or error.code().name))


def grpc_code(status: status_pb2.Status) -> grpc.StatusCode:
    """grpc's own enum for the code of `status`."""
    return next(code for code in grpc.StatusCode if code.value[0] == status.code)


def _code(error: AfteractionError) -> int:
    return next(code for cls, code in _CODES.items() if isinstance(error, cls))


def _add(status: status_pb2.Status, detail: object) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)  # type: ignore[arg-type]
    status.details.append(packed)
