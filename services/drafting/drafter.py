"""Makes cards and drafts: gathers, computes away from the event loop, and stores what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.drafting import card_messages
from services.drafting.card import card
from services.drafting.case import Case, Policy
from services.drafting.draft import Draft
from services.drafting.evidence import Evidence
from services.drafting.gather import Gatherer, nothing
from services.drafting.incident import Gathered, Incident
from services.drafting.outbox import Outbox
from services.drafting.recurrence import Recurrences
from services.drafting.rendering import Renderer
from services.drafting.sections import draft
from services.drafting.slack import blocks
from services.drafting.store.cards import CardStore, Rendered
from services.drafting.store.postmortems import PostmortemStore
from shared.offload import Offload
from shared.postgres.pool import Connection
from shared.telemetry.logs import logger

log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """A card, and a draft when the incident is over, with the evidence of both; not stored yet."""

    incident: Incident
    card: Rendered
    draft: Draft | None
    evidence: tuple[tuple[Evidence, bytes], ...]
    # Numbers of evidence that were given out before, by key.
    kept: Mapping[str, str]


class Drafter:
    """What the follower and the RPCs share."""

    def __init__(
        self,
        *,
        gatherer: Gatherer,
        cards: CardStore,
        postmortems: PostmortemStore,
        renderer: Renderer,
        outbox: Outbox,
        offload: Offload,
        policy: Policy,
        recurrences: Recurrences,
        dashboard_url: str = "",
    ) -> None:
        self._gatherer = gatherer
        self._cards = cards
        self._postmortems = postmortems
        self._renderer = renderer
        self._outbox = outbox
        self._offload = offload
        self._policy = policy
        self._recurrences = recurrences
        self._dashboard_url = dashboard_url

    async def make(self, incident: Incident) -> Made:
        """Everything that is said of `incident` now. What could not be had is named in it."""
        kept = await self._cards.numbers(incident.name)
        gathered = await self._recurrences.named(await self._gatherer.gather(incident))
        try:
            return await self._offload.run(self._compute, gathered, kept)
        except Exception as error:  # telemetry that nobody foresaw must not cost the on-call the card
            log.error("evidence not usable", error, incident=incident.name)
            bare = nothing(incident, f"evidence could not be used ({type(error).__name__})")
            return await self._offload.run(self._compute, bare, kept)

    async def store(self, connection: Connection, made: Made, at: datetime) -> int:
        """Keeps the card, the draft and their evidence in the caller's transaction; returns the card's new version,
        0 where it says the same as before. at: the wall clock's time. Raises Aborted when it has to be made again."""
        incident = made.incident
        await self._cards.freeze(connection, incident.name, made.evidence, made.kept, at)
        version = await self._cards.add(connection, made.card, at, _seconds(incident.deciding_record_received_at, at))
        if version:
            await self._outbox.put(connection, made.card, version, at)
        if made.draft is not None:
            await self._postmortems.create_draft(connection, made.draft, at, latency_s=_seconds(incident.closed_at, at))
        return version

    def _compute(self, gathered: Gathered, kept: Mapping[str, str]) -> Made:
        case = Case(gathered, self._policy, kept)
        shown = card(case)
        written = self._renderer.draft(draft(case)) if gathered.incident.is_over else None
        evidence = tuple((one, card_messages.evidence(one).SerializeToString(deterministic=True)) for one in case.book)
        message = card_messages.card(shown)
        rendered = Rendered(
            gathered.incident.name,
            gathered.incident.facts.stream,
            card_messages.fingerprint(message),
            message.SerializeToString(deterministic=True),
            self._renderer.card_markdown(shown),
            self._renderer.card_html(shown),
            blocks(shown, self._dashboard_url),
        )
        return Made(gathered.incident, rendered, written, evidence, kept)


def _seconds(since: datetime | None, until: datetime) -> float:
    return 0.0 if since is None else max((until - since).total_seconds(), 0.0)
