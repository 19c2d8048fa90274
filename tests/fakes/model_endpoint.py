"""An OpenAI-compatible endpoint that answers by script: sentences, a refusal, garbage, a broken stream, silence."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

# From the text that was asked to the answer's pieces; the last of them may be one of the marks below.
Script = Callable[[str], Sequence[str]]
BREAK, HANG, REFUSE, GARBAGE = "\x00break", "\x00hang", "\x00refuse", "\x00garbage"


@dataclass(slots=True)
class Endpoint:
    """What was asked of it, and where it is."""

    script: Script
    asked: list[str] = field(default_factory=list)
    instructions: list[str] = field(default_factory=list)
    base_url: str = ""


@asynccontextmanager
async def model_endpoint(script: Script) -> AsyncIterator[Endpoint]:
    """Serves until the block ends."""
    endpoint = Endpoint(script)
    hanging: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        hanging.add(task)
        try:
            await _answer(endpoint, reader, writer)
        finally:
            hanging.discard(task)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    endpoint.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield endpoint
    finally:
        server.close()
        for task in tuple(hanging):
            task.cancel()


async def _answer(endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    length = next(int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length"))
    asked = json.loads(await reader.readexactly(length))
    endpoint.instructions.append(asked["messages"][0]["content"])
    endpoint.asked.append(asked["messages"][-1]["content"])
    pieces = endpoint.script(endpoint.asked[-1])
    if REFUSE in pieces:
        body = json.dumps({"error": {"message": "no", "type": "server_error"}}).encode()
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n"
                     b"content-length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
        await writer.drain()
        return
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    for piece in pieces:
        if piece == HANG:
            await asyncio.Event().wait()
        if piece == BREAK:
            return
        if piece == GARBAGE:
            writer.write(b"data: {not json\n\n")
        else:
            writer.write(_chunk({"content": piece}, None))
        await writer.drain()
    writer.write(_chunk({}, "stop") + b"data: [DONE]\n\n")
    await writer.drain()


def _chunk(delta: dict[str, str], finish: str | None) -> bytes:
    message = {"id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "scripted",
               "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(message)}\n\n".encode()
