"""Numbers over many incidents, each with the incidents behind it; the monthly review; the same for Prometheus."""

import re
from datetime import UTC, date, datetime, time, timedelta

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from afteraction.v1.insight_pb2 import Insights, Measure
from afteraction.v1.insight_service_pb2 import GetInsightsRequest, GetMonthlyReviewRequest, GetSurvivalRequest
from services.dashboard.desk import Desk, part
from shared.errors import InvalidArgument
from shared.timestamps import to_proto

_WINDOW = timedelta(days=90)
_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_PROMETHEUS = "text/plain; version=0.0.4"


def routes(desk: Desk) -> list[Route]:
    client = desk.clients.insights

    async def insights(request: Request) -> Response:
        today = desk.clock.now().date()
        parameters = request.query_params
        start = _date(parameters.get("from", ""), "from", today - _WINDOW)
        end = _date(parameters.get("until", ""), "until", today + timedelta(days=1))
        missing: list[str] = []
        stream = await desk.stream(request)
        found = await part(missing, "insights", client.GetInsights(_asked(start, end, stream)))
        survival = await part(missing, "survival", client.GetSurvival(GetSurvivalRequest(stream=stream)))
        measures = list(found.measures) if found else []
        return await desk.page(
            request, "insights.html", missing=missing, stream=stream, survival=survival,
            start=start.isoformat(), end=end.isoformat(),
            overall=[each for each in measures if not each.service and not each.severity],
            split=[each for each in measures if each.service or each.severity])

    async def monthly(request: Request) -> Response:
        month = _month(request, desk)
        missing: list[str] = []
        stream = await desk.stream(request)
        review = await part(missing, "monthly review", client.GetMonthlyReview(
            GetMonthlyReviewRequest(month=month, stream=stream)))
        return await desk.page(request, "monthly.html", missing=missing, stream=stream, month=month, review=review)

    async def calendar(request: Request) -> Response:
        month = _month(request, desk)
        review = await client.GetMonthlyReview(
            GetMonthlyReviewRequest(month=month, stream=request.query_params.get("stream", "")))
        return Response(review.icalendar, media_type="text/calendar; charset=utf-8", headers={
            "Content-Disposition": f'attachment; filename="incident-review-{month}.ics"'})

    async def metrics(request: Request) -> Response:
        today = desk.clock.now().date()
        found = await client.GetInsights(_asked(today - _WINDOW, today + timedelta(days=1), ""))
        return PlainTextResponse(exposition(found), media_type=_PROMETHEUS)

    return [Route("/insights", insights), Route("/monthly", monthly), Route("/monthly.ics", calendar),
            Route("/metrics", metrics)]


def exposition(insights: Insights) -> str:
    """The measures of the last 90 days in Prometheus' text format, a gauge for each figure of a measure."""
    gauges = (("value", "the measure itself"), ("median", "median over its incidents"),
              ("p90", "90th percentile over its incidents"), ("count", "how many incidents are behind it"))
    lines: list[str] = []
    for figure, meaning in gauges:
        name = f"afteraction_insight_{figure}"
        lines += [f"# HELP {name} Of the last 90 days: {meaning}.", f"# TYPE {name} gauge"]
        lines += [f"{name}{_labels(each)} {getattr(each, figure):.10g}" for each in insights.measures]
    return "\n".join(lines) + "\n"


def _labels(measure: Measure) -> str:
    pairs = (("measure", measure.name), ("unit", measure.unit), ("service", measure.service),
             ("severity", measure.severity))
    escaped = (f'{name}="{_escaped(value)}"' for name, value in pairs if value)
    return "{" + ",".join(escaped) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _asked(start: date, end: date, stream: str) -> GetInsightsRequest:
    return GetInsightsRequest(stream=stream, until=to_proto(_midnight(end)), **{"from": to_proto(_midnight(start))})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _month(request: Request, desk: Desk) -> str:
    """The month asked for; the last whole one unless told otherwise."""
    text = request.query_params.get("month", "")
    if not text:
        return (desk.clock.now().date().replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    if not _MONTH.fullmatch(text):
        raise InvalidArgument(f"month {text[:40]!r} is not like 2026-10", reason="BAD_PARAMETER", field="month")
    return text


def _date(text: str, field: str, default: date) -> date:
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise InvalidArgument(f"{field} {text[:40]!r} is not a date like 2026-10-01", reason="BAD_PARAMETER",
                              field=field) from None
