import httpx2 as httpx
import orjson

from services.dashboard.compose import dashboard
from services.dashboard.settings import Settings
from shared.settings import Common
from tests.services.dashboard.behind import Behind, card, incident, result
from tests.services.dashboard.conftest import Open, Serve


def events(text: str) -> list[tuple[str, dict]]:  # type: ignore[type-arg]
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "event" in lines:
            found.append((lines["event"], orjson.loads(lines["data"])))
    return found


async def test_similar_incidents_are_json_with_position_and_version_as_numbers(
    open_dashboard: Open, behind: Behind
) -> None:
    behind.results = [result()]
    browser = await open_dashboard()

    answer = (await browser.get("/api/v1/similar?q=pool+empty&service=checkout-api&kind=postmortem&severity=P1")).json()

    assert answer["results"][0]["document"]["title"] == "Pool exhausted"
    assert answer["results"][0]["reasons"] == ["same service"]
    assert (answer["position"], answer["version"]) == (7, 1)
    asked = behind.asked[-1]
    assert asked.query.text == "pool empty"  # type: ignore[attr-defined]
    assert list(asked.filter.services) == ["checkout-api"]  # type: ignore[attr-defined]


async def test_nothing_similar_is_an_empty_list(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    assert (await browser.get("/api/v1/similar?q=x")).json()["results"] == []


async def test_an_incident_makes_the_query_from_itself_and_its_card(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents, behind.cards = [incident(stream="replay-1")], [card()]
    browser = await open_dashboard()

    await browser.get("/api/v1/similar?incident=incidents/abc")

    asked = behind.asked[-1]
    assert asked.stream == "replay-1"  # type: ignore[attr-defined]
    assert list(asked.query.services) == ["checkout-api", "storefront"]  # type: ignore[attr-defined]
    assert "error share of server spans of checkout-api" in asked.query.symptoms  # type: ignore[attr-defined]
    assert list(asked.query.probable_causes) == ["v2.4.2 asks once per item"]  # type: ignore[attr-defined]


async def test_search_may_be_posted_as_the_message_itself(open_dashboard: Open, behind: Behind) -> None:
    browser = await open_dashboard()

    right = await browser.post(
        "/api/v1/similar", json={"query": {"text": "pool", "alert_names": ["PoolExhausted"]}, "limit": 3}
    )
    wrong = await browser.post("/api/v1/similar", json={"quarry": 1})

    assert right.status_code == 200
    assert list(behind.asked[-1].query.alert_names) == ["PoolExhausted"]  # type: ignore[attr-defined]
    assert wrong.status_code == 400 and wrong.json()["error"]["reason"] == "BAD_BODY"


async def test_missing_incident_is_404_in_json(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.get("/api/v1/incidents/nope")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"


async def test_wrong_number_is_named(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.get("/api/v1/similar?q=x&limit=many")

    assert answer.status_code == 400
    assert answer.json()["error"]["violations"][0]["field"] == "limit"


async def test_parameter_that_no_search_has_is_refused(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    for wrong in ("services=x", "occurred_after=yesterday"):
        answer = await browser.get(f"/api/v1/similar?q=outage&{wrong}")

        assert answer.status_code == 400
        assert wrong.partition("=")[0] in answer.text


async def test_times_narrow_a_search(open_dashboard: Open, behind: Behind) -> None:
    browser = await open_dashboard()

    await browser.get("/api/v1/similar?q=outage&occurred_after=2026-01-31&occurred_before=2026-02-01T00:00Z")

    asked = behind.asked[-1].filter  # type: ignore[attr-defined]
    assert asked.occurred_after.ToJsonString() == "2026-01-31T00:00:00Z"
    assert asked.occurred_before.ToJsonString() == "2026-02-01T00:00:00Z"


async def test_changed_answers_come_as_events_with_their_version(serve: Serve, behind: Behind) -> None:
    behind.results = [result()]
    channel = await serve(behind.register)
    common = Common(
        dashboard_address="127.0.0.1:0",
        detection_address=channel.address,
        memory_address=channel.address,
        drafting_address=channel.address,
    )

    received = ""
    async with (
        dashboard(common, Settings()) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser,
        browser.stream("GET", "/api/v1/similar/watch?q=pool") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for piece in answer.aiter_text():
            received += piece
            if received.count("event: similar") == 2:
                break

    assert [(name, data["version"]) for name, data in events(received)][:2] == [("similar", 1), ("similar", 2)]


async def test_watch_says_that_memory_is_away_and_goes_on(behind: Behind) -> None:
    common = Common(dashboard_address="127.0.0.1:0", memory_address="127.0.0.1:1")

    received = ""
    async with (
        dashboard(common, Settings()) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as browser,
        browser.stream("GET", "/api/v1/similar/watch?q=pool", timeout=20) as answer,
    ):
        async for piece in answer.aiter_text():
            received += piece
            if "event: unavailable" in received:
                break

    assert events(received)[0][1]["error"]["code"] == "UNAVAILABLE"


async def test_parameter_that_no_search_has_is_refused_by_name(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.get("/api/v1/similar?q=outage&services=x")

    assert answer.status_code == 400 and "services" in answer.json()["error"]["message"]
