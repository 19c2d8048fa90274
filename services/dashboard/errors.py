"""Our errors as HTTP: which status, and the JSON that tells what is wrong and whether to try again."""

from shared import errors

_STATUS: dict[type[errors.AfteractionError], tuple[int, str]] = {
    errors.InvalidArgument: (400, "INVALID_ARGUMENT"),
    errors.NotFound: (404, "NOT_FOUND"),
    errors.AlreadyExists: (409, "ALREADY_EXISTS"),
    errors.FailedPrecondition: (409, "FAILED_PRECONDITION"),
    errors.Aborted: (409, "ABORTED"),
    errors.Unauthenticated: (401, "UNAUTHENTICATED"),
    errors.ResourceExhausted: (429, "RESOURCE_EXHAUSTED"),
    errors.Unavailable: (503, "UNAVAILABLE"),
    errors.DeadlineExceeded: (504, "DEADLINE_EXCEEDED"),
    errors.Unimplemented: (501, "UNIMPLEMENTED"),
}


def status_of(error: errors.AfteractionError) -> int:
    """The HTTP status for `error`; 502 for a defect behind us."""
    return _STATUS.get(type(error), (502, "INTERNAL"))[0]


def body_of(error: errors.AfteractionError) -> dict[str, object]:
    """What a program reads of `error`."""
    told: dict[str, object] = {
        "code": _STATUS.get(type(error), (502, "INTERNAL"))[1],
        "reason": error.reason,
        "message": error.message,
        "violations": [{"field": each.subject, "description": each.description} for each in error.violations],
    }
    if error.retry_after_s is not None:
        told["retry_after_s"] = error.retry_after_s
    return {"error": told}
