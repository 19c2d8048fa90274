"""What of an earlier post-mortem was still undone when it happened again."""

from dataclasses import replace

from services.drafting.incident import Gathered, Similar
from services.drafting.insights.facts import was_undone
from services.drafting.store.action_items import ActionItemStore
from shared.markdown import to_plain

_OURS = "postmortems/"


class Recurrences:
    """Knows the action items of our own post-mortems."""

    def __init__(self, items: ActionItemStore) -> None:
        self._items = items

    async def named(self, gathered: Gathered) -> Gathered:
        """`gathered`, with the action items that were open at the onset beside each similar incident of ours."""
        similar = tuple([await self._with_items(each, gathered) for each in gathered.similar])
        return replace(gathered, similar=similar)

    async def _with_items(self, similar: Similar, gathered: Gathered) -> Similar:
        if not similar.past.source_id.startswith(_OURS):
            return similar
        onset = gathered.incident.facts.onset_at
        items = await self._items.of(similar.past.source_id)
        undone = [to_plain(item.title) for item in items if was_undone(item, onset)]
        return replace(similar, open_action_items=tuple(undone))
