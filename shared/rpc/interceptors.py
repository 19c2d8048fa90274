"""What stands around every call, outermost first: telemetry, errors, authentication, deadline, validation."""

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message
from opentelemetry import metrics, propagate, trace
from protovalidate import Validator

from shared.errors import (
    AfteractionError,
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    Unauthenticated,
    Unavailable,
    Violation,
)
from shared.postgres.pool import AWAY
from shared.rpc.status import DETAILS_KEY, grpc_code, to_status
from shared.rpc.wrapping import Context, Wrapping
from shared.telemetry.logs import logger

log = logger(__name__)

# Kept back from each deadline, so that there is time to say what ran out.
DEADLINE_OVERHEAD_S = 0.02
# With less than this left a call does not begin.
LEAST_DEADLINE_S = 0.05
# For unary calls whose caller gave no deadline.
DEFAULT_DEADLINE_S = 60.0
_OPEN = ("/grpc.health.v1.Health/",)
_Wrapped = Callable[[str, Context], Any]


# Hears of a call that was not let in: its method, and why.
Refused = Callable[[str, AfteractionError], None]


def server_interceptors(token: str, refused: Refused | None = None) -> list[grpc.aio.ServerInterceptor]:
    """The interceptors of a server; with an empty token every caller is let in."""
    around: list[grpc.aio.ServerInterceptor] = [Wrapping(_telemetry()), Wrapping(_errors)]
    if token:
        around.append(Wrapping(_authentication(token, refused)))
    return [*around, Wrapping(_deadline), Wrapping(inspect=_validation(Validator()))]


@asynccontextmanager
async def _errors(method: str, context: Context) -> AsyncIterator[None]:
    """Translates what was raised; what nobody foresaw is logged here and leaves as INTERNAL, with nothing leaked."""
    try:
        yield
    except AfteractionError as error:
        await _abort(context, error)
    except (asyncio.CancelledError, grpc.aio.AbortError, GeneratorExit):
        raise
    except AWAY as error:
        log.warning("database away", method=method, error=type(error).__name__)
        await _abort(context, Unavailable("the database does not answer; nothing was stored, try again",
                                          reason="DATABASE_AWAY", retry_after_s=1.0))
    except Exception as error:
        log.error("call failed", error, **{"rpc.method": method})
        await _abort(context, Internal("a defect on our side; the log of this service has the trace",
                                       reason="INTERNAL"))


async def _abort(context: Context, error: AfteractionError) -> None:
    status = to_status(error)
    trailers = (*(context.trailing_metadata() or ()), (DETAILS_KEY, status.SerializeToString()))
    await context.abort(grpc_code(status), error.message, trailers)


def _authentication(token: str, refused: Refused | None) -> _Wrapped:
    expected = f"Bearer {token}".encode()

    @asynccontextmanager
    async def around(method: str, context: Context) -> AsyncIterator[None]:
        given = dict(context.invocation_metadata() or ()).get("authorization", "")
        given = given if isinstance(given, bytes) else given.encode()
        if not method.startswith(_OPEN) and not hmac.compare_digest(given, expected):
            error = Unauthenticated("no valid token: send `authorization: Bearer TOKEN` with AFTERACTION_TOKEN's value",
                                    reason="BAD_TOKEN")
            if refused:
                refused(method, error)
            raise error
        yield
    return around


@asynccontextmanager
async def _deadline(method: str, context: Context) -> AsyncIterator[None]:
    remaining = context.time_remaining()
    if remaining is None:
        # Streams that are watched have no end; unary calls of callers who gave none get one at the client.
        yield
        return
    if remaining < LEAST_DEADLINE_S:
        raise DeadlineExceeded(f"{method} was given {remaining * 1000:.0f} ms, less than it takes to begin",
                               reason="DEADLINE_TOO_SHORT")
    try:
        async with asyncio.timeout(remaining - DEADLINE_OVERHEAD_S):
            yield
    except TimeoutError:
        raise DeadlineExceeded(f"{method} did not end within the {remaining:.1f} s that the caller gave",
                               reason="DEADLINE_EXCEEDED") from None


def _validation(validator: Validator) -> Callable[[Message], None]:
    def inspect(request: Message) -> None:
        if not request.DESCRIPTOR.full_name.startswith("afteraction."):
            return
        found = validator.collect_violations(request)
        if found:
            violations = [Violation(_path(each.proto.field), each.proto.message) for each in found]
            raise InvalidArgument("; ".join(f"{each.subject}: {each.description}" for each in violations),
                                  reason="INVALID_REQUEST", violations=violations)
    return inspect


def _path(field: Any) -> str:
    """`events[3].deploy.version`, from a violation's field path."""
    parts = []
    for element in field.elements if field else ():
        subscript = element.subscript
        inner = "" if subscript is None else f"[{getattr(subscript, 'value', subscript)!r}]".replace("'", "")
        parts.append(f"{element.field_name}{inner}")
    return ".".join(parts)


def _telemetry() -> _Wrapped:
    tracer = trace.get_tracer("afteraction")
    duration = metrics.get_meter("afteraction").create_histogram("rpc.server.duration", unit="s",
                                                                 description="How long calls took, by method and code")

    @asynccontextmanager
    async def around(method: str, context: Context) -> AsyncIterator[None]:
        carrier = {key: value for key, value in _metadata(context) if isinstance(value, str)}
        service, _, name = method.strip("/").partition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        began = time.monotonic()
        with tracer.start_as_current_span(method.strip("/"), propagate.extract(carrier), trace.SpanKind.SERVER,
                                          attributes=attributes, record_exception=False,
                                          set_status_on_exception=False) as span:
            try:
                yield
            finally:
                code = context.code()
                number = code.value[0] if isinstance(code, grpc.StatusCode) else int(code or 0)
                span.set_attribute("rpc.grpc.status_code", number)
                duration.record(time.monotonic() - began, attributes | {"rpc.grpc.status_code": number})
    return around


def _metadata(context: Context) -> Sequence[tuple[str, str | bytes]]:
    return tuple(context.invocation_metadata() or ())
