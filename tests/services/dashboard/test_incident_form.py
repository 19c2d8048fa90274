"""What a person does to an incident on its page, each under a name."""

import httpx2 as httpx
import pytest

from afteraction.v1.incident_pb2 import IncidentState, Severity
from afteraction.v1.incident_service_pb2 import (
    AcknowledgeIncidentRequest,
    MergeIncidentsRequest,
    ReopenIncidentRequest,
    ResolveIncidentRequest,
    SplitIncidentRequest,
    UpdateIncidentRequest,
)
from tests.services.dashboard.behind import Behind, incident
from tests.services.dashboard.conftest import Open, csrf

PATH = "/incidents/abc"


async def send(browser: httpx.AsyncClient, **fields: str) -> httpx.Response:
    token = csrf((await browser.get(PATH)).text)
    return await browser.post(PATH, data={"csrf": token, "author": "ines"} | fields)


@pytest.mark.parametrize(
    ("state", "action", "asked"),
    [
        (IncidentState.INCIDENT_STATE_OPEN, "acknowledge", AcknowledgeIncidentRequest),
        (IncidentState.INCIDENT_STATE_ACKNOWLEDGED, "resolve", ResolveIncidentRequest),
        (IncidentState.INCIDENT_STATE_RESOLVED, "reopen", ReopenIncidentRequest),
    ],
)
async def test_step_that_the_page_offers_is_taken_under_the_name_that_was_given(
    open_dashboard: Open, behind: Behind, state: int, action: str, asked: type
) -> None:
    behind.incidents = [incident(state=state)]
    browser = await open_dashboard()

    page = (await browser.get(PATH)).text
    answer = await send(browser, action=action)

    assert f'name="action" value="{action}"' in page
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents/abc?done=Saved")
    assert behind.asked == [asked(name="incidents/abc", responder="ines")]


async def test_only_what_differs_is_changed_and_an_older_page_changes_nothing(
    open_dashboard: Open, behind: Behind
) -> None:
    behind.incidents = [incident(etag="e1")]
    browser = await open_dashboard()
    title = "checkout-api answers 500"

    await send(browser, action="update", etag="e1", severity="P1", title=title)
    saved = await send(browser, action="update", etag="e1", severity="P3", title=title)
    stale = await send(browser, action="update", etag="e0", severity="P3", title="Checkout down")

    assert (saved.status_code, stale.status_code) == (303, 409)
    asked = [each for each in behind.asked if isinstance(each, UpdateIncidentRequest)]
    assert [list(each.update_mask.paths) for each in asked] == [["severity"], ["severity", "title"]]
    assert asked[0].incident.severity == Severity.SEVERITY_P3 and asked[0].responder == "ines"


async def test_merge_goes_into_the_named_one_and_split_shows_the_new_one(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident(), incident(name="incidents/other")]
    browser = await open_dashboard()

    merged = await send(browser, action="merge", into="incidents/other")
    split = await send(browser, **{"action": "split", "leaves.storefront": "1"})

    assert merged.headers["location"] == "/incidents/other?done=Saved"
    assert split.headers["location"] == "/incidents/new?done=Saved"
    assert behind.asked == [
        MergeIncidentsRequest(name="incidents/other", others=["incidents/abc"], responder="ines"),
        SplitIncidentRequest(name="incidents/abc", services=["storefront"], responder="ines"),
    ]


@pytest.mark.parametrize(
    "fields", [{"action": "close"}, {"action": "split"}, {"action": "resolve", "author": ""}, {"action": "merge"}]
)
async def test_form_that_lacks_something_is_refused_and_nothing_is_asked(
    open_dashboard: Open, behind: Behind, fields: dict[str, str]
) -> None:
    behind.incidents = [incident()]
    browser = await open_dashboard()

    assert (await send(browser, **fields)).status_code == 400
    assert (await browser.post(PATH, data={"action": "resolve", "author": "ines"})).status_code == 400
    assert not behind.asked
