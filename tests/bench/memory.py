"""The vector index beside its peers, and a whole search, at 10,000 and 100,000 passages of 384 dimensions.

    python -m tests.bench.memory [SIZE …] [--write docs/benchmarks/memory.md]

Peers: pgvector in the embedded PostgreSQL, hnswlib, and qdrant-client's local mode; one that is not installed
(`pip install hnswlib qdrant-client`) is left out and said to be. Every approximate index is given the least effort with
which it finds 99 % of what exact search finds; where it cannot, its recall says so. All run in the same process, one
after the other, on one core. The vectors have 32 dimensions of meaning in 384, like sentence embeddings have, in 500
clusters; a query is a passage with noise.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import faiss
import numpy as np

from services.memory.embedding import Vectors
from services.memory.index import FLAT_UP_TO, PassageIndex
from shared.postgres.embedded import EmbeddedPostgres
from tests.bench.memory_search import Whole, stage_table, whole, whole_table
from tests.bench.plot import lines

DIMENSION = 384
MEANING = 32
TOP = 10
QUERIES = 200
WANTED_RECALL = 0.99
EFFORTS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 512)
MOST_WHOLE = 100_000  # passages up to which whole searches are measured too

Find = Callable[[Vectors], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Row:
    """One index at one size. Times in milliseconds but `build_s`; bytes beside the raw vectors."""

    name: str
    size: int
    build_s: float
    memory: float
    """Bytes over those of the raw vectors."""
    recall: float
    p50: float
    p99: float
    p50_16: float
    p99_16: float


def passages(size: int, seed: int = 7) -> tuple[Vectors, Vectors]:
    """`size` unit vectors and the queries, both float32 of shape (…, DIMENSION)."""
    random = np.random.default_rng(seed)
    spread = random.normal(size=(MEANING, DIMENSION)) / np.sqrt(DIMENSION)
    centres = random.normal(size=(500, MEANING))

    def some(count: int) -> Vectors:
        meaning = centres[random.integers(0, 500, count)] + 0.7 * random.normal(size=(count, MEANING))
        vectors = meaning @ spread + 0.02 * random.normal(size=(count, DIMENSION))
        unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    return some(size), some(QUERIES)


def measured(name: str, vectors: Vectors, build_s: float, used: float, find: Find, queries: Vectors) -> Row:
    """Latency at 1 and at 16 callers, and recall against comparing with all."""
    truth = _nearest(vectors, queries)
    found = [set(map(int, find(query))) for query in queries]
    recall = statistics.mean(len(got & set(map(int, want))) / TOP for got, want in zip(found, truth, strict=True))
    alone = [_timed(find, query) for query in queries]
    with ThreadPoolExecutor(16) as callers:
        together = list(callers.map(lambda query: _timed(find, query), np.concatenate([queries] * 4)))
    return Row(
        name, len(vectors), build_s, used / vectors.nbytes, recall, *_percentiles(alone), *_percentiles(together)
    )


def _nearest(vectors: Vectors, queries: Vectors) -> Any:
    """The rows that each query is nearest to, by comparing with all: shape (queries, TOP)."""
    return faiss.knn(queries, vectors, TOP, metric=faiss.METRIC_INNER_PRODUCT)[1]


def _timed(find: Find, query: Vectors) -> float:
    began = time.perf_counter()
    find(query)
    return (time.perf_counter() - began) * 1000


def _percentiles(times: Sequence[float]) -> tuple[float, float]:
    return float(np.quantile(times, 0.5)), float(np.quantile(times, 0.99))


def ours(vectors: Vectors, queries: Vectors) -> Iterator[Row]:
    """Exact, and the graph; which of them the product takes at this size is marked."""
    began = time.perf_counter()
    exact = PassageIndex(vectors, flat_up_to=len(vectors))
    built = time.perf_counter() - began
    chosen = len(vectors) <= FLAT_UP_TO
    name = "afteraction exact" + " (chosen)" * chosen

    def compare(query: Vectors) -> Sequence[int]:
        return [int(row) for row in exact.nearest(query, TOP)[0]]

    yield measured(name, vectors, built, exact.bytes, compare, queries)
    began = time.perf_counter()
    graph = PassageIndex(vectors, flat_up_to=0)
    built = time.perf_counter() - began
    breadth = [EFFORTS[0]]

    def find(query: Vectors) -> Sequence[int]:
        return [int(row) for row in graph.nearest(query, TOP, breadth=breadth[0])[0]]

    def set_effort(effort: int) -> None:
        breadth[0] = effort

    name = "afteraction graph" + " (chosen)" * (not chosen)
    yield _with_least_effort(name, vectors, built, graph.bytes, find, queries, set_effort)


def hnswlib_rows(vectors: Vectors, queries: Vectors) -> Iterator[Row]:
    """hnswlib with the graph's own parameters."""
    hnswlib: Any = importlib.import_module("hnswlib")

    began = time.perf_counter()
    index = hnswlib.Index(space="ip", dim=DIMENSION)
    index.init_index(max_elements=len(vectors), M=16, ef_construction=80)
    index.set_num_threads(1)
    index.add_items(vectors, num_threads=1)
    built = time.perf_counter() - began

    def find(query: Vectors) -> Sequence[int]:
        return index.knn_query(query, k=TOP, num_threads=1)[0][0]  # type: ignore[no-any-return]

    with tempfile.NamedTemporaryFile() as file:
        index.save_index(file.name)
        used = Path(file.name).stat().st_size
    yield _with_least_effort("hnswlib", vectors, built, used, find, queries, index.set_ef)


