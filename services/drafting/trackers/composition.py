"""The tracker that the settings name, ready to be followed."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.drafting.settings import Settings
from services.drafting.store.action_items import ActionItemStore
from services.drafting.store.tracker_issues import TrackerIssueStore
from services.drafting.trackers import github, linear
from services.drafting.trackers.following import Following
from services.drafting.trackers.issue import Tracker
from services.drafting.trackers.jira import Jira
from services.drafting.trackers.line import Address, Line, open_client
from shared.clock import Clock
from shared.postgres.pool import Pool

_AGENT = {"user-agent": "afteraction"}


@asynccontextmanager
async def followed(settings: Settings, pool: Pool, clock: Clock) -> AsyncIterator[Following | None]:
    """None where no tracker is set: action items live here alone."""
    if not settings.tracker:
        yield None
        return
    tracker, address = tracker_of(settings), address_of(settings)
    async with open_client() as client:
        yield Following(
            tracker=tracker,
            line=Line(address, client, clock, name=tracker.name),
            store=TrackerIssueStore(pool, tracker.name),
            items=ActionItemStore(pool),
            clock=clock,
            settle=settings.tracker_settle,
            poll_every=settings.tracker_poll,
            webhook_secret=settings.tracker_webhook_secret,
            dashboard_url=settings.dashboard_url,
        )


def tracker_of(settings: Settings) -> Tracker:
    """The vendor's protocol."""
    match settings.tracker:
        case "github":
            # GitHub Enterprise Server has its interface below /api/v3 of the address that people use.
            web = settings.tracker_url.partition("/api/v3")[0] if settings.tracker_url else "https://github.com"
            return github.GitHub(settings.tracker_project, labels=settings.tracker_labels, web=web)
        case "jira":
            return Jira(
                settings.tracker_project,
                address=settings.tracker_url,
                is_cloud=bool(settings.tracker_user),
                issue_type=settings.tracker_issue_type,
                labels=settings.tracker_labels,
            )
        case _:
            return linear.Linear(settings.tracker_project)


def address_of(settings: Settings) -> Address:
    """Where its interface is, and the headers that prove who we are."""
    token = settings.tracker_token
    match settings.tracker:
        case "github":
            headers = {
                "authorization": f"Bearer {token}",
                "accept": "application/vnd.github+json",
                "x-github-api-version": "2022-11-28",
            }
            return Address(settings.tracker_url or github.API, headers | _AGENT)
        case "jira" if settings.tracker_user:
            pair = base64.b64encode(f"{settings.tracker_user}:{token}".encode()).decode()
            return Address(settings.tracker_url, {"authorization": f"Basic {pair}"} | _AGENT)
        case "jira":
            return Address(settings.tracker_url, {"authorization": f"Bearer {token}"} | _AGENT)
        case _:
            # A personal key goes as it is; only OAuth's tokens are bearers.
            bearer = token if token.startswith("lin_api_") else f"Bearer {token}"
            return Address(settings.tracker_url or linear.API, {"authorization": bearer} | _AGENT)
