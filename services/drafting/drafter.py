"""Makes cards and drafts: gathers, computes away from the event loop, and stores what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.drafting.cards import messages as card_messages
from services.drafting.cards.card import card
from services.drafting.cards.slack import blocks
from services.drafting.case import Case, Policy
from services.drafting.delivery.outbox import Outbox
from services.drafting.drafts.draft import Draft
from services.drafting.drafts.sections import draft
from services.drafting.evidence import Evidence
from services.drafting.gather import PATIENT, Deadlines, Gatherer, nothing
from services.drafting.incident import Gathered, Incident
from services.drafting.narration.narrator import Narrator
from services.drafting.precedence import Precedence
from services.drafting.recurrence import Recurrences
from services.drafting.rendering import UNUSABLE, Renderer
from services.drafting.store.cards import CardStore, Rendered
from services.drafting.store.postmortems import PostmortemStore
from shared.errors import InvalidArgument
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
    # Whether a part was late, which a second, patient try may bring.
    is_incomplete: bool = False


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
        narrator: Narrator | None = None,
    ) -> None:
        self._gatherer = gatherer
        self._cards = cards
        self._postmortems = postmortems
        self._renderer = renderer
        self._shipped = Renderer()
        self._outbox = outbox
        self._offload = offload
        self._policy = policy
        self._recurrences = recurrences
        self._dashboard_url = dashboard_url
        self._narrator = narrator
        self._precedence = Precedence()

    async def make(self, incident: Incident, *, is_patient: bool = False) -> Made:
        """Everything that is said of `incident` now. What could not be had is named in it.

        is_patient: nobody waits for a first card; the others may take long to answer.
        """
        async with self._precedence.patient() if is_patient else self._precedence.urgent():
            return await self._made(incident, PATIENT if is_patient else None)

    async def _made(self, incident: Incident, deadlines: Deadlines | None) -> Made:
        kept = await self._cards.numbers(incident.name)
        gathered = await self._recurrences.named(await self._gatherer.gather(incident, deadlines))
        try:
            return await self._offload.run(self._computed, gathered, kept)
        except Exception as error:  # telemetry that nobody foresaw must not cost the on-call the card
            log.error("evidence not usable", error, incident=incident.name)
            bare = nothing(incident, f"evidence could not be used ({type(error).__name__})")
            return await self._offload.run(self._computed, bare, kept)

    def _computed(self, gathered: Gathered, kept: Mapping[str, str]) -> Made:
        """In the team's style; where its templates fail, in the one that ships, which says so."""
        try:
            return self._compute(gathered, kept, self._renderer)
        except InvalidArgument as error:
            if error.reason != UNUSABLE:
                raise
            log.error("template not usable", error, incident=gathered.incident.name)
            told = replace(gathered, missing=(*gathered.missing, f"the team's style: {error.message}"))
            made = self._compute(told, kept, self._shipped)
            # A second try would fail on the same template.
            return replace(made, is_incomplete=bool(gathered.missing))

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
            if self._narrator is not None:
                self._narrator.offer(made.draft)
        return version

    def _compute(self, gathered: Gathered, kept: Mapping[str, str], renderer: Renderer) -> Made:
        case = Case(gathered, self._policy, kept)
        shown = card(case)
        written = renderer.draft(draft(case)) if gathered.incident.is_over else None
        evidence = tuple((one, card_messages.evidence(one).SerializeToString(deterministic=True)) for one in case.book)
        message = card_messages.card(shown)
        rendered = Rendered(
            gathered.incident.name,
            gathered.incident.facts.stream,
            card_messages.fingerprint(message),
            message.SerializeToString(deterministic=True),
            renderer.card_markdown(shown),
            renderer.card_html(shown),
            blocks(shown, self._dashboard_url),
        )
        return Made(gathered.incident, rendered, written, evidence, kept, is_incomplete=bool(gathered.missing))


def _seconds(since: datetime | None, until: datetime) -> float:
    return 0.0 if since is None else max((until - since).total_seconds(), 0.0)
