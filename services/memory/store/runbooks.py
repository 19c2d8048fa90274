"""Runbooks with every revision, the proposals that wait, and their uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import asyncpg

from services.memory import runbooks
from services.memory.documents import Document
from services.memory.runbooks import Proposal, Runbook
from shared.errors import FailedPrecondition, NotFound
from shared.postgres.pool import Connection, Pool

_COLUMNS = """name, stream, service, category, title, markdown, triggers, diagnosis_steps, mitigation_steps,
  postmortems, alert_names, url, times_used, last_verified_at, revision, is_edited, document, created_at, updated_at"""

BROUGHT = "import"
"""The author of what came from outside as it is."""


async def get(pool: Pool | Connection, name: str) -> Runbook:
    """The runbook with the proposals that wait for a person. Raises NotFound."""
    row = await pool.fetchrow(f"SELECT {_COLUMNS} FROM runbooks WHERE name = $1", name)  # noqa: S608 - constants
    if row is None:
        raise NotFound(f"{name} is not known", reason="RUNBOOK_NOT_FOUND", resource=name)
    return (await _with_proposals(pool, [row]))[0]


async def find(pool: Pool | Connection, name: str) -> Runbook | None:
    """The runbook, or None where there is none yet."""
    row = await pool.fetchrow(f"SELECT {_COLUMNS} FROM runbooks WHERE name = $1", name)  # noqa: S608 - constants
    return _runbook(row, ()) if row else None


async def page(
    pool: Pool, *, stream: str, service: str, after: tuple[datetime, str] | None, size: int
) -> list[Runbook]:
    """Up to `size` runbooks, oldest first. stream: `-` for all; service: empty for all."""
    rows = await pool.fetch(
        f"""SELECT {_COLUMNS} FROM runbooks WHERE ($1 = '-' OR stream = $1) AND ($2 = '' OR service = $2)
        AND ($3::timestamptz IS NULL OR (created_at, name) > ($3, $4)) ORDER BY created_at, name LIMIT $5""",  # noqa: S608
        stream, service, after[0] if after else None, after[1] if after else "", size,
    )  # fmt: skip
    return await _with_proposals(pool, rows)


async def lock(connection: Connection, name: str) -> None:
    """One change of a runbook at a time, also of one that is not there yet; to the end of the transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", name)


async def write(connection: Connection, runbook: Runbook, *, author: str, at: datetime) -> Runbook:
    """Stores `runbook` as its next revision, in the caller's transaction; returns it as stored."""
    row = await connection.fetchrow(
        f"""INSERT INTO runbooks ({_COLUMNS}) VALUES
          ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $16, $17, $17)
        ON CONFLICT (name) DO UPDATE SET title = $5, markdown = $6, triggers = $7, diagnosis_steps = $8,
          mitigation_steps = $9, postmortems = $10, alert_names = $11, url = $12, times_used = $13,
          last_verified_at = $14, revision = runbooks.revision + 1, is_edited = $15, document = $16, updated_at = $17
        RETURNING {_COLUMNS}""",  # noqa: S608 - constants
        runbook.name, runbook.stream, runbook.service, runbook.category, runbook.title, runbook.markdown,
        runbook.triggers, runbook.diagnosis_steps, runbook.mitigation_steps, runbook.postmortems, runbook.alert_names,
        runbook.url, runbook.times_used, runbook.last_verified_at, runbook.is_edited, runbook.document, at,
    )  # fmt: skip
    assert row is not None
    stored = _runbook(row, ())
    await connection.execute(
        "INSERT INTO runbook_revisions (runbook, number, author, markdown, created_at) VALUES ($1, $2, $3, $4, $5)",
        stored.name, stored.revision, author, stored.markdown, at,
    )  # fmt: skip
    return stored


async def edited_here(connection: Connection, document: Document) -> Runbook | None:
    """The runbook that was brought as `document` and edited by a person since; locked, to the end of the transaction.

    None where there is none, or where its text is what was brought.
    """
    name = runbooks.name_for_document(document.name)
    await lock(connection, name)
    author = await connection.fetchval(
        "SELECT author FROM runbook_revisions WHERE runbook = $1 ORDER BY number DESC LIMIT 1", name
    )
    return await find(connection, name) if author not in (None, BROUGHT) else None


async def adopt(connection: Connection, document: Document, *, at: datetime) -> Runbook:
    """A person's runbook joins the library; brought again with another text, that is its next revision."""
    brought = runbooks.adopted(document)
    await lock(connection, brought.name)
    known = await find(connection, brought.name)
    if known is not None:
        brought = replace(brought, times_used=known.times_used, last_verified_at=known.last_verified_at,
                          postmortems=known.postmortems)  # fmt: skip
    return await write(connection, brought, author=BROUGHT, at=at)


