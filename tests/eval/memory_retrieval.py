"""How well memory finds the right document: nDCG@10, Recall@1, Recall@5 and MRR@10 beside BM25 and dense alone.

    python -m tests.eval.memory_retrieval DATA [RUN]

DATA holds a folder for each set, with `docs.jsonl` and any number of `queries*.jsonl`; RUN gets a
`SET/QUERIESFILE.run.jsonl` for each. The service runs as a process of its own on a throw-away embedded database, and is
spoken to through its gRPC API only; each set has a stream of its own.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from afteraction.v1 import memory_service_pb2 as pb
from afteraction.v1.document_pb2 import DOCUMENT_KIND_POSTMORTEM, DOCUMENT_KIND_RUNBOOK, Document
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from shared.postgres.embedded import EmbeddedPostgres
from shared.rpc.client import Channel
from shared.settings import Common

TOP = 10
METHODS = ("", "bm25", "dense")
_KINDS = {"runbook": DOCUMENT_KIND_RUNBOOK, "postmortem": DOCUMENT_KIND_POSTMORTEM}


@dataclass(frozen=True, slots=True)
class Scores:
    """Means over the queries of one file."""

    ndcg: float
    recall_1: float
    recall_5: float
    mrr: float


def ndcg(ranking: Sequence[str], relevant: frozenset[str]) -> float:
    """Binary nDCG@10."""
    gained = sum(1 / math.log2(at + 2) for at, name in enumerate(ranking[:TOP]) if name in relevant)
    ideal = sum(1 / math.log2(at + 2) for at in range(min(TOP, len(relevant))))
    return gained / ideal if ideal else 0.0


def recall(ranking: Sequence[str], relevant: frozenset[str], at: int) -> float:
    """Share of the relevant documents among the first `at`, of which at most `at` are asked for."""
    return len(relevant.intersection(ranking[:at])) / min(at, len(relevant)) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], relevant: frozenset[str]) -> float:
    """One over the rank of the first relevant document among the first ten."""
    return next((1 / (at + 1) for at, name in enumerate(ranking[:TOP]) if name in relevant), 0.0)


def scored(rankings: Mapping[str, Sequence[str]], queries: Sequence[Mapping[str, Any]]) -> Scores:
    """The means over `queries`; one without a ranking counts as nothing found."""
    pairs = [(rankings.get(query["id"], ()), frozenset(query["relevant"])) for query in queries]
    count = max(len(pairs), 1)
    return Scores(
        sum(ndcg(*pair) for pair in pairs) / count,
        sum(recall(*pair, 1) for pair in pairs) / count,
        sum(recall(*pair, 5) for pair in pairs) / count,
        sum(reciprocal_rank(*pair) for pair in pairs) / count,
    )


def sets(data: Path) -> list[Path]:
    """The folders below `data` that hold a set."""
    return sorted(path.parent for path in data.glob("*/docs.jsonl"))


def lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSON lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


async def remember(memory: Any, documents: Sequence[Mapping[str, Any]], stream: str) -> dict[str, str]:
    """Stores the documents of a set; returns memory's name to the set's id."""
    ids: dict[str, str] = {}
    slots = asyncio.Semaphore(8)

    async def one(each: Mapping[str, Any]) -> None:
        document = Document(
            kind=_KINDS[each.get("kind", "postmortem")],
            title=each["title"] or each["id"],
            markdown=each["text"] or each["title"],
            source_id=each["id"],
            stream=stream,
        )
        async with slots:
            answer = await memory.Remember(pb.RememberRequest(document=document), timeout=600)
        ids[answer.document.name] = each["id"]

    async with asyncio.TaskGroup() as tasks:
        for each in documents:
            tasks.create_task(one(each))
    return ids


async def rankings(
    memory: Any, queries: Sequence[Mapping[str, Any]], ids: Mapping[str, str], stream: str, method: str
) -> dict[str, list[str]]:
    """For each query's id, the ids of what was found, best first."""
    found: dict[str, list[str]] = {}
    for query in queries:
        request = pb.SearchSimilarRequest(
            query=pb.Query(text=query["text"]),
            filter=pb.Filter(exclude=query.get("exclude", [])),
            limit=TOP,
            stream=stream,
            include_weak=True,
            method=method,
        )
        answer = await memory.SearchSimilar(request, timeout=60)
        found[query["id"]] = [ids[result.document.name] for result in answer.results]
    return found


