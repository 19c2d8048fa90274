"""Webhooks of the three trackers: believed when signed, and only then."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.drafting.trackers.github import GitHub
from services.drafting.trackers.issue import State, Tracker
from services.drafting.trackers.jira import Jira
from services.drafting.trackers.linear import Linear
from shared.errors import Unauthenticated

NOW = datetime(2026, 7, 5, 3, 0, tzinfo=UTC)
SECRET = "hush"
MARKER = "m" * 32
TRACKERS: dict[str, Tracker] = {
    "github": GitHub("acme/shop"),
    "jira": Jira("SHOP", address="https://acme.atlassian.net", is_cloud=True),
    "linear": Linear("team"),
}


def github(state: str, reason: str | None = None) -> bytes:
    issue = {
        "number": 7,
        "html_url": "https://github.com/acme/shop/issues/7",
        "body": f"text\n\n<!-- afteraction {MARKER} -->",
        "state": state,
        "state_reason": reason,
        "created_at": "2026-07-05T02:00:00Z",
    }
    return json.dumps({"action": "closed", "issue": issue}).encode()


def jira(category: str, resolution: str | None = None) -> bytes:
    fields = {
        "status": {"statusCategory": {"key": category}},
        "resolution": {"name": resolution} if resolution else None,
        "description": f"text\n\nAfteraction reference: {MARKER}",
        "created": "2026-07-05T02:00:00.000+0000",
    }
    return json.dumps({"webhookEvent": "jira:issue_updated", "issue": {"key": "SHOP-7", "fields": fields}}).encode()


def linear(state: str, at: datetime = NOW) -> bytes:
    data = {"id": MARKER, "url": "https://linear.app/acme/issue/S-7", "state": {"type": state}}
    said = {"type": "Issue", "action": "update", "data": data, "webhookTimestamp": int(at.timestamp() * 1000)}
    return json.dumps(said).encode()


def signed(vendor: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "github": {"x-hub-signature-256": f"sha256={digest}", "x-github-event": "issues"},
        "jira": {"x-hub-signature": f"sha256={digest}"},
        "linear": {"linear-signature": digest},
    }[vendor]


CASES: list[tuple[str, Callable[..., bytes], tuple[Any, ...], State]] = [
    ("github", github, ("closed", "completed"), State.DONE),
    ("github", github, ("closed", "not_planned"), State.DROPPED),
    ("github", github, ("open", "reopened"), State.OPEN),
    ("jira", jira, ("done", "Done"), State.DONE),
    ("jira", jira, ("done", "Won't Do"), State.DROPPED),
    ("jira", jira, ("indeterminate",), State.OPEN),
    ("linear", linear, ("completed",), State.DONE),
    ("linear", linear, ("canceled",), State.DROPPED),
    ("linear", linear, ("started",), State.OPEN),
]


@pytest.mark.parametrize(("vendor", "make", "said", "state"), CASES)
def test_state_of_the_issue_is_read(
    vendor: str, make: Callable[..., bytes], said: tuple[Any, ...], state: State
) -> None:
    body = make(*said)

    issue = TRACKERS[vendor].told(signed(vendor, body), body, SECRET, NOW)

    assert issue is not None
    assert (issue.marker, issue.state) == (MARKER, state)


@pytest.mark.parametrize(("vendor", "make", "said", "state"), CASES[::3])
def test_other_secret_changed_body_and_missing_signature_are_refused(
    vendor: str, make: Callable[..., bytes], said: tuple[Any, ...], state: State
) -> None:
    body = make(*said)
    for headers, sent, secret in (
        (signed(vendor, body, "other"), body, SECRET),
        (signed(vendor, body), body + b" ", SECRET),
        ({"x-github-event": "issues"}, body, SECRET),
        (signed(vendor, body, ""), body, ""),
    ):
        with pytest.raises(Unauthenticated):
            TRACKERS[vendor].told(headers, sent, secret, NOW)


def test_old_webhook_of_linear_is_not_replayed() -> None:
    body = linear("completed", NOW - timedelta(minutes=6))

    with pytest.raises(Unauthenticated, match="signed at"):
        TRACKERS["linear"].told(signed("linear", body), body, SECRET, NOW)


def test_other_events_say_nothing() -> None:
    body = github("closed")

    assert TRACKERS["github"].told(signed("github", body) | {"x-github-event": "ping"}, body, SECRET, NOW) is None
