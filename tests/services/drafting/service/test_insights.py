# Detection answers here only what the insights ask.
# mypy: disable-error-code="abstract, arg-type, misc"
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from afteraction.v1.card_pb2 import Card, SimilarIncident
from afteraction.v1.event_pb2 import Deploy, Event
from afteraction.v1.incident_pb2 import Incident, IncidentState, TimelineEntry
from afteraction.v1.incident_service_pb2 import ListIncidentsRequest, ListIncidentsResponse
from afteraction.v1.incident_service_pb2_grpc import (
    IncidentServiceServicer,
    IncidentServiceStub,
    add_IncidentServiceServicer_to_server,
)
from afteraction.v1.insight_service_pb2 import GetInsightsRequest, GetMonthlyReviewRequest, GetSurvivalRequest
from afteraction.v1.insight_service_pb2_grpc import InsightServiceStub, add_InsightServiceServicer_to_server
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceStub
from afteraction.v1.postmortem_pb2 import Factor, Postmortem
from services.drafting.insights.facts import recurrences
from services.drafting.insights.gathering import Gathering
from services.drafting.reminders.delivery import ReminderRounds, payload
from services.drafting.reminders.due import Kind, Reminder
from services.drafting.review import life as review
from services.drafting.service.insights import InsightService
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.cards import CardStore, Rendered
from services.drafting.store.postmortems import PostmortemStore
from services.drafting.store.reminders import ReminderStore
from shared.clock import SetClock
from shared.errors import InvalidArgument, NotFound, Unavailable
from shared.offload import Offload
from shared.rpc.wrapping import Context
from shared.timestamps import to_proto
from tests.conftest import PoolFor, Serve

ONSET = datetime(2026, 7, 5, 3, 47, tzinfo=UTC)
TEXT = """# Checkout outage

- Severity: P1

## Summary

Carts asked for one connection an item.

## Lessons learned

Ten minutes to the rollback.
"""


class Detection(IncidentServiceServicer):
    """Another process: it has one incident in each of two streams, a page each."""

    def __init__(self) -> None:
        self.streams: list[str] = []

    async def ListIncidents(self, request: ListIncidentsRequest, context: Context) -> ListIncidentsResponse:
        self.streams.append(request.stream)
        if not request.page_token:
            return ListIncidentsResponse(incidents=[_incident("incidents/a")], next_page_token="more")
        merged = _incident("incidents/merged")
        merged.state = IncidentState.INCIDENT_STATE_MERGED
        return ListIncidentsResponse(incidents=[_incident("incidents/b"), merged])


def _incident(name: str) -> Incident:
    rollback = Event(
        occurred_at=to_proto(ONSET + timedelta(minutes=15)), deploy=Deploy(version="v2.4.1", is_rollback=True)
    )
    return Incident(
        name=name,
        stream="live",
        title="it answers 500",
        service="checkout-api",
        severity=1,
        state=3,
        onset_at=to_proto(ONSET),
        detected_at=to_proto(ONSET + timedelta(minutes=1)),
        recovered_at=to_proto(ONSET + timedelta(minutes=23)),
        resolved_at=to_proto(ONSET + timedelta(minutes=28)),
        timeline=[TimelineEntry(occurred_at=rollback.occurred_at, event=rollback)],
    )


class Parts:
    """The service over a real database and a real channel."""

    def __init__(
        self,
        insights: InsightServiceStub,
        store: PostmortemStore,
        gathering: Gathering,
        reminders: ReminderStore,
        detection: Detection,
    ) -> None:
        self.insights, self.store, self.gathering, self.reminders = insights, store, gathering, reminders
        self.detection = detection


@pytest.fixture
async def parts(pool_for: PoolFor, serve: Serve, set_clock: SetClock) -> AsyncIterator[Parts]:
    pool = await pool_for("drafting", "services.drafting.migrations")
    detection = Detection()
    behind = await serve(lambda server: add_IncidentServiceServicer_to_server(detection, server))
    store = PostmortemStore(pool)
    with Offload(1) as offload:
        gathering = Gathering(
            incidents=behind.stub(IncidentServiceStub),
            memory=behind.stub(MemoryServiceStub),
            postmortems=store,
            items=ActionItemStore(pool),
            cards=CardStore(pool),
            offload=offload,
        )
        service = InsightService(gathering=gathering, clock=set_clock, offload=offload)
        channel = await serve(lambda server: add_InsightServiceServicer_to_server(service, server))
        yield Parts(channel.stub(InsightServiceStub), store, gathering, ReminderStore(pool), detection)


async def publish(parts: Parts, text: str) -> None:
    """A draft, edited by a person into `text`, and published twenty minutes after."""
    message = Postmortem(factors=[Factor(category="capacity")]).SerializeToString()
    drafted = review.Drafted(
        "incidents/a",
        "live",
        1,
        TEXT,
        message,
        ("checkout-api",),
        ("capacity", "peak-season"),
        ONSET,
        ONSET + timedelta(minutes=28),
        latency_s=1.5,
    )
    async with parts.store.pool.acquire() as connection, connection.transaction():
        await parts.store.keep_draft(connection, drafted, ONSET + timedelta(minutes=30))
    before = await parts.store.get("incidents/a")
    edited = review.edit(before, text=text, section=None, author="ines")
    after = await parts.store.write(before, edited, ONSET + timedelta(minutes=45))
    assert after is not None
    published = review.Changed(
        replace(
            after,
            state=review.State.PUBLISHED,
            published_at=ONSET + timedelta(minutes=50),
            published_revision=after.revision,
        ),
        "ines",
        "published",
    )
    await parts.store.write(after, published, ONSET + timedelta(minutes=50))