async def evaluate(memory: Any, data: Path, run: Path | None) -> list[tuple[str, str, Scores]]:
    """Runs every set below `data`; returns (file, method, scores)."""
    table: list[tuple[str, str, Scores]] = []
    for folder in sets(data):
        stream = f"eval-{folder.name}"[:128]
        ids = await remember(memory, lines(folder / "docs.jsonl"), stream)
        # Everything stored is covered before the first query.
        position = (await memory.GetIndex(pb.GetIndexRequest())).position
        await memory.SearchSimilar(
            pb.SearchSimilarRequest(query=pb.Query(text="ready"), min_position=position, stream=stream), timeout=600
        )
        for path in sorted(folder.glob("queries*.jsonl")):
            queries = lines(path)
            for method in METHODS:
                found = await rankings(memory, queries, ids, stream, method)
                table.append((f"{folder.name}/{path.stem}", method or "afteraction", scored(found, queries)))
                if run is not None and not method:
                    write_run(run / folder.name / f"{path.stem}.run.jsonl", found)
    return table


def write_run(path: Path, found: Mapping[str, Sequence[str]]) -> None:
    """One line for each query, so that anyone can score it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = (json.dumps({"query_id": query, "ranking": list(ranking)}) for query, ranking in found.items())
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[Channel]:
    """A memory service of its own, on an embedded database in `directory`."""
    async with EmbeddedPostgres(directory) as database:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        environment = os.environ | {
            "AFTERACTION_DATABASE_URL": database.url(),
            "AFTERACTION_MEMORY_ADDRESS": address,
            "AFTERACTION_DATA_DIRECTORY": str(directory),
        }
        with process(environment):
            async with Channel(address, Common()) as channel:
                await ready(channel)
                yield channel


@contextmanager
def process(environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The service as a process; told to stop at the end."""
    started = subprocess.Popen([sys.executable, "-m", "services.memory"], env=dict(environment))
    try:
        yield started
    finally:
        started.terminate()
        started.wait(timeout=30)


async def ready(channel: Channel) -> None:
    """Returns when the service says SERVING. Raises TimeoutError after two minutes."""
    health = channel.stub(health_pb2_grpc.HealthStub)
    async with asyncio.timeout(120):
        while True:
            try:
                answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=2)
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
            except Exception as error:  # not up yet, in whatever way grpc says so
                if isinstance(error, grpc.RpcError) and error.code() == grpc.StatusCode.UNIMPLEMENTED:
                    raise
            await asyncio.sleep(0.1)


async def main(data: Path, run: Path | None) -> int:
    """Evaluates and prints; 2 when there is nothing to evaluate."""
    if not sets(data):
        print(f"no set found: {data}/*/docs.jsonl is not there; name the folder with DATA=", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="afteraction-eval-") as directory:
        async with running(Path(directory)) as channel:
            table = await evaluate(channel.stub(MemoryServiceStub), data, run)
    print(f"{'queries':44}{'method':13}{'nDCG@10':>8}{'R@1':>8}{'R@5':>8}{'MRR@10':>8}")
    for file, method, scores in table:
        print(f"{file:44}{method:13}{scores.ndcg:8.3f}{scores.recall_1:8.3f}{scores.recall_5:8.3f}{scores.mrr:8.3f}")
    return 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit("usage: python -m tests.eval.memory_retrieval DATA [RUN]")
    sys.exit(asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else None)))
