from afteraction.v1.card_pb2 import Hypothesis
from afteraction.v1.incident_pb2 import IncidentState
from afteraction.v1.insight_service_pb2 import GetInsightsRequest
from afteraction.v1.runbook_pb2 import Runbook
from tests.services.dashboard.behind import Behind, card, incident, postmortem, result
from tests.services.dashboard.conftest import Open


async def test_health_is_told_without_asking_anybody(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.get("/healthz")

    assert (answer.status_code, answer.text) == (200, "SERVING\n")


async def test_incidents_of_the_chosen_stream_are_listed(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident(), incident(name="incidents/replayed", stream="replay-1", title="of a replay")]
    browser = await open_dashboard()

    live, replay = await browser.get("/incidents"), await browser.get("/incidents?stream=replay-1")

    assert "checkout-api answers 500" in live.text and "of a replay" not in live.text
    assert "of a replay" in replay.text and "checkout-api answers 500" not in replay.text
    assert 'href="/incidents?stream=replay-1"' in live.text


async def test_incidents_can_be_filtered_by_state(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [
        incident(),
        incident(name="incidents/o", title="burning", state=IncidentState.INCIDENT_STATE_OPEN),
    ]
    browser = await open_dashboard()

    page = await browser.get("/incidents?state=open")

    assert "burning" in page.text and "checkout-api answers 500" not in page.text


async def test_card_page_shows_causes_similar_incidents_and_the_timeline(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents, behind.cards, behind.postmortems = [incident()], [card()], [postmortem()]
    browser = await open_dashboard()

    page = await browser.get("/incidents/abc")

    for shown in (
        "23 % of requests fail",
        "v2.4.2 asks once per item",
        "82 %",
        "storefront pool",
        "rolled back",
        "error share left its baseline",
        "23 min",
        "/postmortems/pm1/review",
        "/incidents/abc/evidence#E1",
    ):
        assert shown in page.text


async def test_incident_without_card_is_still_shown(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident()]
    browser = await open_dashboard()

    page = await browser.get("/incidents/abc")

    assert page.status_code == 200
    assert "No card yet" in page.text


async def test_unknown_incident_is_a_page_that_says_so(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    page = await browser.get("/incidents/nope")

    assert page.status_code == 404
    assert "there is no incidents/nope" in page.text


async def test_postmortem_is_rendered_with_its_evidence_as_footnotes(open_dashboard: Open, behind: Behind) -> None:
    behind.postmortems = [postmortem()]
    browser = await open_dashboard()

    page = await browser.get("/postmortems/pm1")

    assert "<h2>Summary</h2>" in page.text
    assert 'class="footnotes"' in page.text and "error share 23 %" in page.text


async def test_differences_are_marked_and_escaped(open_dashboard: Open, behind: Behind) -> None:
    browser = await open_dashboard()

    page = await browser.get("/postmortems/pm1/revisions")

    assert "<del>&lt;slow&gt;</del><ins>down</ins>" in page.text
    assert (behind.asked[-1].to, getattr(behind.asked[-1], "from")) == (3, 2)  # type: ignore[attr-defined]


async def test_runbooks_are_listed_and_shown(open_dashboard: Open, behind: Behind) -> None:
    behind.runbooks = [
        Runbook(name="runbooks/r1", title="Pool exhausted", markdown="1. Roll back", times_used=2, etag="e")
    ]
    browser = await open_dashboard()

    listing, page = await browser.get("/runbooks"), await browser.get("/runbooks/r1")

    assert 'href="/runbooks/r1"' in listing.text
    assert "<li>Roll back</li>" in page.text and "used 2 times" in page.text


async def test_search_shows_why_each_result_is_there(open_dashboard: Open, behind: Behind) -> None:
    behind.results = [result()]
    browser = await open_dashboard()

    page = await browser.get("/search?q=pool+empty")

    assert "Pool exhausted" in page.text and "same service" in page.text and "the pool was empty" in page.text


async def test_search_that_finds_nothing_says_so(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    page = await browser.get("/search?q=unheard+of")

    assert "Nothing similar is known" in page.text


async def test_wrong_filter_is_refused_by_name(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    page = await browser.get("/incidents?severity=P9")

    assert page.status_code == 400
    assert "P9" in page.text and "severity" in page.text


async def test_page_that_is_not_there_is_404(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    page = await browser.get("/nowhere")

    assert page.status_code == 404
    assert "/nowhere" in page.text


async def test_every_page_lists_the_streams_and_its_links_keep_the_one_that_is_shown(
    open_dashboard: Open, behind: Behind
) -> None:
    behind.incidents = [incident(), incident(name="incidents/replayed", stream="replay-1")]
    browser = await open_dashboard()

    for path in ("/incidents", "/postmortems", "/runbooks", "/action-items", "/insights", "/monthly", "/search"):
        page = (await browser.get(f"{path}?stream=replay-1")).text

        assert f'href="{path}?stream=live"' in page and 'href="/postmortems?stream=replay-1"' in page
        assert '<input type="hidden" name="stream" value="replay-1">' in page
    assert 'href="/insights?stream=replay-1"' in (await browser.get("/incidents/replayed")).text


async def test_with_nothing_live_the_stream_that_has_incidents_is_shown(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident(stream="demo")]
    browser = await open_dashboard()

    page, insights = await browser.get("/incidents"), await browser.get("/insights")

    assert "checkout-api answers 500" in page.text and 'href="/insights?stream=demo"' in page.text
    assert insights.status_code == 200
    assert [each.stream for each in behind.asked if isinstance(each, GetInsightsRequest)] == ["demo"]


async def test_incident_page_leaves_out_what_is_hardly_possible_and_lists_open_items(
    open_dashboard: Open, behind: Behind
) -> None:
    shown = card(hypotheses=[Hypothesis(kind="latency", service="catalog", probability=0.004)])
    shown.similar[0].open_action_items.extend(["Document `pool_size`", "Alert on <b>pool</b>"])
    behind.incidents, behind.cards = [incident()], [shown]
    browser = await open_dashboard()

    page = (await browser.get("/incidents/abc")).text

    assert "82 %" in page and "latency in catalog" not in page
    assert "<li>Document <code>pool_size</code></li>" in page and "<li>Alert on &lt;b&gt;pool&lt;/b&gt;</li>" in page


async def test_search_excerpts_have_no_footnote_marks(open_dashboard: Open, behind: Behind) -> None:
    found = result()
    found.passage.text = "The pool was empty [^E11][^E1]. Then it was full[^E2]."
    behind.results = [found]
    browser = await open_dashboard()

    assert "The pool was empty. Then it was full." in (await browser.get("/search?q=pool")).text
