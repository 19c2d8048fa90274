"""request_id (AIP-155): a retry gets the answer of the first try.

Each service that creates things has this table in its schema (`TABLE` stands in one of its migrations). The answer is
kept in the same transaction as what it answers, so that there is never one without the other.
"""

from typing import TypeVar

from google.protobuf.message import Message

from shared.errors import InvalidArgument
from shared.postgres.pool import Connection

TABLE = """CREATE TABLE requests (
  method text NOT NULL, request_id text NOT NULL, fingerprint bytea NOT NULL, answer bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (method, request_id))"""

M = TypeVar("M", bound=Message)


async def recall(connection: Connection, method: str, request_id: str, fingerprint: bytes, answer: type[M]) -> M | None:
    """The answer that this request got before, or None; an empty request_id was never seen before.

    Within a transaction it also makes a concurrent retry wait. fingerprint: a digest of the request. Raises
    InvalidArgument when the same id came with another request.
    """
    if not request_id:
        return None
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{method}\x1f{request_id}")
    row = await connection.fetchrow("SELECT fingerprint, answer FROM requests WHERE method = $1 AND request_id = $2",
                                    method, request_id)
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise InvalidArgument(f"request_id {request_id!r} was used before for another request; choose a new one",
                              reason="REQUEST_ID_REUSED", field="request_id")
    return answer.FromString(row["answer"])


async def keep(connection: Connection, method: str, request_id: str, fingerprint: bytes, answer: Message) -> None:
    """Keeps `answer` for retries, in the caller's transaction; nothing when the caller gave no id."""
    if request_id:
        await connection.execute("INSERT INTO requests (method, request_id, fingerprint, answer) "
                                 "VALUES ($1, $2, $3, $4)", method, request_id, fingerprint, answer.SerializeToString())
