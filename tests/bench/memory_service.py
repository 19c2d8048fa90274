"""The service on an embedded PostgreSQL: durable inserts a second, restart-to-ready, and SearchSimilar end to end.

    python -m tests.bench.memory_service [DOCUMENTS]

While documents go in, the encoder is stood in for by one that answers at once, so that what is measured is ours:
cutting, the transaction with its fsync, following, the index file. With the real model the encoder alone decides: some
fifty passages a second. Searches are asked with the real one, over gRPC, one after the other, and beside each the same
text is encoded by itself.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, Document
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub, add_MemoryServiceServicer_to_server
from services.memory.compose import MIGRATIONS, SCHEMA, servicer
from services.memory.embedding import Encoder, Vectors
from services.memory.service import MemoryService
from services.memory.settings import Settings
from shared.clock import SystemClock
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.migrations import migrate
from shared.postgres.pool import open_pool
from shared.rpc.client import Channel
from shared.rpc.server import Server
from shared.settings import Common

DIMENSION = 384
CALLERS = 16
SEARCHES, WARM = 120, 20
SECTIONS = ("Summary", "Impact", "Root cause", "Timeline", "Resolution", "Action items", "Lessons learned", "Symptoms")


class Instant:
    """An encoder whose vectors are random; it answers at once, until it is given the `real` one."""

    most_pieces = 256
    dimension = DIMENSION

    def __init__(self, name: str, *, threads: int) -> None:
        self.name = name
        self.real: Encoder | None = None

    def encode(self, texts: Sequence[str]) -> Vectors:
        if self.real is not None:
            return self.real.encode(texts)
        vectors = np.random.default_rng(len(texts)).normal(size=(len(texts), DIMENSION))
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def count(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


@dataclass(frozen=True, slots=True)
class Durable:
    """Documents of eight passages each. Times in seconds."""

    documents: int
    documents_per_s: float
    ready_from_file_s: float
    ready_from_database_s: float
    search_p50_ms: float
    encoding_p50_ms: float
    over_encoding_p50_ms: float
    over_encoding_p99_ms: float


async def durable(documents: int) -> Durable:
    """Inserts by 16 callers, each acknowledged after its commit; two restarts, with the index file and without."""
    with tempfile.TemporaryDirectory(prefix="afteraction-bench-") as directory:
        index_file = Path(directory) / "index"
        async with EmbeddedPostgres(Path(directory)) as database, open_pool(database.url(), schema=SCHEMA) as pool:
            await migrate(pool, SCHEMA, MIGRATIONS)
            async with _running(pool, index_file) as service:
                began = time.perf_counter()
                slots = asyncio.Semaphore(CALLERS)
                await asyncio.gather(*(_remember(service, slots, number) for number in range(documents)))
                spent = time.perf_counter() - began
            from_file = await _ready_s(pool, index_file, documents)
            index_file.unlink()
            from_database = await _ready_s(pool, index_file, documents)
            searching, encoding = await _searches(pool, index_file)
    over = searching - encoding
    return Durable(
        documents, documents / spent, from_file, from_database, float(np.median(searching)),
        float(np.median(encoding)), float(np.median(over)), float(np.quantile(over, 0.99)),
    )  # fmt: skip


async def _searches(pool: Any, index_file: Path) -> tuple[Any, Any]:
    """Milliseconds of each search over gRPC, and of encoding the same text by itself."""
    real = Encoder()
    loaded = list[Instant]()

    def load(name: str, *, threads: int) -> Encoder:
        loaded.append(Instant(name, threads=threads))
        return cast(Encoder, loaded[-1])

    searching, encoding = list[float](), list[float]()
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            servicer(pool, Settings(), SystemClock(), load, index_file=index_file)
        )
        register = partial(add_MemoryServiceServicer_to_server, service)
        server = await stack.enter_async_context(Server("127.0.0.1:0", Common(), [register], names=()))
        channel = await stack.enter_async_context(Channel(f"127.0.0.1:{server.port}", Common()))
        memory = channel.stub(MemoryServiceStub)
        loaded[0].real = real
        for number in range(SEARCHES):
            text = f"the connection pool of service {number} was used up and its root cause is not known"
            request = pb.SearchSimilarRequest(query=pb.Query(text=text), include_weak=True)
            began = time.perf_counter()
            await memory.SearchSimilar(request)
            between = time.perf_counter()
            real.encode([text])
            searching.append((between - began) * 1000)
            encoding.append((time.perf_counter() - between) * 1000)
    return np.array(searching[WARM:]), np.array(encoding[WARM:])


@asynccontextmanager
async def _running(pool: Any, index_file: Path) -> AsyncIterator[MemoryService]:
    load = cast(type[Encoder], Instant)
    async with servicer(pool, Settings(), SystemClock(), load, index_file=index_file) as service:
        yield service


async def _remember(service: MemoryService, slots: asyncio.Semaphore, number: int) -> None:
    markdown = "\n\n".join(f"## {section}\n\nService {number} and its {section} broke." for section in SECTIONS)
    document = Document(
        kind=DOCUMENT_KIND_POSTMORTEM, title=f"Outage {number}", markdown=markdown, source_id=f"outage-{number}"
    )
    async with slots:
        await service.Remember(pb.RememberRequest(document=document), cast(Any, None))


async def _ready_s(pool: Any, index_file: Path, documents: int) -> float:
    """Until everything is searchable; the model's own loading, some seconds, comes on top."""
    began = time.perf_counter()
    async with _running(pool, index_file) as service:
        index = await service.GetIndex(pb.GetIndexRequest(), cast(Any, None))
        assert index.documents == documents, f"{index.documents} of {documents} documents are there"
        return time.perf_counter() - began


if __name__ == "__main__":
    print(asyncio.run(durable(int(sys.argv[1]) if len(sys.argv) > 1 else 1250)))
