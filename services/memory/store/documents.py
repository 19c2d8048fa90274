"""Documents with their passages and vectors: a change is one transaction, found again by its position."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import datetime

import asyncpg
import numpy as np

from services.memory.documents import Document, Kind, Passage, Role
from services.memory.embedding import Vectors
from services.memory.store.positions import next_position, present_position
from shared.errors import NotFound
from shared.names import deterministic_id
from shared.postgres.pool import Connection, Pool
from shared.rpc.etag import etag

_COLUMNS = """name, kind, stream, source_id, title, markdown, services, tags, severity, occurred_at, alert_names,
  log_patterns, url, resolution, position, created_at, updated_at"""


@dataclass(frozen=True, slots=True)
class Written:
    """A document after it was stored. `position` is of its last change, which may be an earlier one."""

    document: Document
    position: int
    is_unchanged: bool
    is_new: bool
    replaced: str = ""
    """The title that it had before, when it had another."""
    is_proposed: bool = False
    """Whether it waits for a person, who has edited what is there."""


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to a document: what it is now, or that it was forgotten. `vectors` of the model asked for."""

    name: str
    position: int
    document: Document | None
    passages: tuple[Passage, ...] = ()
    vectors: Vectors | None = None


def name_of(document: Document) -> str:
    """The name under which `document` is kept: the same source gives the same name, without one the same text."""
    identity = document.source_id or f"{document.title}\x1f{document.markdown}"
    return f"documents/{deterministic_id(document.stream, document.kind.name, identity)}"


def content_hash(document: Document) -> bytes:
    """Equal when nothing that a person wrote or a program said differs."""
    plain = replace(document, name="", created_at=None, updated_at=None, etag="")
    return hashlib.sha256(repr(astuple(plain)).encode()).digest()


async def is_known(pool: Pool, document: Document) -> bool:
    """Whether `document` is there with just this content, or was brought so, and nobody needs to embed it again."""
    return bool(
        await pool.fetchval(
            "SELECT true FROM documents WHERE name = $1 AND $2 IN (content_hash, brought_hash) AND NOT is_forgotten",
            name_of(document),
            content_hash(document),
        )
    )


async def same_text(pool: Pool, document: Document) -> str:
    """The source, or else the name, under which the text of a document that is not there yet is there all the same."""
    found: str | None = await pool.fetchval(
        """SELECT coalesce(nullif(source_id, ''), name) FROM documents
        WHERE stream = $1 AND kind = $2 AND md5(markdown) = md5($3) AND markdown = $3 AND NOT is_forgotten
          AND NOT EXISTS (SELECT FROM documents WHERE name = $4 AND NOT is_forgotten)
        ORDER BY position LIMIT 1""",
        document.stream, int(document.kind), document.markdown, name_of(document),
    )  # fmt: skip
    return found or ""


async def write(
    connection: Connection,
    document: Document,
    passages: Sequence[Passage],
    vectors: Vectors,
    model: str,
    *,
    at: datetime,
    is_brought: bool = False,
) -> Written:
    """Stores `document` with its parts, in the caller's transaction; the same content again changes nothing.

    is_brought: it comes from outside, and is compared with what was brought before, not with what was made of that.
    """
    document = replace(document, name=name_of(document))
    digest = content_hash(document)
    before = await connection.fetchrow(
        f"SELECT {_COLUMNS}, content_hash, brought_hash, is_forgotten FROM documents WHERE name = $1 FOR UPDATE",  # noqa: S608
        document.name,
    )
    if before and before["is_forgotten"]:
        before = None
    if before and (before["content_hash"] == digest or (is_brought and before["brought_hash"] == digest)):
        return Written(_document(before), before["position"], True, False)
    created = before["created_at"] if before else at
    position = await next_position(connection)
    await connection.execute(
        f"""INSERT INTO documents ({_COLUMNS}, content_hash, brought_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        ON CONFLICT (name) DO UPDATE SET title = $5, markdown = $6, services = $7, tags = $8, severity = $9,
          occurred_at = $10, alert_names = $11, log_patterns = $12, url = $13, resolution = $14, position = $15,
          created_at = $16, updated_at = $17, content_hash = $18, is_forgotten = false,
          brought_hash = coalesce($19, documents.brought_hash)""",  # noqa: S608 - constants
        document.name, int(document.kind), document.stream, document.source_id, document.title, document.markdown,
        document.services, document.tags, document.severity, document.occurred_at, document.alert_names,
        document.log_patterns, document.url, document.resolution, position, created, at, digest,
        digest if is_brought else None,
    )  # fmt: skip
    await _write_parts(connection, document.name, passages, vectors, model)
    stored = _tagged(replace(document, created_at=created, updated_at=at), position)
    replaced = before["title"] if before and before["title"] != document.title else ""
    return Written(stored, position, False, before is None, replaced)


