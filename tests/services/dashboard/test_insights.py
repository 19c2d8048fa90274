from afteraction.v1.insight_pb2 import Insights, Measure, MonthlyReview
from tests.services.dashboard.behind import Behind
from tests.services.dashboard.conftest import Open

MTTR = Measure(
    name="mttr_s",
    title="Time to recover",
    unit="s",
    value=1380,
    median=1380,
    p90=2400,
    count=3,
    sources=["incidents/abc"],
)


async def test_numbers_lead_to_the_incidents_behind_them(open_dashboard: Open, behind: Behind) -> None:
    behind.insights = Insights(
        measures=[
            MTTR,
            Measure(
                name="mttr_s",
                title="Time to recover",
                unit="s",
                service="pay",
                severity="P1",
                value=60,
                count=1,
                sources=["incidents/x"],
            ),
        ]
    )
    browser = await open_dashboard()

    page = await browser.get("/insights?from=2026-07-01&until=2026-08-01")

    assert "23 min" in page.text and 'href="/incidents/abc"' in page.text and "<td>pay</td>" in page.text
    asked = behind.asked[-1]
    assert asked.until.ToJsonString() == "2026-08-01T00:00:00Z"  # type: ignore[attr-defined]


async def test_month_is_the_last_whole_one_unless_told(open_dashboard: Open, behind: Behind) -> None:
    behind.review = MonthlyReview(month="2026-06", markdown="# June\n\n3 incidents\n", icalendar="BEGIN:VCALENDAR\r\n")
    browser = await open_dashboard()

    page, calendar = await browser.get("/monthly"), await browser.get("/monthly.ics?month=2026-06")

    assert "<h1>June</h1>" in page.text
    assert behind.asked[0].month == "2026-06"  # type: ignore[attr-defined]
    assert calendar.headers["content-type"].startswith("text/calendar")


async def test_prometheus_reads_every_measure(open_dashboard: Open, behind: Behind) -> None:
    behind.insights = Insights(measures=[MTTR, Measure(name="coverage", unit="share", service='a"b\n', value=0.5)])
    browser = await open_dashboard()

    text = (await browser.get("/metrics")).text

    assert 'afteraction_insight_value{measure="mttr_s",unit="s"} 1380\n' in text
    assert 'afteraction_insight_value{measure="coverage",unit="share",service="a\\"b\\n"} 0.5\n' in text
    assert "# TYPE afteraction_insight_p90 gauge\n" in text


async def test_wrong_date_is_named(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    page = await browser.get("/insights?from=yesterday")

    assert page.status_code == 400 and "yesterday" in page.text
