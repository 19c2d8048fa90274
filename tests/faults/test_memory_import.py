"""kill -9 of memory in the middle of an import, again and again: acknowledged is durable, nothing is there twice."""

import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import grpc

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from shared.errors import AfteractionError
from shared.postgres.embedded import EmbeddedPostgres
from shared.rpc.client import Channel
from shared.settings import Common
from tests.eval.memory_retrieval import process, ready

FILES = 60
KILL_AFTER = (3, 17, 31)
"""Acknowledged files after which the process is killed, one run after the other."""


def files() -> list[tuple[str, bytes]]:
    """Post-mortems that differ in a word, a few passages each."""
    return [
        (
            f"outages/{number:03}.md",
            f"# Outage {number}\n\n## Summary\n\nThe service number{number} was down.\n\n"
            f"## Root cause\n\nA release of number{number}.\n\n## Timeline\n\n- 2024-01-02 10:00 Down\n".encode(),
        )
        for number in range(FILES)
    ]


async def import_until(channel: Channel, pid: int, kill_after: int) -> dict[str, str]:
    """Imports everything and kills the process after `kill_after` acknowledged files; returns those."""

    async def requests() -> AsyncIterator[pb.ImportDocumentsRequest]:
        for path, content in files():
            yield pb.ImportDocumentsRequest(path=path, content=content)

    acknowledged: dict[str, str] = {}
    try:
        async for report in channel.stub(MemoryServiceStub).ImportDocuments(requests()):
            acknowledged[report.path] = report.document
            if len(acknowledged) == kill_after:
                os.kill(pid, signal.SIGKILL)
    except (AfteractionError, grpc.RpcError):
        pass  # what a killed server looks like; what counts is what it had acknowledged
    return acknowledged


async def stored(channel: Channel) -> list[tuple[str, str]]:
    """Source and name of every document, over all pages."""
    memory = channel.stub(MemoryServiceStub)
    found: list[tuple[str, str]] = []
    token = ""
    while True:
        page = await memory.ListDocuments(pb.ListDocumentsRequest(page_size=50, page_token=token))
        found += [(document.source_id, document.name) for document in page.documents]
        token = page.next_page_token
        if not token:
            return found


async def test_nothing_acknowledged_is_missing_and_nothing_is_twice(tmp_path: Path) -> None:
    acknowledged: dict[str, str] = {}
    async with EmbeddedPostgres(tmp_path) as database:
        for kill_after in (*KILL_AFTER, FILES + 1):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                address = f"127.0.0.1:{free.getsockname()[1]}"
            environment = os.environ | {
                "AFTERACTION_DATABASE_URL": database.url(),
                "AFTERACTION_MEMORY_ADDRESS": address,
                "AFTERACTION_DATA_DIRECTORY": str(tmp_path),
            }
            with process(environment) as running:
                async with Channel(address, Common()) as channel:
                    await ready(channel)
                    before = dict(await stored(channel))
                    lost = {path: name for path, name in acknowledged.items() if before.get(path) != name}
                    assert not lost, f"acknowledged before the kill, missing after it: {lost}"

                    acknowledged |= await import_until(channel, running.pid, kill_after)

                    if kill_after > FILES:
                        final = await stored(channel)
                        index = await channel.stub(MemoryServiceStub).GetIndex(pb.GetIndexRequest())
                        found = await channel.stub(MemoryServiceStub).SearchSimilar(
                            pb.SearchSimilarRequest(
                                query=pb.Query(text="number42 was down"), min_position=index.position, limit=3
                            )
                        )

    assert sorted(path for path, _ in final) == [path for path, _ in files()]
    assert len({name for _, name in final}) == FILES
    assert index.documents == FILES
    assert [result.document.title for result in found.results].count("Outage 42") == 1