def qdrant_rows(vectors: Vectors, queries: Vectors) -> Iterator[Row]:
    """qdrant-client's local mode, which compares with all in numpy."""
    qdrant: Any = importlib.import_module("qdrant_client")

    began = time.perf_counter()
    client = qdrant.QdrantClient(":memory:")
    kept = qdrant.models.VectorParams(size=DIMENSION, distance=qdrant.models.Distance.DOT)
    client.create_collection("p", vectors_config=kept)
    for at in range(0, len(vectors), 1000):
        ids = list(range(at, min(at + 1000, len(vectors))))
        client.upsert("p", qdrant.models.Batch(ids=[*ids], vectors=vectors[at : at + 1000].tolist()))
    built = time.perf_counter() - began

    def find(query: Vectors) -> Sequence[int]:
        return [int(str(point.id)) for point in client.query_points("p", query=query.tolist(), limit=TOP).points]

    yield measured("qdrant-client local", vectors, built, float("nan"), find, queries[:50])


def _with_least_effort(
    name: str,
    vectors: Vectors,
    built: float,
    used: float,
    find: Find,
    queries: Vectors,
    set_effort: Callable[[int], None],
) -> Row:
    truth = _nearest(vectors, queries)
    effort = EFFORTS[0]
    for effort in EFFORTS:
        set_effort(effort)
        got = [set(map(int, find(query))) for query in queries]
        if statistics.mean(len(a & set(map(int, b))) / TOP for a, b in zip(got, truth, strict=True)) >= WANTED_RECALL:
            break
    return measured(f"{name} ef={effort}", vectors, built, used, find, queries)


async def pgvector_rows(vectors: Vectors, queries: Vectors) -> list[Row]:
    """pgvector's HNSW over asyncpg, on the embedded PostgreSQL, durable as it comes."""
    import asyncpg

    with tempfile.TemporaryDirectory(prefix="afteraction-bench-") as directory:
        async with EmbeddedPostgres(Path(directory)) as database:
            connection = await asyncpg.connect(database.url())
            try:
                await connection.execute("CREATE EXTENSION vector")
                await connection.execute(f"CREATE TABLE p (id int, v vector({DIMENSION}))")
                began = time.perf_counter()
                rows = [(at, _text(vector)) for at, vector in enumerate(vectors)]
                await connection.execute("CREATE TEMP TABLE raw (id int, v text)")
                await connection.copy_records_to_table("raw", records=rows)
                await connection.execute("INSERT INTO p SELECT id, v::vector FROM raw")
                await connection.execute("SET maintenance_work_mem = '2GB'")
                await connection.execute(
                    "CREATE INDEX ON p USING hnsw (v vector_ip_ops) WITH (m = 16, ef_construction = 80)"
                )
                built = time.perf_counter() - began
                used = await connection.fetchval("SELECT pg_total_relation_size('p')")
                return [await _pgvector_row(database, connection, vectors, queries, built, used)]
            finally:
                await connection.close()


