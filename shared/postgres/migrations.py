"""Numbered SQL, run once each, in order, under an advisory lock.

A file is `0001_pre_telemetry_log.sql`. `pre` runs before the new code, `post` when no old code runs any more; both are
run at start, in order of number, and a service that starts while another migrates waits for it. What ran is kept with
its checksum: an edited migration stops the start.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib import resources

from shared.postgres.pool import Pool

_NAME = re.compile(r"(\d{4})_(pre|post)_[a-z0-9_]+\.sql\Z")
_TABLE = """CREATE TABLE IF NOT EXISTS schema_migrations (
  number integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
  applied_at timestamptz NOT NULL DEFAULT now())"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name and its SQL."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(pool: Pool, schema: str, package: str) -> int:
    """Brings `schema` to the newest migration of `package`; returns how many ran.

    Raises RuntimeError when a migration that ran before has another text now, or a file has no proper name.
    """
    migrations = read(package)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"afteraction migrations {schema}")
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT number, checksum FROM schema_migrations")
        done = {row["number"]: row["checksum"] for row in rows}
        for migration in migrations:
            if migration.number in done:
                if done[migration.number] != migration.checksum:
                    raise RuntimeError(f"migration {migration.name} was edited after it ran in schema {schema}; "
                                       "put the change into a new one")
                continue
            await connection.execute(migration.sql)
            await connection.execute("INSERT INTO schema_migrations (number, name, checksum) VALUES ($1, $2, $3)",
                                     migration.number, migration.name, migration.checksum)
    return sum(1 for migration in migrations if migration.number not in done)


def read(package: str) -> list[Migration]:
    """The migrations of a package, in order. Raises RuntimeError on a bad name or a number given twice."""
    found: dict[int, Migration] = {}
    for entry in resources.files(package).iterdir():
        if not entry.name.endswith(".sql"):
            continue
        match = _NAME.match(entry.name)
        if not match:
            raise RuntimeError(f"{package}/{entry.name}: a migration is named like 0001_pre_what.sql")
        number = int(match[1])
        if number in found:
            raise RuntimeError(f"{package}: {entry.name} and {found[number].name} have the same number")
        found[number] = Migration(number, entry.name, entry.read_text())
    return [found[number] for number in sorted(found)]
