"""Rewords stored drafts for flow, after they are there: a new revision where something may be taken, else nothing.

The draft is written without it; what it makes comes seconds later and only while nobody has touched the text. Its queue
is in memory: what is lost with the process is only flow.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from services.drafting.drafts.draft import Draft, Section
from services.drafting.narration.language_model import LanguageModel
from services.drafting.narration.rewording import (
    INSTRUCTIONS,
    REWORDED,
    Refusal,
    answers,
    prompt,
    reworded,
    with_sections,
)
from services.drafting.rendering import Renderer
from services.drafting.review import life as review
from services.drafting.review.life import Changed, Postmortem, State
from services.drafting.store.postmortems import PostmortemStore
from shared.clock import Clock
from shared.errors import AfteractionError, NotFound, Unavailable
from shared.names import identifier, resource
from shared.offload import Offload
from shared.postgres.pool import AWAY
from shared.telemetry.logs import logger

log = logger(__name__)

# Drafts that wait; of more, the newest are not reworded.
_MOST_WAITING = 100
_NOT_YET_STORED_S, _TRIES = 0.2, 10


class Narrator:
    """One draft after the other, the sections of each one after the other: the endpoint may be a small one."""

    def __init__(
        self, *, model: LanguageModel, postmortems: PostmortemStore, renderer: Renderer, offload: Offload, clock: Clock
    ) -> None:
        self._model = model
        self._postmortems = postmortems
        self._renderer = renderer
        self._offload = offload
        self._clock = clock
        self._waiting: asyncio.Queue[Draft] = asyncio.Queue(_MOST_WAITING)

    def offer(self, draft: Draft) -> None:
        """Puts a draft that is being stored into the queue; returns at once."""
        if not self._waiting.full():
            self._waiting.put_nowait(draft)

    async def run(self) -> None:
        """Until it is cancelled; then the endpoint's connections are closed."""
        try:
            while True:
                await self._next()
        finally:
            await self._model.close()

    async def _next(self) -> None:
        draft = await self._waiting.get()
        try:
            await self.narrate(draft)
        except (AfteractionError, *AWAY) as error:
            log.warning("draft not reworded", incident=draft.incident, error=type(error).__name__)
        except Exception as error:  # whatever an endpoint answers, the next draft is tried
            log.error("rewording failed", error, incident=draft.incident)

    async def narrate(self, draft: Draft) -> bool:
        """Stores the draft in better words; whether there were any that may be taken. Raises Unavailable."""
        if not await self._is_current(draft):
            return False
        sections, refused = await self._reworded(draft)
        if refused:
            log.info("sentences refused", incident=draft.incident,
                     **{reason.value: count for reason, count in refused.items()})
        if not sections:
            return False
        better = await self._offload.run(self._renderer.draft, with_sections(draft, sections))
        return await self._store(draft, better.markdown)

    async def _reworded(self, draft: Draft) -> tuple[Sequence[Section], Counter[Refusal]]:
        evidence = {one.id: one for one in draft.evidence}
        refused: Counter[Refusal] = Counter()
        better: list[Section] = []
        for kind in REWORDED:
            section = draft.section(kind)
            if not section.statements:
                continue
            try:
                said = await self._model.answer(INSTRUCTIONS, prompt(section))
            except Unavailable as error:
                log.warning("language model away", incident=draft.incident, error=str(error))
                break
            new, why_not = await self._offload.run(
                reworded, section, answers(said.text, is_complete=said.is_complete), evidence)
            refused += why_not
            if new != section:
                better.append(new)
        return better, refused

    async def _is_current(self, draft: Draft) -> bool:
        """Whether its text is what is stored; it is offered while it is being stored, so this waits a little."""
        for attempt in range(_TRIES):
            before = await self._stored(draft)
            if before is not None and before.is_edited:
                return False
            if before is not None and before.markdown == draft.markdown:
                return True
            if attempt < _TRIES - 1:
                await asyncio.sleep(_NOT_YET_STORED_S)
        return False

    async def _store(self, draft: Draft, text: str) -> bool:
        """A new revision, where the text is still the one that was reworded and nobody has edited it."""
        before = await self._stored(draft)
        is_open = before is not None and not before.is_edited and before.state in (State.DRAFT, State.IN_REVIEW)
        if before is None or not is_open or before.markdown != draft.markdown:
            return False
        after = replace(before, markdown=text, revision=before.revision + 1)
        changed = Changed(after, review.DRAFTER, "reworded", reason=review.REWORDED)
        return await self._postmortems.write(before, changed, self._clock.now()) is not None

    async def _stored(self, draft: Draft) -> Postmortem | None:
        try:
            return await self._postmortems.get(resource("postmortems", identifier("incidents", draft.incident)))
        except NotFound:
            return None