async def _pgvector_row(
    database: EmbeddedPostgres, connection: Any, vectors: Vectors, queries: Vectors, built: float, used: float
) -> Row:
    import asyncpg

    truth = _nearest(vectors, queries)
    sql = f"SELECT id FROM p ORDER BY v <#> $1::text::vector LIMIT {TOP}"
    recall, effort = 0.0, EFFORTS[0]
    for effort in EFFORTS:
        await connection.execute(f"SET hnsw.ef_search = {effort}")
        got = [{row["id"] for row in await connection.fetch(sql, _text(query))} for query in queries]
        recall = statistics.mean(len(a & set(map(int, b))) / TOP for a, b in zip(got, truth, strict=True))
        if recall >= WANTED_RECALL:
            break

    async def one(on: Any, query: Vectors) -> float:
        began = time.perf_counter()
        await on.fetch(sql, _text(query))
        return (time.perf_counter() - began) * 1000

    alone = [await one(connection, query) for query in queries]
    async with asyncpg.create_pool(
        database.url(), min_size=16, max_size=16, server_settings={"hnsw.ef_search": str(effort)}
    ) as pool:

        async def pooled(query: Vectors) -> float:
            began = time.perf_counter()
            async with pool.acquire() as on:
                await on.fetch(sql, _text(query))
            return (time.perf_counter() - began) * 1000

        together: list[float] = []
        for at in range(0, len(queries) - 15, 16):
            together += await asyncio.gather(*(pooled(query) for query in queries[at : at + 16]))
    return Row(
        f"pgvector ef={effort}",
        len(vectors),
        built,
        used / vectors.nbytes,
        recall,
        *_percentiles(alone),
        *_percentiles(together),
    )


def _text(vector: Vectors) -> str:
    return "[" + ",".join(f"{value:.7g}" for value in vector) + "]"


def encoding() -> tuple[float, float]:
    """Passages a second through our encoder, and through the bare model, alternating in the same run."""
    from sentence_transformers import SentenceTransformer

    from services.memory.embedding import BUNDLED, Encoder, _directory

    texts = [f"The connection pool of service {n} was exhausted and requests timed out. " * 5 for n in range(64)]
    encoder = Encoder(BUNDLED)
    bare = SentenceTransformer(str(_directory(BUNDLED)), device="cpu", local_files_only=True)
    plain: Any = partial(bare.encode, batch_size=16, show_progress_bar=False)
    both: list[Callable[[list[str]], Any]] = [encoder.encode, plain]
    spent = [0.0, 0.0]
    for _ in range(3):
        for at, encode in enumerate(both):
            began = time.process_time()
            encode(texts)
            spent[at] += time.process_time() - began
    return tuple(3 * len(texts) / seconds for seconds in spent)  # type: ignore[return-value]


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    written = [
        "| index | passages | build s | memory ÷ vectors | recall@10 | p50 ms | p99 ms | p50 at 16 | p99 at 16 |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    written += [
        f"| {r.name} | {r.size:,} | {r.build_s:.1f} | {r.memory:.2f} | {r.recall:.3f} | {r.p50:.2f} | {r.p99:.2f} "
        f"| {r.p50_16:.2f} | {r.p99_16:.2f} |"
        for r in rows
    ]
    return "\n".join(written)


def picture(rows: Sequence[Row]) -> str:
    """The rows as an SVG: latency over size, an index a line, whatever effort it needed."""
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        series.setdefault(row.name.split(" ef=")[0].replace(" (chosen)", ""), []).append((row.size, row.p50))
    return lines("Nearest 10 of so many passages, at 99 % of exact", "passages", "p50 ms, one caller", series)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--write", type=Path, help="also write the tables to this file")
    parser.add_argument("--peers-up-to", type=int, default=100_000, help="peers are built up to so many passages")
    chosen = parser.parse_args()
    faiss.omp_set_num_threads(1)
    rows: list[Row] = []
    wholes: list[Whole] = []
    for size in chosen.sizes:
        vectors, queries = passages(size)
        rows += ours(vectors, queries)
        for package, peer, up_to in (
            ("hnswlib", hnswlib_rows, chosen.peers_up_to),
            ("qdrant_client", qdrant_rows, min(chosen.peers_up_to, 100_000)),
        ):
            if size > up_to:
                print(f"{package} is left out at {size:,}")
            elif importlib.util.find_spec(package) is None:
                print(f"{package} is not installed and left out")
            else:
                rows += peer(vectors, queries)
        if size <= chosen.peers_up_to:
            rows += asyncio.run(pgvector_rows(vectors, queries))
        if size <= MOST_WHOLE:
            wholes.append(whole(vectors, queries))
        print(table(rows), whole_table(wholes), *map(stage_table, wholes[-1:]), sep="\n\n", flush=True)
    through, bare = encoding()
    encoded = f"Encoding: {through:.1f} passages per CPU-second, the bare model {bare:.1f}; ratio {through / bare:.2f}."
    print(encoded)
    if chosen.write:
        machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
        told = [table(rows), whole_table(wholes), *map(stage_table, wholes[-1:]), encoded, f"Taken on: {machine}."]
        chosen.write.write_text("\n\n".join(told) + "\n")
        chosen.write.with_suffix(".svg").write_text(picture(rows))


if __name__ == "__main__":
    main()
