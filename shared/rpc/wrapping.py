"""One way to put something around every call, whatever its kind: the interceptors of this package are made of it."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
# grpc's own types do not tell the asynchronous handlers from the others.
Handler: TypeAlias = Any
# Called with the method's full name and the context; what it yields to is the call.
Around = Callable[[str, Context], AbstractAsyncContextManager[None]]
# Called with every message that the client sends.
Inspect = Callable[[Any], None]


class Wrapping(grpc.aio.ServerInterceptor):
    """Runs every handler inside `around`, and shows each request message to `inspect`."""

    def __init__(self, around: Around | None = None, inspect: Inspect | None = None) -> None:
        self._around = around
        self._inspect = inspect

    async def intercept_service(self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
                                details: grpc.HandlerCallDetails) -> Handler:
        handler = await continuation(details)
        if handler is None:
            return handler
        method = details.method.decode() if isinstance(details.method, bytes) else details.method
        make = {(False, False): self._unary_unary, (False, True): self._unary_stream,
                (True, False): self._stream_unary, (True, True): self._stream_stream}
        return make[bool(handler.request_streaming), bool(handler.response_streaming)](handler, method)

    def _unary_unary(self, handler: Handler, method: str) -> Handler:
        async def call(request: Any, context: Context) -> Any:
            async with self._entered(method, context):
                self._see(request)
                return await handler.unary_unary(request, context)
        return grpc.unary_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _unary_stream(self, handler: Handler, method: str) -> Handler:
        async def write(request: Any, context: Context) -> None:
            async with self._entered(method, context):
                self._see(request)
                await handler.unary_stream(request, context)

        async def call(request: Any, context: Context) -> AsyncIterator[Any]:
            async with self._entered(method, context):
                self._see(request)
                async for response in handler.unary_stream(request, context):
                    yield response

        # A coroutine writes its answers to the context, as grpc's own health service does.
        around = write if inspect.iscoroutinefunction(handler.unary_stream) else call
        return grpc.unary_stream_rpc_method_handler(around, handler.request_deserializer, handler.response_serializer)

    def _stream_unary(self, handler: Handler, method: str) -> Handler:
        async def call(requests: AsyncIterator[Any], context: Context) -> Any:
            async with self._entered(method, context):
                return await handler.stream_unary(self._seen(requests), context)
        return grpc.stream_unary_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _stream_stream(self, handler: Handler, method: str) -> Handler:
        async def call(requests: AsyncIterator[Any], context: Context) -> AsyncIterator[Any]:
            async with self._entered(method, context):
                async for response in handler.stream_stream(self._seen(requests), context):
                    yield response
        return grpc.stream_stream_rpc_method_handler(call, handler.request_deserializer, handler.response_serializer)

    def _entered(self, method: str, context: Context) -> AbstractAsyncContextManager[None]:
        return self._around(method, context) if self._around else _Nothing()

    def _see(self, request: Any) -> None:
        if self._inspect:
            self._inspect(request)

    async def _seen(self, requests: AsyncIterator[Any]) -> AsyncIterator[Any]:
        async for request in requests:
            self._see(request)
            yield request


class _Nothing(AbstractAsyncContextManager[None]):
    async def __aexit__(self, *_: object) -> None:
        return None
