"""The drafting service, put together from settings."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from afteraction.v1.action_item_service_pb2_grpc import add_ActionItemServiceServicer_to_server
from afteraction.v1.card_service_pb2_grpc import add_CardServiceServicer_to_server
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceStub
from afteraction.v1.ingestion_service_pb2_grpc import IngestionServiceStub
from afteraction.v1.insight_service_pb2_grpc import add_InsightServiceServicer_to_server
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from afteraction.v1.postmortem_service_pb2_grpc import add_PostmortemServiceServicer_to_server
from services.drafting.delivery.deliverer import Deliverer
from services.drafting.delivery.outbox import Outbox
from services.drafting.drafter import Drafter
from services.drafting.follower import Follower
from services.drafting.gather import Deadlines, Gatherer
from services.drafting.insights.gathering import Gathering
from services.drafting.narration.language_model import LanguageModel
from services.drafting.narration.narrator import Narrator
from services.drafting.ownership import Catalogue, read
from services.drafting.publishing.composition import reviewing
from services.drafting.recurrence import Recurrences
from services.drafting.reminders.delivery import ReminderRounds, payload
from services.drafting.reminders.due import Reminder
from services.drafting.rendering import Renderer
from services.drafting.repository.composition import kept
from services.drafting.review.watch import Changes
from services.drafting.service.cards import CardService
from services.drafting.service.insights import InsightService
from services.drafting.settings import Settings
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.cards import CHANNEL, CardStore
from services.drafting.store.deliveries import DeliveryStore
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.reminders import ReminderStore
from services.drafting.trackers.composition import followed
from shared.clock import Clock, SystemClock
from shared.lifecycle import Background
from shared.offload import Offload
from shared.postgres.migrations import migrate
from shared.postgres.pool import database_url, open_pool
from shared.rpc.client import Channel
from shared.rpc.server import Server
from shared.settings import Common, load, read_file
from shared.telemetry.exporting import exporting

SCHEMA = "drafting"
MIGRATIONS = "services.drafting.migrations"
NAMES = (
    "afteraction.v1.CardService",
    "afteraction.v1.PostmortemService",
    "afteraction.v1.ActionItemService",
    "afteraction.v1.InsightService",
)


@asynccontextmanager
async def drafting(common: Common, settings: Settings) -> AsyncIterator[int]:
    """Serves until the block ends; yields the port."""
    clock = SystemClock()
    renderer = Renderer(settings.style, Path(settings.template_directory) if settings.template_directory else None)
    catalogue = read(Path(settings.ownership_catalogue)) if settings.ownership_catalogue else Catalogue()
    deadlines = Deadlines(settings.evidence_deadline.total_seconds(), settings.memory_deadline.total_seconds())
    urls = {
        target: url for target, url in (("webhook", settings.webhook_url), ("slack", settings.slack_webhook_url)) if url
    }
    with exporting("drafting", common), Offload(settings.threads, "drafting") as offload:
        async with (
            open_pool(database_url(common), schema=SCHEMA, size=settings.database_connections) as pool,
            Channel(common.ingestion_address, common) as ingestion,
            Channel(common.detection_address, common) as detection,
            Channel(common.memory_address, common) as memory_channel,
            followed(settings, pool, clock) as following,
            kept(
                settings,
                common.data_directory,
                pool=pool,
                memory=memory_channel.stub(MemoryServiceStub),
                clock=clock,
                offload=offload,
            ) as repository,
            Background() as background,
        ):
            await migrate(pool, SCHEMA, MIGRATIONS)
            incidents, memory = detection.stub(IncidentServiceStub), memory_channel.stub(MemoryServiceStub)
            narrator = _narrator(settings, PostmortemStore(pool), renderer, offload, clock)
            cards, deliveries, changes = CardStore(pool), DeliveryStore(pool), Changes(pool, CHANNEL)
            gatherer = Gatherer(
                ingestion=ingestion.stub(IngestionServiceStub),
                memory=memory,
                offload=offload,
                catalogue=catalogue,
                deadlines=deadlines,
            )
            drafter = Drafter(
                gatherer=gatherer,
                cards=cards,
                postmortems=PostmortemStore(pool),
                renderer=renderer,
                outbox=Outbox(deliveries, tuple(urls)),
                offload=offload,
                policy=settings.policy(),
                recurrences=Recurrences(ActionItemStore(pool)),
                dashboard_url=settings.dashboard_url,
                narrator=narrator,
            )
            card_service = CardService(
                cards=cards, deliveries=deliveries, drafter=drafter, incidents=incidents, changes=changes, clock=clock
            )
            review = reviewing(
                pool=pool,
                clock=clock,
                offload=offload,
                memory=memory,
                incidents=incidents,
                following=following,
                repository=repository,
                settings=settings,
                draft=card_service.refresh,
            )
            gathering = Gathering(
                incidents=incidents,
                memory=memory,
                postmortems=review.store,
                items=review.items,
                cards=cards,
                offload=offload,
            )
            insights = InsightService(gathering=gathering, clock=clock, offload=offload)
            registrations = (
                partial(add_CardServiceServicer_to_server, card_service),
                partial(add_PostmortemServiceServicer_to_server, review.postmortems),
                partial(add_ActionItemServiceServicer_to_server, review.action_items),
                partial(add_InsightServiceServicer_to_server, insights),
            )
            follower = Follower(
                incidents=incidents, drafter=drafter, pool=pool, clock=clock, in_flight=settings.in_flight
            )
            background.start(changes.run(), name="card changes")
            background.start(follower.run(), name="follower")
            review.start(background)
            if narrator is not None:
                background.start(narrator.run(), name="narrator")
            if urls:
                deliverer = Deliverer(deliveries=deliveries, urls=urls, secret=settings.webhook_secret, clock=clock)

                async def remind(reminder: Reminder) -> None:
                    await deliverer.remind(payload(reminder, settings.dashboard_url), reminder.id)

                background.start(deliverer.run(), name="deliveries")
                background.start(
                    ReminderRounds(gathering=gathering, store=ReminderStore(pool), deliver=remind, clock=clock).run(),
                    name="reminders",
                )
            async with Server(common.drafting_address, common, registrations, names=NAMES) as server:
                yield server.port


def _narrator(
    settings: Settings, postmortems: PostmortemStore, renderer: Renderer, offload: Offload, clock: Clock
) -> Narrator | None:
    """What rewords drafts; None where no endpoint is set."""
    if not settings.model_base_url:
        return None
    model = LanguageModel(
        base_url=settings.model_base_url,
        model=settings.model,
        api_key=settings.model_api_key,
        deadline_s=settings.model_deadline.total_seconds(),
    )
    return Narrator(model=model, postmortems=postmortems, renderer=renderer, offload=offload, clock=clock)


@asynccontextmanager
async def composition() -> AsyncIterator[int]:
    """The drafting service from the environment and the settings file."""
    file = read_file(os.environ)
    common = load(Common, section="", environ=os.environ, file=file)
    async with drafting(common, load(Settings, section="drafting", environ=os.environ, file=file)) as port:
        yield port
