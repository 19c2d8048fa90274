"""People's edits in the repository, back as amendments in review, each against the revision that it began from."""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from afteraction.v1.memory_service_pb2 import GetRunbookRequest, ListRunbookRevisionsRequest, UpdateRunbookRequest
from services.drafting.repository import files
from services.drafting.repository.clone import Author, Change
from services.drafting.review import life as review
from services.drafting.review import merging as revisions_merge
from services.drafting.review.life import Changed, Postmortem
from services.drafting.store.postmortems import PostmortemStore, Retry
from shared.clock import Clock
from shared.errors import Aborted, AfteractionError, DeadlineExceeded, FailedPrecondition, NotFound, Unavailable
from shared.offload import Offload
from shared.telemetry.logs import logger

if TYPE_CHECKING:
    from afteraction.v1.memory_service_pb2_grpc import MemoryServiceAsyncStub

log = logger(__name__)

FOLDERS = ("postmortems", "runbooks")
_MOST_TRIES = 50
_LONGEST_TEXT = 1024 * 1024


class Reading:
    """Turns changes of files into amendments. The same change again changes nothing."""

    def __init__(
        self, *, postmortems: PostmortemStore, memory: "MemoryServiceAsyncStub", clock: Clock, offload: Offload
    ) -> None:
        self._postmortems = postmortems
        self._memory = memory
        self._clock = clock
        self._offload = offload

    async def take(self, change: Change) -> bool:
        """Whether the change came back as something to review. What can never be taken is said and passed over: it
        stays in the repository's history. Raises Unavailable, Aborted and DeadlineExceeded to be called again."""
        try:
            return await self._take(change)
        except (Unavailable, DeadlineExceeded, Aborted):
            raise
        except (AfteractionError, UnicodeDecodeError) as error:
            reason = error.reason if isinstance(error, AfteractionError) else "NOT_UTF_8"
            log.warning("edit in the repository not taken", commit=change.commit, path=change.path, reason=reason)
            return False

    async def _take(self, change: Change) -> bool:
        if change.content is None:
            return False  # the file comes back with the next revision
        after = files.read(change.content)
        if after.is_broken:
            log.warning("front matter in the repository not read", commit=change.commit, path=change.path)
        before = files.read(change.before) if change.before is not None else None
        name = after.name or (before.name if before else "")
        base = after.revision or (before.revision if before else 0)
        if not name or len(after.text.encode()) > _LONGEST_TEXT:
            return False
        if name.startswith("runbooks/"):
            return await self._runbook(change, name, base, after.text)
        tags = after.tags if before is not None and after.tags != before.tags else None
        return await self._postmortem(change, name, base, after.text, tags)

    async def _postmortem(
        self, change: Change, name: str, base: int, text: str, tags: tuple[str, ...] | None
    ) -> bool:
        now = await self._postmortems.get(name)
        began = await self._postmortems.revision(name, base or now.published_revision)
        author, origin = name_of(change.author), f"in commit {change.commit[:12]}"
        is_taken = False
        if text != began.markdown:
            amend = partial(review.amend, text=text, base=began.markdown, author=author, origin=origin)
            is_taken = await self._decide(name, change, "repository edit", amend)
        if tags is not None and tags != now.tags:
            is_taken |= await self._decide(
                name, change, "repository tags", partial(review.set_tags, tags=tags, author=author)
            )
        return is_taken

    async def _decide(self, name: str, change: Change, kind: str, decide: Callable[[Postmortem], Changed]) -> bool:
        request_id = f"{change.commit}:{hashlib.sha256(change.path.encode()).hexdigest()[:24]}"
        retry = Retry(kind, request_id, hashlib.sha256(change.content or b"").digest())
        for _ in range(_MOST_TRIES):
            before = await self._postmortems.get(name)
            if await self._postmortems.is_known(retry):
                return False
            changed = await self._offload.run(decide, before)
            if changed.after == before:
                return False
            if await self._postmortems.write(before, changed, self._clock.now(), retry) is not None:
                log.info("edit in the repository taken", postmortem=name, commit=change.commit)
                return True
        raise Aborted(f"{name} is being changed by many at once", reason="BUSY", resource=name)

    async def _runbook(self, change: Change, name: str, base: int, text: str) -> bool:
        now = await self._memory.GetRunbook(GetRunbookRequest(name=name))
        known = await self._memory.ListRunbookRevisions(ListRunbookRevisionsRequest(name=name))
        began = next((each.markdown for each in known.revisions if each.number == base), None)
        if began is None:
            raise NotFound(f"{name} has no revision {base}", reason="REVISION_NOT_FOUND", resource=name)
        if text in (began, now.markdown) or any(each.markdown == text for each in known.revisions):
            return False
        author = name_of(change.author)
        merged = revisions_merge.merge(began, now.markdown, text, who=author, first_question=1)
        if merged.conflicts:
            # Somebody in an incident reads this: half a decision is worse than the text before.
            raise FailedPrecondition(
                f"{name} was changed here in the same lines", reason="RUNBOOK_CONFLICT", resource=name
            )
        await self._memory.UpdateRunbook(
            UpdateRunbookRequest(name=name, markdown=merged.text, author=author, etag=now.etag)
        )
        return True


def name_of(author: Author) -> str:
    """The author as we name people: the name, else the address."""
    return (author.name or author.email or "unknown")[:256]
