"""Cards with all their versions, and the evidence that is frozen with their incidents."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from afteraction.v1 import card_pb2
from services.drafting.evidence import Evidence
from shared.errors import Aborted, NotFound
from shared.postgres.pool import Connection, Pool
from shared.timestamps import to_proto

CHANNEL = "cards"


@dataclass(frozen=True, slots=True)
class Rendered:
    """A card in every form; `message` is afteraction.v1.Card without what the store gives."""

    incident: str
    stream: str
    fingerprint: str
    message: bytes
    markdown: str
    html: str
    slack: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Version:
    """One stored version."""

    incident: str
    version: int
    position: int
    stream: str
    created_at: datetime
    message: bytes
    markdown: str
    html: str
    slack: list[dict[str, object]]


_COLUMNS = "incident, version, position, stream, created_at, message, markdown, html, slack"


class CardStore:
    """All SQL about cards and frozen evidence."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    async def numbers(self, incident: str) -> dict[str, str]:
        """Numbers of evidence that were given out, by key, in their order."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT key, id FROM evidence WHERE incident = $1 ORDER BY length(id), id", incident
            )
        return {row["key"]: row["id"] for row in rows}

    async def freeze(
        self,
        connection: Connection,
        incident: str,
        evidence: Iterable[tuple[Evidence, bytes]],
        kept: Mapping[str, str],
        at: datetime,
    ) -> None:
        """Keeps what is new or reads otherwise now, in the caller's transaction.

        kept: the numbers that the new ones were given out after. Raises Aborted when others were given out since.
        """
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"evidence {incident}")
        count = await connection.fetchval("SELECT count(*) FROM evidence WHERE incident = $1", incident)
        if count != len(kept):
            raise Aborted(
                f"evidence of {incident} was numbered by somebody else; gather again",
                reason="EVIDENCE_NUMBERED",
                resource=incident,
            )
        await connection.executemany(
            "INSERT INTO evidence (incident, key, id, message, frozen_at) VALUES ($1, $2, $3, $4, $5) "
            "ON CONFLICT (incident, key) DO UPDATE SET message = excluded.message "
            "WHERE evidence.message <> excluded.message",
            [(incident, one.key, one.id, message, at) for one, message in evidence],
        )

    async def add(self, connection: Connection, card: Rendered, at: datetime, latency_s: float = 0.0) -> int:
        """Stores a new version in the caller's transaction; 0 where the newest says the same already."""
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext('card positions'))")
        newest = await connection.fetchrow(
            "SELECT version, fingerprint FROM card_versions WHERE incident = $1 ORDER BY version DESC LIMIT 1",
            card.incident,
        )
        if newest is not None and newest["fingerprint"] == card.fingerprint:
            return 0
        version = 1 if newest is None else newest["version"] + 1
        await connection.execute(
            "INSERT INTO card_versions (incident, version, stream, created_at, fingerprint, message, markdown, html, "
            "slack) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            card.incident,
            version,
            card.stream,
            at,
            card.fingerprint,
            stamped(card.message, version, at, latency_s if version == 1 else 0.0),
            _stored(card.markdown),
            _stored(card.html),
            _stored(orjson.dumps(card.slack).decode()),
        )
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, card.incident)
        return int(version)

    async def get(self, incident: str, version: int = 0) -> Version:
        """One version, 0 being the newest. Raises NotFound."""
        async with self.pool.acquire() as connection:
            row = await connection.fetchrow(
                f"SELECT {_COLUMNS} FROM card_versions WHERE incident = $1 AND ($2 = 0 OR version = $2) "  # noqa: S608
                "ORDER BY version DESC LIMIT 1",
                incident,
                version,
            )
        if row is None:
            which = f"version {version} of the card of {incident}" if version else f"a card of {incident}"
            raise NotFound(
                f"there is no {which.removeprefix('a ')}", reason="CARD_NOT_FOUND", resource=f"{incident}/card"
            )
        return _version(row.items())

    async def newest(self, incidents: Sequence[str]) -> dict[str, bytes]:
        """The message of each incident's newest card; incidents without one are left out."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT ON (incident) incident, message FROM card_versions WHERE incident = ANY($1::text[]) "
                "ORDER BY incident, version DESC",
                list(incidents),
            )
        return {row["incident"]: row["message"] for row in rows}

    async def after(self, position: int, incident: str, stream: str, limit: int) -> list[Version]:
        """Versions that were stored after a position, in order; an empty incident or stream restricts nothing."""
        async with self.pool.acquire() as connection:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM card_versions WHERE position > $1 AND ($2 = '' OR incident = $2) "  # noqa: S608
                "AND ($3 = '' OR stream = $3) ORDER BY position LIMIT $4",
                position,
                incident,
                stream,
                limit,
            )
        return [_version(row.items()) for row in rows]


def stamped(message: bytes, version: int, at: datetime, latency_s: float) -> bytes:
    """The message with what only the store knows. Fields that a message does not have yet may be appended to it."""
    extra = card_pb2.Card(version=version, created_at=to_proto(at), latency_s=latency_s)
    return message + extra.SerializeToString()


def _stored(text: str) -> str:
    """PostgreSQL's text holds every character but this one."""
    return text.replace("\x00", "\ufffd").replace("\\u0000", "\\ufffd")


def _version(row: Iterable[tuple[str, Any]]) -> Version:
    values = dict(row)
    values["slack"] = orjson.loads(str(values["slack"]))
    return Version(**values)