async def keep_lesson(connection: Connection, runbook: Runbook) -> None:
    """What a lesson says beside the text: where it came from, and when the runbook was last verified."""
    await connection.execute(
        "UPDATE runbooks SET postmortems = $2, last_verified_at = $3, alert_names = $4 WHERE name = $1",
        runbook.name, runbook.postmortems, runbook.last_verified_at, runbook.alert_names,
    )  # fmt: skip


async def propose(connection: Connection, runbook: str, proposal: Proposal, *, at: datetime) -> None:
    """Keeps a proposal; the same one, waiting or decided, is not made twice."""
    await connection.execute(
        """INSERT INTO runbook_proposals (id, runbook, postmortem, markdown, state, created_at)
        VALUES ($1, $2, $3, $4, 'waiting', $5) ON CONFLICT (id) DO NOTHING""",
        proposal.id, runbook, proposal.postmortem, proposal.markdown, at,
    )  # fmt: skip


async def decide(connection: Connection, runbook: str, proposal: str, *, is_accepted: bool, author: str) -> Proposal:
    """Ends a proposal's wait. Raises NotFound, or FailedPrecondition when it was decided before."""
    row = await connection.fetchrow(
        """SELECT id, postmortem, markdown, state, decided_by, created_at FROM runbook_proposals
        WHERE runbook = $1 AND id = $2 FOR UPDATE""",
        runbook,
        proposal,
    )
    if row is None:
        raise NotFound(f"{runbook} has no proposal {proposal}", reason="PROPOSAL_NOT_FOUND", resource=runbook)
    if row["state"] != "waiting":
        raise FailedPrecondition(f"proposal {proposal} was {row['state']} by {row['decided_by']} before",
                                 reason="PROPOSAL_DECIDED", resource=runbook)  # fmt: skip
    await connection.execute(
        "UPDATE runbook_proposals SET state = $2, decided_by = $3 WHERE id = $1",
        proposal, "accepted" if is_accepted else "rejected", author,
    )  # fmt: skip
    return Proposal(row["id"], row["postmortem"], row["markdown"], row["created_at"])


async def use(connection: Connection, name: str, *, incident: str, at: datetime, helped: bool) -> None:
    """Counts one use for an incident; told again, it only learns whether it helped. Raises NotFound."""
    await get(connection, name)
    fresh = await connection.fetchval(
        """INSERT INTO runbook_uses (runbook, incident, used_at, helped) VALUES ($1, $2, $3, $4)
        ON CONFLICT (runbook, incident) DO UPDATE SET helped = $4 RETURNING xmax = 0""",
        name, incident, at, helped,
    )  # fmt: skip
    await connection.execute(
        """UPDATE runbooks SET times_used = times_used + $2,
        last_verified_at = CASE WHEN $3 THEN greatest(last_verified_at, $4) ELSE last_verified_at END
        WHERE name = $1""",
        name, 1 if fresh else 0, helped, at,
    )  # fmt: skip


async def revisions(pool: Pool, name: str) -> list[tuple[int, str, str, datetime]]:
    """Every revision, oldest first: number, author, Markdown, time."""
    rows = await pool.fetch(
        "SELECT number, author, markdown, created_at FROM runbook_revisions WHERE runbook = $1 ORDER BY number", name
    )
    return [(row["number"], row["author"], row["markdown"], row["created_at"]) for row in rows]


async def _with_proposals(pool: Pool | Connection, rows: Sequence[asyncpg.Record]) -> list[Runbook]:
    waiting: dict[str, list[Proposal]] = {}
    for row in await pool.fetch(
        """SELECT id, runbook, postmortem, markdown, created_at FROM runbook_proposals
        WHERE runbook = ANY($1::text[]) AND state = 'waiting' ORDER BY created_at, id""",
        [row["name"] for row in rows],
    ):
        one = Proposal(row["id"], row["postmortem"], row["markdown"], row["created_at"])
        waiting.setdefault(row["runbook"], []).append(one)
    return [_runbook(row, tuple(waiting.get(row["name"], ()))) for row in rows]


def _runbook(row: asyncpg.Record, proposals: tuple[Proposal, ...]) -> Runbook:
    return Runbook(
        name=row["name"],
        title=row["title"],
        service=row["service"],
        category=row["category"],
        stream=row["stream"],
        markdown=row["markdown"],
        triggers=tuple(row["triggers"]),
        diagnosis_steps=tuple(row["diagnosis_steps"]),
        mitigation_steps=tuple(row["mitigation_steps"]),
        postmortems=tuple(row["postmortems"]),
        alert_names=tuple(row["alert_names"]),
        url=row["url"],
        times_used=row["times_used"],
        last_verified_at=row["last_verified_at"],
        revision=row["revision"],
        is_edited=row["is_edited"],
        document=row["document"],
        proposals=proposals,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
