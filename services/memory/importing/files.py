"""An import, file by file: read, remember, report; one bad file never ends it."""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from enum import Enum

from services.memory.documents import Kind
from services.memory.importing.markdown import Skipped, read
from services.memory.remembering import Remembering
from services.memory.store.documents import Written
from shared.errors import InvalidArgument
from shared.offload import Offload

AT_ONCE = 8  # files under way, so that the encoder always has a full batch and memory stays small


class Outcome(Enum):
    """What became of a file; the numbers are those of `ImportDocumentsResponse.Outcome`."""

    IMPORTED = 1
    UPDATED = 2
    UNCHANGED = 3
    SKIPPED = 4
    PROPOSED = 5


@dataclass(frozen=True, slots=True)
class File:
    """One file as it stands."""

    path: str
    content: bytes
    kind: Kind | None
    stream: str


@dataclass(frozen=True, slots=True)
class Report:
    """What became of one file, and what was recognised in it."""

    path: str
    outcome: Outcome
    reason: str = ""
    document: str = ""
    position: int = 0
    sections: tuple[str, ...] = ()
    kind: Kind | None = None


async def imported(files: AsyncIterator[File], remembering: Remembering, offload: Offload) -> AsyncIterator[Report]:
    """A report for each of `files`, in their order; when it is yielded, the document is committed.

    Files are committed side by side: the position of a report is one that covers all files up to this one.
    """
    reached = 0
    async for report in _side_by_side(files, remembering, offload):
        reached = max(reached, report.position)
        yield replace(report, position=reached)


async def _side_by_side(
    files: AsyncIterator[File], remembering: Remembering, offload: Offload
) -> AsyncIterator[Report]:
    under_way: deque[tuple[bytes, asyncio.Task[Report]]] = deque()
    try:
        async for file in files:
            digest = hashlib.sha256(file.content).digest()
            # The second of two equal files has to find the first.
            while len(under_way) >= AT_ONCE or any(digest == other for other, _ in under_way):
                yield await under_way.popleft()[1]
            under_way.append((digest, asyncio.create_task(_one(file, remembering, offload))))
        while under_way:
            yield await under_way.popleft()[1]
    finally:
        for _, task in under_way:
            task.cancel()


async def _one(file: File, remembering: Remembering, offload: Offload) -> Report:
    found = await offload.run(read, file.path, file.content, kind=file.kind, stream=file.stream)
    if isinstance(found, Skipped):
        return Report(file.path, Outcome.SKIPPED, found.reason)
    try:
        if known_as := await remembering.known_as(found.document):
            return Report(file.path, Outcome.SKIPPED, f"the same text as {known_as}", kind=found.document.kind)
        written = await remembering.remember(found.document)
    except InvalidArgument as error:
        return Report(file.path, Outcome.SKIPPED, error.message)
    notes = [found.notes] if found.notes else []
    if written.is_proposed:
        notes.append("edited here since; what the file says now waits as a proposal")
    if written.replaced:
        notes.append(f"replaces {written.replaced[:100]!r}")
    return Report(
        file.path, _outcome(written), "; ".join(notes), written.document.name, written.position, found.sections,
        found.document.kind,
    )  # fmt: skip


def _outcome(written: Written) -> Outcome:
    if written.is_proposed:
        return Outcome.PROPOSED
    if written.is_unchanged:
        return Outcome.UNCHANGED
    return Outcome.IMPORTED if written.is_new else Outcome.UPDATED
