"""Up to which commit the repository was read."""

import hashlib
from datetime import datetime

from shared.postgres.pool import Pool


class RepositoryStore:
    """All SQL about it. A location is kept as its digest: an address may hold a password."""

    def __init__(self, pool: Pool, location: str, branch: str) -> None:
        self._pool = pool
        self._key = hashlib.sha256(f"{location}\x1f{branch}".encode()).hexdigest()

    async def position(self) -> str:
        """The commit; empty at the first time."""
        found: str | None = await self._pool.fetchval(
            "SELECT commit_id FROM repository_positions WHERE location = $1", self._key
        )
        return found or ""

    async def advance(self, commit: str, at: datetime) -> None:
        await self._pool.execute(
            "INSERT INTO repository_positions (location, commit_id, read_at) VALUES ($1, $2, $3) "
            "ON CONFLICT (location) DO UPDATE SET commit_id = $2, read_at = $3",
            self._key,
            commit,
            at,
        )
