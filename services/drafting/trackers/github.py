"""GitHub Issues, on github.com and GitHub Enterprise Server.

GitHub takes no id of ours: the body ends with a comment that holds the marker. A lost answer is looked up through the
repository's listing, which shows what was committed; its search index lags and is never asked.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import orjson

from services.drafting.trackers import wording
from services.drafting.trackers.issue import Answer, Conversation, Issue, NewIssue, Request, State
from services.drafting.trackers.limits import judge
from services.drafting.trackers.signatures import verify

API = "https://api.github.com"
_MARKER = re.compile(r"<!-- afteraction ([A-Za-z0-9_-]{20,64}) -->")
_PAGE, _MOST_PAGES = 100, 100
# Their clock and ours may differ by this much.
_SKEW = timedelta(minutes=5)
_REASONS = {"not_planned": State.DROPPED, "duplicate": State.DROPPED}


class GitHub:
    """One repository. repository: `owner/name`. web: where people see it, `https://github.com`."""

    name = "github"
    takes_ids = False

    def __init__(self, repository: str, *, labels: tuple[str, ...] = (), web: str = "https://github.com") -> None:
        self._issues = f"/repos/{repository}/issues"
        self._labels = labels
        self._web = urlsplit(web).netloc.casefold()

    def new_marker(self) -> str:
        return secrets.token_urlsafe(24)

    def create(self, issue: NewIssue) -> Conversation[Issue]:
        body = f"{wording.as_markdown(issue)}\n\n<!-- afteraction {issue.marker} -->"
        wanted: dict[str, Any] = {"title": wording.title(issue), "body": body}
        if self._labels:
            wanted["labels"] = list(self._labels)
        answer = yield Request("POST", self._issues, wanted)
        judge(self.name, answer)
        return _issue(answer.json())

    def changed(self, since: datetime, now: datetime) -> Conversation[tuple[Issue, ...]]:
        found: dict[str, Issue] = {}
        for page in range(1, _MOST_PAGES + 1):
            # In order of creation: what changes while we read moves nothing to a page that we have read already.
            answer = yield Request(
                "GET",
                self._issues,
                params={
                    "state": "all",
                    "sort": "created",
                    "direction": "asc",
                    "since": f"{since - _SKEW:%Y-%m-%dT%H:%M:%SZ}",
                    "per_page": str(_PAGE),
                    "page": str(page),
                },
            )
            judge(self.name, answer)
            rows = answer.json()
            issues = [_issue(row) for row in rows if "pull_request" not in row]
            found |= {issue.id: issue for issue in issues if issue.marker}
            if len(rows) < _PAGE:
                break
        return tuple(found.values())

    def close(self, issue: str, state: State, *, is_duplicate: bool = False) -> Conversation[None]:
        reason = "duplicate" if is_duplicate else "completed" if state is State.DONE else "not_planned"
        answer = yield Request("PATCH", f"{self._issues}/{issue}", {"state": "closed", "state_reason": reason})
        judge(self.name, answer)

    def reopen(self, issue: str) -> Conversation[None]:
        answer = yield Request("PATCH", f"{self._issues}/{issue}", {"state": "open", "state_reason": "reopened"})
        judge(self.name, answer)

    def link(self, ticket_url: str, title: str, url: str) -> Conversation[bool]:
        address = urlsplit(ticket_url)
        match = re.fullmatch(r"/([\w.-]+/[\w.-]+)/issues/(\d+)/?", address.path)
        if match is None or address.netloc.casefold() != self._web:
            return False
        comments = f"/repos/{match[1]}/issues/{match[2]}/comments"
        for page in range(1, _MOST_PAGES + 1):
            answer: Answer = yield Request("GET", comments, params={"per_page": str(_PAGE), "page": str(page)})
            judge(self.name, answer)
            rows = answer.json()
            if any(url in str(row.get("body")) for row in rows):
                return True
            if len(rows) < _PAGE:
                break
        answer = yield Request("POST", comments, {"body": f"Post-mortem: {wording.inert(title)}\n{url}"})
        judge(self.name, answer)
        return True

    def told(self, headers: Mapping[str, str], body: bytes, secret: str, now: datetime) -> Issue | None:
        verify(self.name, body, secret, headers.get("x-hub-signature-256", "").removeprefix("sha256="))
        if headers.get("x-github-event") != "issues":
            return None
        issue = _issue(orjson.loads(body)["issue"])
        return issue if issue.marker else None


def _issue(row: Mapping[str, Any]) -> Issue:
    marker = _MARKER.search(row.get("body") or "")
    is_open = row["state"] == "open"
    return Issue(
        id=str(row["number"]),
        url=row["html_url"],
        marker=marker[1] if marker else "",
        state=State.OPEN if is_open else _REASONS.get(row.get("state_reason") or "", State.DONE),
        created_at=datetime.fromisoformat(row["created_at"]) if row.get("created_at") else None,
    )
