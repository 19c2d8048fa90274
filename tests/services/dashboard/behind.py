# Generated messages want their enums as their own types; numbers are what the wire has.
# mypy: disable-error-code="arg-type, no-any-return, unused-ignore"
"""The services behind the dashboard, as processes of their own would answer: each test says what they hold."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc

from afteraction.v1.action_item_pb2 import ActionItem
from afteraction.v1.action_item_service_pb2 import (
    ListActionItemsRequest,
    ListActionItemsResponse,
    ReceiveTrackerWebhookRequest,
    ReceiveTrackerWebhookResponse,
    UpdateActionItemRequest,
)
from afteraction.v1.action_item_service_pb2_grpc import (
    ActionItemServiceServicer,
    add_ActionItemServiceServicer_to_server,
)
from afteraction.v1.card_pb2 import Card, Hypothesis, SimilarIncident, Statement
from afteraction.v1.card_service_pb2 import GetCardRequest, GetCardResponse, WatchCardsRequest, WatchCardsResponse
from afteraction.v1.card_service_pb2_grpc import CardServiceServicer, add_CardServiceServicer_to_server
from afteraction.v1.document_pb2 import Document, Passage
from afteraction.v1.incident_pb2 import Anomaly, Incident, IncidentState, Severity, TimelineEntry
from afteraction.v1.incident_service_pb2 import (
    AcknowledgeIncidentRequest,
    GetIncidentRequest,
    ListIncidentsRequest,
    ListIncidentsResponse,
    MergeIncidentsRequest,
    ReopenIncidentRequest,
    ResolveIncidentRequest,
    SplitIncidentRequest,
    UpdateIncidentRequest,
    WatchIncidentsRequest,
    WatchIncidentsResponse,
)
from afteraction.v1.incident_service_pb2_grpc import IncidentServiceServicer, add_IncidentServiceServicer_to_server
from afteraction.v1.insight_pb2 import Insights, MonthlyReview, Survival
from afteraction.v1.insight_service_pb2 import GetInsightsRequest, GetMonthlyReviewRequest, GetSurvivalRequest
from afteraction.v1.insight_service_pb2_grpc import InsightServiceServicer, add_InsightServiceServicer_to_server
from afteraction.v1.memory_service_pb2 import (
    GetRunbookRequest,
    ListRunbookRevisionsRequest,
    ListRunbookRevisionsResponse,
    ListRunbooksRequest,
    ListRunbooksResponse,
    SearchResult,
    SearchSimilarRequest,
    SearchSimilarResponse,
    UpdateRunbookRequest,
    WatchSimilarRequest,
)
from afteraction.v1.memory_service_pb2_grpc import MemoryServiceServicer, add_MemoryServiceServicer_to_server
from afteraction.v1.postmortem_pb2 import AuditEntry, Finding, Postmortem, PostmortemState, Question, Revision
from afteraction.v1.postmortem_service_pb2 import (
    DiffPart,
    DiffRevisionsRequest,
    DiffRevisionsResponse,
    ExportPostmortemRequest,
    ExportPostmortemResponse,
    GetPostmortemRequest,
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    ListPostmortemsRequest,
    ListPostmortemsResponse,
    ListRevisionsRequest,
    ListRevisionsResponse,
    PublishPostmortemRequest,
    SettlePostmortemRequest,
    UpdatePostmortemRequest,
)
from afteraction.v1.postmortem_service_pb2_grpc import (
    PostmortemServiceServicer,
    add_PostmortemServiceServicer_to_server,
)
from afteraction.v1.runbook_pb2 import Runbook
from shared.errors import Aborted, FailedPrecondition, NotFound, Unauthenticated, Violation
from shared.rpc.server import Context
from shared.timestamps import to_proto

ONSET = datetime(2026, 7, 5, 3, 47, tzinfo=UTC)


def incident(**fields: object) -> Incident:
    """A resolved one of checkout-api."""
    made = Incident(
        name="incidents/abc",
        stream="live",
        title="checkout-api answers 500",
        state=IncidentState.INCIDENT_STATE_RESOLVED,
        severity=Severity.SEVERITY_P1,
        service="checkout-api",
        services=["checkout-api", "storefront"],
        onset_at=to_proto(ONSET),
        detected_at=to_proto(ONSET),
        recovered_at=to_proto(ONSET + timedelta(minutes=23)),
        anomalies=[Anomaly(service="checkout-api", metric_name="error share of server spans", peak_z=41.5)],
        timeline=[TimelineEntry(occurred_at=to_proto(ONSET), text="error share left its baseline")],
    )
    made.MergeFrom(Incident(**fields))  # type: ignore[arg-type]
    return made


def card(**fields: object) -> Card:
    made = Card(
        name="incidents/abc/card",
        incident="incidents/abc",
        version=2,
        situation=[Statement(text="23 % of requests fail", evidence_ids=["E1"])],
        hypotheses=[
            Hypothesis(
                kind="deployment",
                service="checkout-api",
                probability=0.82,
                mechanism=Statement(text="v2.4.2 asks once per item"),
                evidence_for=["E2"],
            )
        ],
        similar=[
            SimilarIncident(document="documents/d1", title="storefront pool", score=0.7, resolution="rolled back")
        ],
    )
    made.MergeFrom(Card(**fields))  # type: ignore[arg-type]
    return made


def postmortem(**fields: object) -> Postmortem:
    made = Postmortem(
        name="postmortems/pm1",
        incident="incidents/abc",
        stream="live",
        title="Checkout outage",
        revision=3,
        etag="e3",
        state=PostmortemState.POSTMORTEM_STATE_DRAFT,
        severity=Severity.SEVERITY_P1,
        services=["checkout-api"],
        markdown="# Checkout outage\n\n## Summary\n\nIt was down[^E1].\n\n[^E1]: error share 23 %\n",
        onset_at=to_proto(ONSET),
        tags=["deployment"],
    )
    made.MergeFrom(Postmortem(**fields))  # type: ignore[arg-type]
    return made


class Behind(
    IncidentServiceServicer,
    CardServiceServicer,
    PostmortemServiceServicer,
    ActionItemServiceServicer,
    InsightServiceServicer,
    MemoryServiceServicer,
):
    """All of them at once; what was asked is kept in `asked`."""

    def __init__(self) -> None:
        self.incidents: list[Incident] = []
        self.cards: list[Card] = []
        self.postmortems: list[Postmortem] = []
        self.action_items: list[ActionItem] = []
        self.runbooks: list[Runbook] = []
        self.results: list[SearchResult] = []
        self.insights = Insights()
        self.review = MonthlyReview()
        self.asked: list[object] = []
        self.webhooks: list[ReceiveTrackerWebhookRequest] = []

    def register(self, server: grpc.aio.Server) -> None:
        for add in (
            add_IncidentServiceServicer_to_server,
            add_CardServiceServicer_to_server,
            add_PostmortemServiceServicer_to_server,
            add_ActionItemServiceServicer_to_server,
            add_InsightServiceServicer_to_server,
            add_MemoryServiceServicer_to_server,
        ):
            add(self, server)  # type: ignore[operator]

    async def ListIncidents(self, request: ListIncidentsRequest, context: Context) -> ListIncidentsResponse:
        wanted = request.stream or "live"
        return ListIncidentsResponse(
            incidents=[
                each
                for each in self.incidents
                if wanted in ("-", each.stream) and (not request.states or each.state in request.states)
            ]
        )

    async def GetIncident(self, request: GetIncidentRequest, context: Context) -> Incident:
        return _named(self.incidents, request.name)

    async def AcknowledgeIncident(self, request: AcknowledgeIncidentRequest, context: Context) -> Incident:
        self.asked.append(request)
        return _named(self.incidents, request.name)

    async def ResolveIncident(self, request: ResolveIncidentRequest, context: Context) -> Incident:
        self.asked.append(request)
        return _named(self.incidents, request.name)

    async def ReopenIncident(self, request: ReopenIncidentRequest, context: Context) -> Incident:
        self.asked.append(request)
        return _named(self.incidents, request.name)

    async def UpdateIncident(self, request: UpdateIncidentRequest, context: Context) -> Incident:
        self.asked.append(request)
        found = _named(self.incidents, request.incident.name)
        if request.incident.etag != found.etag:
            raise Aborted(f"{found.name} changed after you read it", reason="STALE_ETAG", resource=found.name)
        return found

    async def MergeIncidents(self, request: MergeIncidentsRequest, context: Context) -> Incident:
        self.asked.append(request)
        return _named(self.incidents, request.name)

    async def SplitIncident(self, request: SplitIncidentRequest, context: Context) -> Incident:
        self.asked.append(request)
        return Incident(name="incidents/new")

    async def ReceiveTrackerWebhook(
        self, request: ReceiveTrackerWebhookRequest, context: Context
    ) -> ReceiveTrackerWebhookResponse:
        if request.tracker == "forged":
            raise Unauthenticated("the signature is another", reason="BAD_SIGNATURE")
        self.webhooks.append(request)
        return ReceiveTrackerWebhookResponse(changed=1)

    async def WatchIncidents(
        self, request: WatchIncidentsRequest, context: Context
    ) -> AsyncIterator[WatchIncidentsResponse]:
        for position, each in enumerate(self.incidents, 1):
            yield WatchIncidentsResponse(position=position, incident=each)

    async def GetCard(self, request: GetCardRequest, context: Context) -> GetCardResponse:
        for each in self.cards:
            if each.incident == request.incident:
                return GetCardResponse(card=each)
        raise NotFound(f"{request.incident} has no card", reason="NO_CARD", resource=request.incident)

    async def WatchCards(self, request: WatchCardsRequest, context: Context) -> AsyncIterator[WatchCardsResponse]:
        for position, each in enumerate(self.cards, 1):
            yield WatchCardsResponse(position=position, card=each)

    async def ListPostmortems(self, request: ListPostmortemsRequest, context: Context) -> ListPostmortemsResponse:
        return ListPostmortemsResponse(postmortems=self.postmortems)

    async def GetPostmortem(self, request: GetPostmortemRequest, context: Context) -> Postmortem:
        for each in self.postmortems:
            if request.name in (each.name, each.incident):
                made = Postmortem()
                made.CopyFrom(each)
                del made.action_items[:]
                made.action_items.extend(self.action_items)
                return made
        raise NotFound(f"there is no {request.name}", reason="NO_POSTMORTEM", resource=request.name)

    async def UpdatePostmortem(self, request: UpdatePostmortemRequest, context: Context) -> Postmortem:
        self.asked.append(request)
        found = _named(self.postmortems, request.name)
        if request.etag != found.etag:
            raise Aborted(f"{request.name} changed after you read it", reason="STALE_ETAG", resource=request.name)
        found.markdown = request.markdown
        return found

    async def SettlePostmortem(self, request: SettlePostmortemRequest, context: Context) -> Postmortem:
        self.asked.append(request)
        found = _named(self.postmortems, request.name)
        answers = {each.question: each.answer for each in request.answers}
        reasons = {each.finding: each.reason for each in request.waivers}
        for question in found.questions:
            if question.id in answers:
                question.answer, question.answered_by = answers[question.id], request.author
        for finding in found.findings:
            if finding.id in reasons:
                finding.waiver_reason, finding.waived_by = reasons[finding.id], request.author
        for each in request.action_items:
            each.update_mask.MergeMessage(each.action_item, _named(self.action_items, each.action_item.name))
        return found

    async def PublishPostmortem(self, request: PublishPostmortemRequest, context: Context) -> Postmortem:
        self.asked.append(request)
        found = _named(self.postmortems, request.name)
        standing = [Violation(f"questions/{each.id}", "is not answered") for each in found.questions if not each.answer]
        if standing:
            raise FailedPrecondition("it cannot be published yet", reason="NOT_PUBLISHABLE", violations=standing)
        found.state = PostmortemState.POSTMORTEM_STATE_PUBLISHED
        return found

    async def ListRevisions(self, request: ListRevisionsRequest, context: Context) -> ListRevisionsResponse:
        return ListRevisionsResponse(
            revisions=[Revision(number=2, author="afteraction"), Revision(number=3, author="ines")]
        )

    async def DiffRevisions(self, request: DiffRevisionsRequest, context: Context) -> DiffRevisionsResponse:
        self.asked.append(request)
        return DiffRevisionsResponse(
            parts=[
                DiffPart(change=DiffPart.CHANGE_EQUAL, text="It was "),
                DiffPart(change=DiffPart.CHANGE_REMOVED, text="<slow>"),
                DiffPart(change=DiffPart.CHANGE_ADDED, text="down"),
            ]
        )

    async def ListAuditEntries(self, request: ListAuditEntriesRequest, context: Context) -> ListAuditEntriesResponse:
        return ListAuditEntriesResponse(entries=[AuditEntry(actor="ines", action="edited", revision=3)])

    async def ExportPostmortem(self, request: ExportPostmortemRequest, context: Context) -> ExportPostmortemResponse:
        return ExportPostmortemResponse(content="# Checkout outage\n", media_type="text/markdown")

    async def ListActionItems(self, request: ListActionItemsRequest, context: Context) -> ListActionItemsResponse:
        return ListActionItemsResponse(action_items=self.action_items)

    async def UpdateActionItem(self, request: UpdateActionItemRequest, context: Context) -> ActionItem:
        self.asked.append(request)
        found = _named(self.action_items, request.action_item.name)
        request.update_mask.MergeMessage(request.action_item, found)
        return found

    async def GetInsights(self, request: GetInsightsRequest, context: Context) -> Insights:
        self.asked.append(request)
        return self.insights

    async def GetSurvival(self, request: GetSurvivalRequest, context: Context) -> Survival:
        return Survival()

    async def GetMonthlyReview(self, request: GetMonthlyReviewRequest, context: Context) -> MonthlyReview:
        self.asked.append(request)
        return self.review

    async def SearchSimilar(self, request: SearchSimilarRequest, context: Context) -> SearchSimilarResponse:
        self.asked.append(request)
        return SearchSimilarResponse(results=self.results, position=7, version=1, model="all-MiniLM-L6-v2")

    async def WatchSimilar(
        self, request: WatchSimilarRequest, context: Context
    ) -> AsyncIterator[SearchSimilarResponse]:
        self.asked.append(request)
        for version in (1, 2):
            yield SearchSimilarResponse(results=self.results, position=7, version=version)

    async def ListRunbooks(self, request: ListRunbooksRequest, context: Context) -> ListRunbooksResponse:
        return ListRunbooksResponse(runbooks=self.runbooks)

    async def GetRunbook(self, request: GetRunbookRequest, context: Context) -> Runbook:
        return _named(self.runbooks, request.name)

    async def ListRunbookRevisions(
        self, request: ListRunbookRevisionsRequest, context: Context
    ) -> ListRunbookRevisionsResponse:
        return ListRunbookRevisionsResponse()

    async def UpdateRunbook(self, request: UpdateRunbookRequest, context: Context) -> Runbook:
        self.asked.append(request)
        return _named(self.runbooks, request.name)


def _named(things: list, name: str):  # type: ignore[no-untyped-def, type-arg]
    for each in things:
        if each.name == name:
            return each
    raise NotFound(f"there is no {name}", reason="NOT_THERE", resource=name)


def result(title: str = "Pool exhausted", **fields: object) -> SearchResult:
    return SearchResult(
        document=Document(name="documents/d1", title=title, kind=1),
        score=0.8,
        passage=Passage(text="the pool was empty"),
        reasons=["same service"],
        **fields,
    )  # type: ignore[arg-type]


__all__ = ["Behind", "Finding", "Question", "card", "incident", "postmortem", "result"]