async def test_insights_come_from_detection_and_our_own_tables(parts: Parts) -> None:
    await publish(parts, TEXT.replace("Ten minutes", "It took ten minutes"))

    found = await parts.insights.GetInsights(GetInsightsRequest())

    values = {each.name: each for each in found.measures if not each.service and not each.severity}
    assert values["coverage"].value == 0.5 and list(values["coverage"].sources) == ["incidents/a", "incidents/b"]
    assert values["mttm_s"].value == 900 and values["mttr_s"].median == 23 * 60
    assert values["review_s"].value == 5 * 60
    assert values["time_to_publication_s"].value == pytest.approx(20 * 60 + 1.5)
    assert 0.8 < values["survival"].value < 1
    assert list(values["factor_capacity"].sources) == ["postmortems/a"]
    assert "factor_peak_season" not in values
    assert parts.detection.streams == ["", ""]


async def test_incident_whose_card_knew_a_published_postmortem_is_a_repeat_of_it(parts: Parts) -> None:
    await publish(parts, TEXT)
    later = review.Drafted(
        "incidents/b",
        "live",
        1,
        TEXT,
        Postmortem(factors=[Factor(category="capacity")]).SerializeToString(),
        ("storefront",),
        ("capacity",),
        ONSET + timedelta(days=30),
        ONSET + timedelta(days=30, minutes=28),
    )
    alike = Card(similar=[SimilarIncident(document="documents/d", source_id="postmortems/a", score=0.68)])
    card = Rendered("incidents/b", "live", "f1", alike.SerializeToString(), "", "", [])
    async with parts.store.pool.acquire() as connection, connection.transaction():
        await parts.store.keep_draft(connection, later, ONSET + timedelta(days=30, minutes=30))
        await CardStore(parts.store.pool).add(connection, card, ONSET + timedelta(days=30))

    [repeat] = recurrences(await parts.gathering.facts(""))

    assert (repeat.incident, repeat.postmortem) == ("incidents/b", "postmortems/a")


async def test_window_is_of_the_onset(parts: Parts) -> None:
    asked = GetInsightsRequest(**{"from": to_proto(ONSET + timedelta(days=1))})

    assert list((await parts.insights.GetInsights(asked)).measures) == []


async def test_empty_window_is_refused(parts: Parts) -> None:
    with pytest.raises(InvalidArgument, match="is not after"):
        await parts.insights.GetInsights(GetInsightsRequest(until=to_proto(ONSET), **{"from": to_proto(ONSET)}))


async def test_survival_is_told_by_section(parts: Parts) -> None:
    await publish(parts, TEXT.replace("Ten minutes to the rollback.", "Nothing of it."))

    found = await parts.insights.GetSurvival(GetSurvivalRequest(postmortem="postmortems/a"))

    shares = {each.section: each.survival for each in found.rows}
    assert shares["summary"] == 1.0 and shares["lessons"] == 0.0
    assert 0 < found.survival < 1


async def test_survival_of_a_postmortem_that_is_not_there_is_not_found(parts: Parts) -> None:
    with pytest.raises(NotFound):
        await parts.insights.GetSurvival(GetSurvivalRequest(postmortem="postmortems/nope"))


async def test_monthly_review_says_that_memory_could_not_be_asked(parts: Parts) -> None:
    await publish(parts, TEXT)

    found = await parts.insights.GetMonthlyReview(GetMonthlyReviewRequest(month="2026-07"))

    assert "1 of 2 P1 and P2 have a published post-mortem" in found.markdown
    assert "memory could not be asked" in found.markdown
    assert found.icalendar.startswith("BEGIN:VCALENDAR")
    assert found.insights.measures


async def test_reminder_is_delivered_once(parts: Parts, set_clock: SetClock) -> None:
    delivered: list[Reminder] = []

    async def deliver(reminder: Reminder) -> None:
        delivered.append(reminder)

    rounds = ReminderRounds(gathering=parts.gathering, store=parts.reminders, deliver=deliver, clock=set_clock)
    set_clock.set(ONSET + timedelta(days=6))

    assert (await rounds.round(), await rounds.round()) == (2, 0)
    assert {each.subject for each in delivered} == {"incidents/a", "incidents/b"}


async def test_reminder_that_was_not_taken_is_told_again(parts: Parts, set_clock: SetClock) -> None:
    answers = iter([Unavailable("away", reason="AWAY"), None, None])

    async def deliver(reminder: Reminder) -> None:
        error = next(answers)
        if error is not None:
            raise error

    rounds = ReminderRounds(gathering=parts.gathering, store=parts.reminders, deliver=deliver, clock=set_clock)
    set_clock.set(ONSET + timedelta(days=6))

    with pytest.raises(Unavailable):
        await rounds.round()
    assert await rounds.round() == 2


def test_payload_has_a_text_for_chat_and_fields_for_programs() -> None:
    told = payload(Reminder("r1", Kind.DUE, "actionItems/a", "ines", "assert is due today"), "https://af.example/")

    assert told["text"] == "assert is due today — ines https://af.example/actionItems/a"
    assert told["type"] == "action_item.due" and told["id"] == "r1"
