"""What people found helpful."""

from __future__ import annotations

import hashlib
from datetime import datetime

import asyncpg
import numpy as np

from services.memory.embedding import Vectors
from services.memory.feedback import Voice
from services.memory.store.positions import next_position
from shared.errors import NotFound
from shared.postgres.pool import Connection, Pool


async def give(
    connection: Connection, *, document: str, author: str, query: str, is_helpful: bool, incident: str, model: str,
    vector: Vectors, at: datetime,
) -> int:  # fmt: skip
    """Keeps one voice in the caller's transaction; the same person about the same query is heard once, the last time.

    Returns the position. Raises NotFound when there is no such document.
    """
    known = await connection.fetchval(
        "SELECT true FROM documents WHERE name = $1 AND NOT is_forgotten FOR SHARE", document
    )
    if not known:
        raise NotFound(f"{document} is not known", reason="DOCUMENT_NOT_FOUND", resource=document)
    position = await next_position(connection)
    await connection.execute(
        """INSERT INTO feedback
        (document, author, query, query_hash, is_helpful, incident, model, vector, position, given_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT ON CONSTRAINT feedback_one_voice DO UPDATE
        SET is_helpful = $5, incident = $6, model = $7, vector = $8, position = $9, given_at = $10""",
        document, author, query, hashlib.sha256(query.encode()).digest(), is_helpful, incident, model,
        vector.astype("<f4").tobytes(), position, at,
    )  # fmt: skip
    return position


async def voices_after(
    pool: Pool, position: int, reached: int, model: str
) -> tuple[list[Voice], list[tuple[Voice, str]]]:
    """Voices above `position` up to `reached`: those embedded by `model`, and the others with their query's text."""
    rows = await pool.fetch(
        """SELECT document, author, query, query_hash, is_helpful, model, vector FROM feedback
        WHERE position > $1 AND position <= $2 ORDER BY position""",
        position,
        reached,
    )
    ready = [_voice(row) for row in rows if row["model"] == model]
    return ready, [(_voice(row), row["query"]) for row in rows if row["model"] != model]


def _voice(row: asyncpg.Record) -> Voice:
    vector = np.frombuffer(row["vector"], dtype="<f4")
    return Voice(row["document"], row["author"], row["query_hash"], row["is_helpful"], vector)
