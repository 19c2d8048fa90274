"""InsightService: numbers over many incidents, and the monthly review."""

from afteraction.v1 import insight_pb2, insight_service_pb2_grpc
from afteraction.v1 import insight_service_pb2 as pb
from services.drafting.insights import messages, monthly_review
from services.drafting.insights.gathering import Gathering
from services.drafting.insights.measures import measures
from shared.clock import Clock
from shared.errors import InvalidArgument
from shared.offload import Offload
from shared.rpc.wrapping import Context
from shared.timestamps import from_proto


class InsightService(insight_service_pb2_grpc.InsightServiceServicer):
    """Gathers, computes beside the loop, answers."""

    def __init__(self, *, gathering: Gathering, clock: Clock, offload: Offload) -> None:
        self._gathering = gathering
        self._clock = clock
        self._offload = offload

    async def GetInsights(self, request: pb.GetInsightsRequest, context: Context) -> insight_pb2.Insights:
        start, end = from_proto(getattr(request, "from")), from_proto(request.until)
        if start is not None and end is not None and end <= start:
            raise InvalidArgument(f"until {end:%Y-%m-%d %H:%M} is not after from {start:%Y-%m-%d %H:%M}",
                                  reason="EMPTY_WINDOW", field="until")
        known = await self._gathering.facts(request.stream)
        found = await self._offload.run(measures, known.in_window(start, end), self._clock.now(), known)
        return messages.insights(found, start, end)

    async def GetSurvival(self, request: pb.GetSurvivalRequest, context: Context) -> insight_pb2.Survival:
        if request.postmortem:
            return messages.survival([await self._gathering.postmortem(request.postmortem)])
        return messages.survival(await self._gathering.postmortems(request.stream))

    async def GetMonthlyReview(self, request: pb.GetMonthlyReviewRequest,
                               context: Context) -> insight_pb2.MonthlyReview:
        now = self._clock.now()
        facts = await self._gathering.facts(request.stream)
        runbooks = await self._gathering.runbooks(request.stream)
        start, end = monthly_review.bounds(request.month)
        markdown = await self._offload.run(monthly_review.markdown, request.month, facts, runbooks, now)
        found = await self._offload.run(measures, facts.in_window(start, end), now, facts)
        return insight_pb2.MonthlyReview(
            month=request.month, markdown=markdown, icalendar=monthly_review.icalendar(request.month, markdown, now),
            insights=messages.insights(found, start, end))
