"""The repository and what is here, kept together: a publication is committed and pushed, people's edits are read.

A commit is made in a clone of our own first. While the network is away it waits there; the outbox of publications holds
it, too, until the remote has it, so that neither a lost connection nor a lost disk loses a revision.
"""

import asyncio
from datetime import timedelta

from services.drafting.repository.clone import Clone
from services.drafting.repository.reading import FOLDERS, Reading
from services.drafting.repository.writing import STREAM, Writing
from services.drafting.review.life import Postmortem
from services.drafting.store.repository import RepositoryStore
from shared.clock import Clock
from shared.errors import AfteractionError, DeadlineExceeded, Unavailable, Unimplemented
from shared.offload import Offload
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)


class Repository:
    """A task of the publisher, and a round that looks for edits."""

    def __init__(
        self,
        *,
        clone: Clone,
        git: Offload,
        writing: Writing,
        reading: Reading,
        store: RepositoryStore,
        clock: Clock,
        every: timedelta,
    ) -> None:
        self._clone = clone
        self._git = git
        self._writing = writing
        self._reading = reading
        self._store = store
        self._clock = clock
        self._every = every
        # One at a time works on the clone.
        self._lock = asyncio.Lock()

    async def __call__(self, value: Postmortem) -> None:
        """A published revision. Raises Unavailable until the remote has it."""
        if value.stream != STREAM:
            return
        async with self._lock:
            away = None
            try:
                await self._git.run(self._clone.fetch)
            except Unavailable as error:
                away = error  # committed all the same, and pushed when it is back
            if await self._writing.postmortem(value):
                log.info("revision committed", postmortem=value.name, revision=value.revision)
            if away is not None:
                raise away
            await self._git.run(self._clone.push)

    async def run(self) -> None:
        """Until it is cancelled. A remote that is away is tried again in the next round, and said once."""
        is_away = False
        while True:
            try:
                await self.round()
                is_away = False
            except (AfteractionError, *AWAY) as error:
                if not is_away:
                    log.warning("repository delayed", error=str(error))
                is_away = True
            await asyncio.sleep(self._every.total_seconds())

    async def round(self) -> int:
        """Reads people's edits, commits what is missing there, pushes; how many edits came back. Raises Unavailable."""
        async with self._lock:
            remote, away = "", None
            try:
                remote = await self._git.run(self._clone.fetch)
            except Unavailable as error:
                away = error
            taken = await self._read(remote) if remote else 0
            await self._writing.missing()
            try:
                await self._writing.runbooks()
            except (Unavailable, DeadlineExceeded, Unimplemented) as error:
                log.info("runbooks not committed", reason=error.reason)
            if away is not None:
                raise away
            await self._git.run(self._clone.push)
            return taken

    async def _read(self, remote: str) -> int:
        """Our own commits are read, too: their text is that of the revision they name, and changes nothing."""
        position = await self._store.position()
        if position and not await self._git.run(self._clone.has, position):
            log.warning("history of the repository was rewritten; read from its beginning")
            position = ""
        if position == remote:
            return 0
        changes = await self._git.run(self._clone.changes, position, FOLDERS)
        taken = sum([await self._reading.take(change) for change in changes])
        await self._store.advance(remote, self._clock.now())
        return taken
