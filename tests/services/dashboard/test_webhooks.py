"""The door for trackers' webhooks: open without a token, since a webhook shows its signature, and to nothing else."""

from tests.services.dashboard.behind import Behind
from tests.services.dashboard.conftest import Open


async def test_webhook_is_handed_on_as_it_came(open_dashboard: Open, behind: Behind) -> None:
    browser = await open_dashboard(token="secret-token")
    body = b'{"action":  "closed"}'

    answer = await browser.post(
        "/webhooks/trackers/github",
        content=body,
        headers={"x-hub-signature-256": "sha256=ab", "x-github-event": "issues", "accept": "*/*", "cookie-like": "no"},
    )

    assert (answer.status_code, answer.json()) == (200, {"changed": 1})
    [sent] = behind.webhooks
    assert (sent.tracker, sent.body) == ("github", body)
    assert dict(sent.headers) == {"x-hub-signature-256": "sha256=ab", "x-github-event": "issues"}


async def test_refusal_is_told_in_json(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.post("/webhooks/trackers/forged", content=b"{}")

    assert answer.status_code == 401
    assert answer.json()["error"]["reason"] == "BAD_SIGNATURE"


async def test_long_body_is_refused(open_dashboard: Open) -> None:
    browser = await open_dashboard()

    answer = await browser.post("/webhooks/trackers/github", content=b"x" * (4 * 1024 * 1024 + 1))

    assert answer.status_code == 400
