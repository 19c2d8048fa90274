"""Published post-mortems and runbooks into the repository: one file each, one commit a published revision.

Revisions that were never published stay here: what a review took out for good reason must not stand in a history that
nobody can take back.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from afteraction.v1.memory_service_pb2 import ListRunbookRevisionsRequest, ListRunbooksRequest
from afteraction.v1.runbook_pb2 import Runbook
from services.drafting.repository import files
from services.drafting.repository.clone import Author, Clone
from services.drafting.review.life import DRAFTER, Postmortem, State
from services.drafting.review.revisions import Revision
from services.drafting.store.postmortems import PostmortemStore, Search
from shared.clock import Clock
from shared.offload import Offload
from shared.timestamps import required

if TYPE_CHECKING:
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub

STREAM = "live"
_PAGE = 200
_LONGEST_SUBJECT = 72

# As Git writes it.
_NAME_AND_ADDRESS = re.compile(r"([^<>]*?)\s*<([^<>@\s]+@[^<>\s]+)>\Z")


@dataclass(frozen=True, slots=True)
class Identity:
    """How a name that somebody gave here becomes an author in Git. domain: for names that are no address."""

    domain: str

    def author(self, name: str) -> Author:
        plain = " ".join(name.split()) or DRAFTER
        found = _NAME_AND_ADDRESS.match(plain)
        if found:
            return Author(found[1] or found[2].partition("@")[0], found[2])
        if "@" in plain.strip("@"):
            return Author(plain.partition("@")[0], plain)
        local = "".join(each if each.isalnum() or each in "._-" else "-" for each in plain.casefold()).strip("-.")
        return Author(plain, f"{local or 'unknown'}@{self.domain}")


class Writing:
    """Makes commits in the clone. Who calls it holds the clone's lock."""

    def __init__(
        self,
        *,
        clone: Clone,
        git: Offload,
        postmortems: PostmortemStore,
        memory: "MemoryServiceAsyncStub",
        clock: Clock,
        identity: Identity,
    ) -> None:
        """git: where what blocks runs, one at a time."""
        self._clone = clone
        self._git = git
        self._postmortems = postmortems
        self._memory = memory
        self._clock = clock
        self._identity = identity

    async def postmortem(self, value: Postmortem) -> bool:
        """A commit for a published revision; False where the repository has it, or a later one."""
        path = files.path_of(value.name, value.onset_at)
        latest = (await self._postmortems.get(value.name)).published_revision
        # A number that somebody wrote there and that never was is believed no more than none.
        if value.revision <= await self._known(path) <= latest:
            return False
        revisions = await self._postmortems.revisions(value.name, 0, value.revision)
        people = [each.author for each in revisions if each.author not in (DRAFTER, "")]
        publisher = await self._publisher(value)
        author = people[-1] if people else publisher
        others = [name for name in dict.fromkeys((*people, publisher)) if name != author]
        return await self._commit(
            path,
            files.of_postmortem(value),
            author=author,
            others=others,
            written_at=_written(revisions) or self._clock.now(),
            message=f"{_subject(value.title)}\n\n{value.name} revision {value.revision}, of {value.incident}",
        )

    async def missing(self) -> int:
        """Commits for what was published while no repository was set, or is not in it for another reason."""
        made = 0
        search = Search(stream=STREAM, states=(int(State.PUBLISHED), int(State.AMENDED)))
        while True:
            page = await self._postmortems.find(search, _PAGE)
            for each in reversed(page):
                made += await self.postmortem(await self._postmortems.published(each.name, each.published_revision))
            if len(page) < _PAGE:
                return made
            search = Search(stream=STREAM, states=search.states, after=(page[-1].created_at, page[-1].name))

    async def runbooks(self) -> int:
        """A commit for each revision of a runbook that the repository does not have."""
        made, token = 0, ""
        while True:
            page = await self._memory.ListRunbooks(
                ListRunbooksRequest(stream=STREAM, page_size=_PAGE, page_token=token)
            )
            for runbook in page.runbooks:
                made += await self._runbook(runbook)
            token = page.next_page_token
            if not token:
                return made

    async def _runbook(self, runbook: Runbook) -> int:
        path = files.path_of(runbook.name)
        known = await self._known(path)
        if known >= runbook.revision:
            return 0
        found = await self._memory.ListRunbookRevisions(ListRunbookRevisionsRequest(name=runbook.name))
        made = 0
        for each in sorted(found.revisions, key=lambda one: one.number):
            if each.number > known:
                made += await self._commit(
                    path,
                    files.of_runbook(runbook, each.number, each.markdown),
                    author=each.author or DRAFTER,
                    others=(),
                    written_at=required(each.created_at),
                    message=f"{_subject(runbook.title)}\n\n{runbook.name} revision {each.number}",
                )
        return made

    async def _commit(
        self, path: str, content: bytes, *, author: str, others: Sequence[str], written_at: datetime, message: str
    ) -> bool:
        signed = [self._identity.author(name) for name in others if name != DRAFTER]
        trailers = "".join(f"\nCo-authored-by: {each.line().decode()}" for each in signed)
        commit = partial(
            self._clone.commit,
            {path: content},
            author=self._identity.author(author),
            written_at=written_at,
            at=self._clock.now(),
            message=f"{message}\n{trailers}\n" if trailers else f"{message}\n",
        )
        return await self._git.run(commit)

    async def _known(self, path: str) -> int:
        content = await self._git.run(self._clone.read, path)
        if content is None:
            return 0
        try:
            return files.read(content).revision
        except UnicodeDecodeError:
            return 0

    async def _publisher(self, value: Postmortem) -> str:
        published = [
            entry.actor
            for entry in await self._postmortems.audit(value.name)
            if entry.action == "published" and entry.revision == value.revision
        ]
        return published[-1] if published else DRAFTER


def _written(revisions: Sequence[Revision]) -> datetime | None:
    return revisions[-1].created_at if revisions else None


def _subject(title: str) -> str:
    line = " ".join(title.split()) or "untitled"
    return line if len(line) <= _LONGEST_SUBJECT else line[: _LONGEST_SUBJECT - 1] + "…"