async def brought(connection: Connection, document: Document) -> Written:
    """What is there under the name of `document`, which waits for a person. That it was brought is remembered."""
    name = name_of(document)
    row = await connection.fetchrow(
        f"UPDATE documents SET brought_hash = $2 WHERE name = $1 RETURNING {_COLUMNS}",  # noqa: S608 - constants
        name, content_hash(replace(document, name=name)),
    )  # fmt: skip
    assert row is not None
    return Written(_document(row), row["position"], is_unchanged=False, is_new=False, is_proposed=True)


async def _write_parts(
    connection: Connection, name: str, passages: Sequence[Passage], vectors: Vectors, model: str
) -> None:
    await connection.execute("DELETE FROM passages WHERE document = $1", name)
    await connection.execute("DELETE FROM vectors WHERE document = $1", name)
    await connection.executemany(
        "INSERT INTO passages (document, ordinal, role, heading, text) VALUES ($1, $2, $3, $4, $5)",
        [(name, each.ordinal, int(each.role), each.heading, each.text) for each in passages],
    )
    await write_vectors(connection, name, vectors, model)


async def write_vectors(connection: Connection, name: str, vectors: Vectors, model: str) -> None:
    """Keeps the vectors of a document's passages under `model`."""
    await connection.execute(
        """INSERT INTO vectors (document, model, dimension, data) VALUES ($1, $2, $3, $4)
        ON CONFLICT (document, model) DO UPDATE SET dimension = $3, data = $4""",
        name, model, vectors.shape[1], vectors.astype("<f4").tobytes(),
    )  # fmt: skip


async def forget(connection: Connection, name: str, *, at: datetime) -> int:
    """Empties the document; returns the position. Raises NotFound."""
    known = await connection.fetchval(
        "SELECT true FROM documents WHERE name = $1 AND NOT is_forgotten FOR UPDATE", name
    )
    if not known:
        raise _missing(name)
    position = await next_position(connection)
    await connection.execute("DELETE FROM passages WHERE document = $1", name)
    await connection.execute("DELETE FROM vectors WHERE document = $1", name)
    await connection.execute("DELETE FROM feedback WHERE document = $1", name)
    await connection.execute(
        """UPDATE documents SET is_forgotten = true, title = '', markdown = '', services = '{}', tags = '{}',
        alert_names = '{}', log_patterns = '{}', url = '', resolution = '', content_hash = '', brought_hash = NULL,
        position = $2, updated_at = $3 WHERE name = $1""",
        name, position, at,
    )  # fmt: skip
    return position


