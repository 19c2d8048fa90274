from datetime import timedelta
from pathlib import Path

from services.dashboard.rendering import HERE, href
from services.dashboard.security import SESSION_COOKIE, Guard, guard
from shared.clock import SetClock
from tests.services.dashboard.behind import Behind, card, incident, postmortem
from tests.services.dashboard.conftest import Open, csrf

HOSTILE = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'


async def test_hostile_text_from_telemetry_is_escaped_on_every_page(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident(title=HOSTILE, service=HOSTILE)]
    behind.cards = [card(title=HOSTILE, missing=[HOSTILE], owner=HOSTILE)]
    behind.postmortems = [postmortem(title=HOSTILE, markdown=HOSTILE, tags=[HOSTILE])]
    browser = await open_dashboard()

    for path in (
        "/incidents",
        "/incidents/abc",
        "/postmortems",
        "/postmortems/pm1",
        f"/search?q={HOSTILE}",
        f"/incidents?service={HOSTILE}",
        f"/{HOSTILE}",
        f"/incidents?done={HOSTILE}",
    ):
        page = await browser.get(path)
        assert "<script>alert" not in page.text, path
        assert "<img" not in page.text, path


async def test_no_page_allows_inline_scripts_or_frames(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.get("/incidents")

    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


def test_no_template_holds_what_the_policy_forbids() -> None:
    for template in Path(HERE / "templates").glob("*.html"):
        text = template.read_text()
        assert "onclick" not in text and "style=" not in text and "|safe" not in text, template.name
        assert "<script>" not in text, template.name


def test_addresses_of_other_schemes_are_no_links() -> None:
    assert href("javascript:alert(1)") == ""
    assert href("//evil.example") == ""
    assert href("https://ci.example/1") == "https://ci.example/1"
    assert href("/incidents/x") == "/incidents/x"


async def test_form_without_the_sessions_token_changes_nothing(open_dashboard: Open, behind: Behind) -> None:
    browser = await open_dashboard()

    answer = await browser.post("/search/feedback", data={"document": "documents/d1", "author": "ines", "q": "x"})

    assert answer.status_code == 400
    assert behind.asked == []


async def test_form_from_another_site_is_refused(open_dashboard: Open, behind: Behind) -> None:
    browser = await open_dashboard()
    token = csrf((await browser.get("/sign-in")).text)

    answer = await browser.post(
        "/search/feedback",
        headers={"sec-fetch-site": "cross-site"},
        data={"csrf": token, "document": "documents/d1", "author": "ines", "q": "x"},
    )

    assert answer.status_code == 403
    assert behind.asked == []


async def test_another_host_name_is_refused(open_dashboard: Open) -> None:
    browser = await open_dashboard(host="rebound.example")

    assert (await browser.get("/incidents")).status_code == 421


async def test_without_the_token_nothing_is_shown(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident()]
    browser = await open_dashboard(token="secret-token")

    page = await browser.get("/incidents")
    data = await browser.get("/api/v1/incidents", headers={"accept": "application/json"})

    assert page.status_code == 303 and page.headers["location"] == "/sign-in?next=/incidents"
    assert data.status_code == 401 and data.json()["error"]["code"] == "UNAUTHENTICATED"


async def test_program_shows_the_token_as_bearer(open_dashboard: Open, behind: Behind) -> None:
    behind.incidents = [incident()]
    browser = await open_dashboard(token="secret-token")

    right = await browser.get("/api/v1/incidents", headers={"authorization": "Bearer secret-token"})
    wrong = await browser.get("/api/v1/incidents", headers={"authorization": "Bearer secret-tokem", "accept": "*/*"})

    assert right.json()["incidents"][0]["name"] == "incidents/abc"
    assert wrong.status_code == 401


async def test_signing_in_opens_a_session_that_ends(open_dashboard: Open, behind: Behind, set_clock: SetClock) -> None:
    behind.incidents = [incident()]
    browser = await open_dashboard(token="secret-token")
    token = csrf((await browser.get("/sign-in")).text)

    answer = await browser.post("/sign-in", data={"csrf": token, "token": "secret-token", "next": "/incidents"})
    during = await browser.get("/incidents")
    set_clock.advance(3601)
    after = await browser.get("/incidents")

    assert answer.status_code == 303 and answer.headers["location"] == "/incidents"
    assert (
        "httponly" in answer.headers["set-cookie"].lower() and "samesite=strict" in answer.headers["set-cookie"].lower()
    )
    assert during.status_code == 200
    assert after.status_code == 303


async def test_wrong_token_does_not_sign_in(open_dashboard: Open) -> None:
    browser = await open_dashboard(token="secret-token")
    token = csrf((await browser.get("/sign-in")).text)

    answer = await browser.post("/sign-in", data={"csrf": token, "token": "guess"})

    assert answer.status_code == 401
    assert SESSION_COOKIE not in answer.headers.get("set-cookie", "")


async def test_signing_in_leads_to_no_other_site(open_dashboard: Open) -> None:
    browser = await open_dashboard(token="secret-token")
    token = csrf((await browser.get("/sign-in")).text)

    answer = await browser.post("/sign-in", data={"csrf": token, "token": "secret-token", "next": "//evil.example"})

    assert answer.headers["location"] == "/"


def _guard(clock: SetClock, token: str = "secret") -> Guard:
    return guard(
        token,
        clock=clock,
        lifetime=timedelta(hours=1),
        address="127.0.0.1:7400",
        hosts=("docs.example",),
        is_secure=True,
    )


def test_altered_session_is_none(set_clock: SetClock) -> None:
    ours = _guard(set_clock)
    cookie = ours.open_session()
    until, nonce, signature = cookie.split(".")

    assert ours.is_session(cookie)
    assert not ours.is_session(f"{int(until) + 9}.{nonce}.{signature}")
    assert not ours.is_session("") and not ours.is_session("a.b.c") and not ours.is_session("9" * 400)
    assert not _guard(set_clock, "other").is_session(cookie)


def test_hosts_are_loopback_and_the_configured_ones(set_clock: SetClock) -> None:
    ours = _guard(set_clock)

    assert ours.is_host("localhost:7400") and ours.is_host("[::1]:7400") and ours.is_host("Docs.example")
    assert not ours.is_host("evil.example:7400") and not ours.is_host("")