async def get(pool: Pool | Connection, name: str) -> Document:
    """The document of that name. Raises NotFound."""
    row = await pool.fetchrow(f"SELECT {_COLUMNS} FROM documents WHERE name = $1 AND NOT is_forgotten", name)  # noqa: S608
    if row is None:
        raise _missing(name)
    return _document(row)


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as a search shows it: without its text but for one passage; the runbook that it holds, if it does."""

    document: Document
    passage: Passage
    runbook: str


async def shown(pool: Pool, wanted: Sequence[tuple[str, int]]) -> dict[str, Shown]:
    """The documents of these names, each with the passage of this ordinal; those that are still there."""
    rows = await pool.fetch(
        """SELECT d.name, kind, d.stream, source_id, d.title, '' AS markdown, services, tags, severity, occurred_at,
          d.alert_names, log_patterns, d.url, resolution, position, d.created_at, d.updated_at,
          p.ordinal, p.role, p.heading, p.text, coalesce(r.name, '') AS runbook
        FROM unnest($1::text[], $2::int[]) AS wanted (document, ordinal)
        JOIN documents d ON d.name = wanted.document AND NOT d.is_forgotten
        JOIN passages p ON p.document = wanted.document AND p.ordinal = wanted.ordinal
        LEFT JOIN runbooks r ON r.document = wanted.document""",
        [name for name, _ in wanted],
        [ordinal for _, ordinal in wanted],
    )
    return {row["name"]: Shown(_document(row), _passage(row), row["runbook"]) for row in rows}


async def page(
    pool: Pool, *, stream: str, kinds: Sequence[Kind], after: tuple[datetime, str] | None, size: int
) -> list[Document]:
    """Up to `size` documents of a stream, oldest first, after the one that `after` names by its time and name."""
    rows = await pool.fetch(
        f"""SELECT {_COLUMNS} FROM documents WHERE stream = $1 AND NOT is_forgotten
        AND (cardinality($2::smallint[]) = 0 OR kind = ANY($2::smallint[]))
        AND ($3::timestamptz IS NULL OR (created_at, name) > ($3, $4)) ORDER BY created_at, name LIMIT $5""",  # noqa: S608
        stream, [int(kind) for kind in kinds], after[0] if after else None, after[1] if after else "", size,
    )  # fmt: skip
    return [_document(row) for row in rows]


async def changes_after(pool: Pool, position: int, model: str, *, most: int) -> tuple[list[Change], int]:
    """Changes above `position`, oldest first, at most `most` documents; and the position that they reach.

    A document that changed several times comes once, as it is now. `vectors` is None where `model` has not embedded it.
    """
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            f"SELECT {_COLUMNS}, is_forgotten FROM documents WHERE position > $1 ORDER BY position LIMIT $2",  # noqa: S608
            position, most,
        )  # fmt: skip
        reached = rows[-1]["position"] if len(rows) == most else await present_position(connection)
        names = [row["name"] for row in rows if not row["is_forgotten"]]
        parts: dict[str, list[Passage]] = {name: [] for name in names}
        for row in await connection.fetch(
            """SELECT document, ordinal, role, heading, text FROM passages
            WHERE document = ANY($1::text[]) ORDER BY document, ordinal""",
            names,
        ):
            parts[row["document"]].append(_passage(row))
        vectors = {
            row["document"]: np.frombuffer(row["data"], dtype="<f4").reshape(-1, row["dimension"])
            for row in await connection.fetch(
                "SELECT document, dimension, data FROM vectors WHERE document = ANY($1::text[]) AND model = $2",
                names,
                model,
            )
        }
    found = [
        Change(row["name"], row["position"], None)
        if row["is_forgotten"]
        else Change(row["name"], row["position"], _document(row), tuple(parts[row["name"]]), vectors.get(row["name"]))
        for row in rows
    ]
    return found, int(reached)


def _document(row: asyncpg.Record) -> Document:
    return Document(
        kind=Kind(row["kind"]),
        title=row["title"],
        markdown=row["markdown"],
        name=row["name"],
        services=tuple(row["services"]),
        tags=tuple(row["tags"]),
        severity=row["severity"],
        occurred_at=row["occurred_at"],
        alert_names=tuple(row["alert_names"]),
        log_patterns=tuple(row["log_patterns"]),
        source_id=row["source_id"],
        url=row["url"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        stream=row["stream"],
        resolution=row["resolution"],
        etag=etag(row["name"], row["position"]),
    )


def _tagged(document: Document, position: int) -> Document:
    return replace(document, etag=etag(document.name, position))


def _passage(row: asyncpg.Record) -> Passage:
    return Passage(row["ordinal"], Role(row["role"]), row["heading"], row["text"])


def _missing(name: str) -> NotFound:
    return NotFound(
        f"{name} is not known; it was never remembered, or forgotten", reason="DOCUMENT_NOT_FOUND", resource=name
    )
